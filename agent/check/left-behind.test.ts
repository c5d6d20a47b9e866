import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { describe, type TestContext, test } from 'node:test';
import {
  fixture,
  inTime,
  isRunning,
  processState,
  readFile,
  run,
  options as shared,
  start,
  until,
} from './fixtures/support.ts';
import { watchLeftBehind } from './left-behind.ts';

/** A node of its own: what other tests leave on this machine is not of it. */
const options = { ...shared, nodeName: `node-${process.pid}` };
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

describe('what a run leaves behind is seen', () => {
  const look = async (
    script: string,
    check: { env?: { name: string; value: string }[]; timeoutSeconds?: number } = {},
  ) => {
    const { watcher, look } = await watchLeftBehind(options.nodeName, 'storage', { env: [], ...check });
    const running = start([fixture(script)], check, { ...options, watcher });
    const { stdout } = await inTime('the outcome', running.outcome);
    await inTime('the end of the process group', running.gone);
    return { pid: Number.parseInt(stdout, 10), left: await inTime('the look', look()) };
  };
  const endAfter = (t: TestContext, pid: number) => t.after(() => process.kill(pid, 'SIGKILL'));

  for (const script of ['leaves-pipe-holder.sh', 'leaves-silent-process.sh']) {
    test(`in its process group: ${script}`, async () => {
      const { pid, left } = await look(script);
      assert.deepEqual(left, { inGroup: [{ pid, name: 'sleep' }], outside: [] });
    });
  }

  test('outside of its process group', async (t) => {
    const { pid, left } = await look('leaves-own-session.sh');
    endAfter(t, pid);
    assert.deepEqual(left, { inGroup: [], outside: [{ pid, name: 'sleep' }] });
  });

  test('also when the policy gives NSC_POLICY another value', async (t) => {
    const { pid, left } = await look('leaves-own-session.sh', { env: [{ name: 'NSC_POLICY', value: 'a=b' }] });
    endAfter(t, pid);
    assert.deepEqual(left.outside, [{ pid, name: 'sleep' }]);
  });

  test('and not what was there before, what another one leaves, or what was killed with it', async (t) => {
    endAfter(t, (await look('leaves-own-session.sh')).pid);
    const { look: lookForOther } = await watchLeftBehind(options.nodeName, 'other', { env: [] });
    endAfter(t, (await look('leaves-own-session.sh')).pid);
    assert.deepEqual((await lookForOther()).outside, []);
    const nothing = { inGroup: [], outside: [] };
    assert.deepEqual((await look('healthy.sh')).left, nothing);
    assert.deepEqual((await look('never-exits.sh', { timeoutSeconds: 1 })).left, nothing);
  });

  test('and not what has not ended yet of its process group', async (t) => {
    const { watcher, look: lookAgain } = await watchLeftBehind(options.nodeName, 'storage', { env: [] });
    const { pid } = await look('leaves-own-session.sh');
    endAfter(t, pid);
    watcher.started(pid);
    assert.deepEqual((await lookAgain()).outside, []);
  });

  test('and not what an agent beside this program runs', async (t) => {
    const { look: lookHere } = await watchLeftBehind(options.nodeName, 'storage', { env: [] });
    const agent = spawn('sh', ['-c', 'NSC_POLICY=storage sleep 60 & echo $!; wait'], {
      env: { PATH: process.env.PATH, NODE_NAME: options.nodeName },
    });
    t.after(() => agent.kill('SIGKILL'));
    const [pid] = await inTime('the start of its check', once(agent.stdout, 'data'));
    endAfter(t, Number(pid));
    await until('it has become another program', () => readFile(`/proc/${Number(pid)}/cmdline`).startsWith('sleep'));
    assert.deepEqual((await lookHere()).outside, []);
  });
});
