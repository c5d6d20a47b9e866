import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fixture, inTime, watchGroup } from './fixtures/support.ts';
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

  const skip = process.getuid?.() === 0 ? false : 'needs root, to hide /proc';
  test('is not gone while it has a member that cannot be looked at', { skip }, async (t) => {
    const leader = spawn('sleep', ['60'], { detached: true });
    t.after(() => leader.kill('SIGKILL'));
    const hidden = ['--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'];
    const driver = [process.execPath, fixture('group-driver.ts')];
    const { gone } = await watchGroup(t, ['unshare', ...hidden, ...driver], leader.pid ?? 0);
    assert.equal(await Promise.race([gone, setTimeout(500, 'there')]), 'there');
    leader.kill('SIGKILL');
    assert.equal(await inTime('the end of the group', gone), 'looks\ngone\n');
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
