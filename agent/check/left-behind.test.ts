import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { describe, test } from 'node:test';
import { fixture, inTime, isRunning, processState, run, start, until } from './fixtures/support.ts';

/** How long the fixtures' processes live if nobody ends them, in milliseconds. */
const LIFE_MS = 60_000;

describe('a process that a check leaves behind', () => {
  for (const [what, script, code] of [
    ['with the pipe', 'leaves-pipe-holder.sh', 4],
    ['without the pipe', 'leaves-silent-process.sh', 0],
  ] as const) {
    test(`${what} does not delay the outcome, and is killed`, async () => {
      const running = start([fixture(script)]);
      const { ended, stdout, durationMs } = await inTime('the outcome', running.outcome);
      assert.deepEqual(ended, { kind: 'Exited', code });
      assert.ok(durationMs < LIFE_MS / 3, `${durationMs} ms`);
      await inTime('the end of all its processes', running.gone);
      assert.match(stdout, /^\d+\n$/);
      assert.equal(isRunning(Number(stdout)), false);
    });
  }

  test('in a session of its own delays neither the outcome nor the next run, and holds no file open', async (t) => {
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    const running = start([fixture('leaves-own-session.sh')]);
    const { ended, stdout } = await inTime('the outcome', running.outcome);
    const pid = Number.parseInt(stdout, 10);
    t.after(() => process.kill(pid, 'SIGKILL'));
    assert.deepEqual(ended, { kind: 'Exited', code: 5 });
    await inTime('the end of the process group', running.gone);
    assert.equal(isRunning(pid), true);
    await until('the pipes are closed', () => openFiles() <= before);
  });

  test('and that keeps writing does not delay the outcome', async () => {
    const { ended, stdoutBytes } = await run(['sh', '-c', 'yes & sleep 0.2; exit 2']);
    assert.deepEqual(ended, { kind: 'Exited', code: 2 });
    assert.ok(stdoutBytes > 0);
  });

  test('does not lose what the check wrote last', async () => {
    const { stderr, stderrBytes } = await run(['sh', '-c', 'sleep 60 & head -c 60000 /dev/zero >&2; printf x >&2']);
    assert.equal(stderr, '\0'.repeat(4096));
    assert.equal(stderrBytes, 60_001);
  });
});

test('a check is reaped when it is gone', async () => {
  const running = start(['sh', '-c', 'echo $$']);
  await inTime('the end of the check', running.gone);
  assert.equal(processState(Number((await running.outcome).stdout)), undefined);
});
