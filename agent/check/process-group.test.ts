import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { inTime } from './fixtures/support.ts';
import { ProcessGroup } from './process-group.ts';

describe('a process group', () => {
  test('is not gone while a process runs in it, whatever that is called', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'nsc-group-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const oddName = join(directory, 'a) Z 1 (b');
    copyFileSync('/bin/sleep', oddName);

    const leader = spawn(oddName, ['60'], { detached: true });
    t.after(() => leader.kill('SIGKILL'));
    const group = new ProcessGroup(leader.pid);
    const gone = group.gone();
    assert.equal(await Promise.race([gone.then(() => 'gone'), setTimeout(500, 'there')]), 'there');
    assert.equal(group.exists(), true);

    group.kill();
    await inTime('the end of the group', gone);
    assert.equal(group.exists(), false);
  });

  test('that has ended can be killed again', async () => {
    const leader = spawn('true', { detached: true });
    const group = new ProcessGroup(leader.pid);
    await once(leader, 'exit');
    assert.equal(group.exists(), false);
    group.kill();
    await inTime('the end of the group', group.gone());
  });

  test('of nothing that was started is empty', async () => {
    const group = new ProcessGroup(undefined);
    group.kill();
    assert.equal(group.exists(), false);
    await inTime('the end of the group', group.gone());
  });
});
