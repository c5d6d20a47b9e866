import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, describe, type TestContext, test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  firstChild,
  fixture,
  inTime,
  isRunning,
  options,
  processState,
  readFile,
  start,
  until,
} from './fixtures/support.ts';
import { Looks } from './looks.ts';

const directory = mkdtempSync(join(tmpdir(), 'nsc-timeout-'));
after(() => rmSync(directory, { recursive: true }));

/** A command that notes its pid in `file`, then becomes the one given. */
const notingPid = (file: string, command: string): [string, ...string[]] => [
  'sh',
  '-c',
  `echo $$ >'${join(directory, file)}'; exec ${command}`,
];
const notedPid = (file: string) =>
  until('the check has noted its pid', () => Number.parseInt(readFile(join(directory, file)), 10));

/** Whether a promise is still open after a while in which it would long have settled if nothing held it up. */
const staysOpen = (promise: Promise<void>) => Promise.race([promise.then(() => false), setTimeout(300, true)]);

/** Keeps a process, once it is killed, from being reaped until `holder` is killed too; otherwise says why it cannot. */
async function keepZombie(t: TestContext, pid: number): Promise<{ holder: ChildProcess; refusal?: string }> {
  const holder = spawn(fixture('keeps-zombie.pl'), [String(pid)], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => holder.kill('SIGKILL'));
  const answer = await inTime(
    'the answer of the holder',
    Promise.race([
      once(holder.stdout, 'data').then(() => undefined),
      once(holder.stderr, 'data').then(String),
      once(holder, 'close').then(String, String),
    ]),
  );
  if (answer === undefined) return { holder };
  return { holder, refusal: `needs perl and the right to attach to a process: ${answer}` };
}

describe('a timeout', { concurrency: true }, () => {
  test('kills the whole process group, and what was written before is told', async () => {
    const running = start([fixture('never-exits.sh')], { timeoutSeconds: 5 });
    const { ended, stdout, durationMs } = await inTime('the outcome', running.outcome);
    assert.deepEqual(ended, { kind: 'TimedOut' });
    assert.ok(durationMs >= 5000 && durationMs < 20_000, `${durationMs} ms`);
    await inTime('the end of all its processes', running.gone);
    const pids = stdout.trim().split(' ').map(Number);
    assert.deepEqual([pids.length, pids.filter(isRunning)], [2, []]);
  });

  test('ends a check that ignores SIGTERM', async () => {
    const running = start([fixture('ignores-sigterm.sh')], { timeoutSeconds: 5 });
    const { stdout } = await inTime('the outcome', running.outcome);
    await inTime('the end of all its processes', running.gone);
    assert.equal(isRunning(Number(stdout)), false);
  });

  test('longer than any timer does not fire at once', async () => {
    const { ended } = await inTime('the outcome', start(['sleep', '0.2'], { timeoutSeconds: 2 ** 31 }).outcome);
    assert.deepEqual(ended, { kind: 'Exited', code: 0 });
  });
});

test('a check that exited while the agent itself was held up has not timed out', async () => {
  const [begun, end] = [join(directory, 'begun'), join(directory, 'end')];
  const { outcome } = start([fixture('waits-for-file.sh'), begun, end], { timeoutSeconds: 5 });
  await until('the check runs', () => readFile(begun) || undefined);
  // From here on timers are the next thing that the event loop looks at.
  await setImmediate();
  writeFileSync(end, '');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5500);
  assert.deepEqual((await inTime('the outcome', outcome)).ended, { kind: 'Exited', code: 7 });
});

test('a check has all of its time from when it was started, however late that was', async () => {
  const slow = new Looks(() => setTimeout(3_500, undefined));
  const { outcome } = start(['sleep', '1'], { timeoutSeconds: 4 }, { ...options, looks: slow });
  const { ended, durationMs } = await inTime('the outcome', outcome);
  assert.deepEqual(ended, { kind: 'Exited', code: 0 });
  assert.ok(durationMs >= 4_500, `${durationMs} ms, from when it was to start`);
});

describe('a check that SIGKILL does not end', { concurrency: true }, () => {
  test('has timed out at once, and is gone only when it was reaped', async (t) => {
    const running = start(notingPid('reaped', 'sleep 60'), { timeoutSeconds: 3 });
    const pid = await notedPid('reaped');
    const { holder, refusal } = await keepZombie(t, pid);
    if (refusal) {
      running.kill();
      return t.skip(refusal);
    }

    assert.deepEqual((await inTime('the outcome', running.outcome)).ended, { kind: 'TimedOut' });
    await until('the check is dead', () => processState(pid) === 'Z');
    assert.equal(await staysOpen(running.gone), true);
    holder.kill('SIGKILL');
    await inTime('the end of the check', running.gone);
  });

  test('does not keep the agent from ending', async (t) => {
    const agent = spawn(process.execPath, [fixture('stuck-driver.ts'), join(directory, 'stuck')]);
    const { refusal } = await keepZombie(t, await notedPid('stuck'));
    const [[said]] = await inTime("the agent's end", Promise.all([once(agent.stdout, 'data'), once(agent, 'exit')]));
    if (refusal) return t.skip(refusal);
    assert.equal(String(said), 'TimedOut\n');
  });

  const skip = process.getuid?.() === 0 ? false : 'needs root, to create a process namespace';
  test('is not gone while one of its children lives on', { skip }, async (t) => {
    // The init of a process namespace cannot end before all of the namespace was reaped, and a process that was put
    // into it from outside has its parent outside.
    const running = start(notingPid('leader', 'unshare --fork --pid sleep 60'));
    const leader = await notedPid('leader');
    const init = await firstChild(leader);
    const outsider = spawn('nsenter', ['--target', String(init), '--pid', 'sleep', '60']);
    t.after(() => outsider.kill('SIGKILL'));
    await firstChild(outsider.pid ?? 0);
    outsider.kill('SIGSTOP');
    await until('the parent outside has stopped', () => processState(outsider.pid ?? 0) === 'T');

    running.kill();
    await until('the check itself is gone', () => !isRunning(leader));
    assert.equal(isRunning(init), true);
    assert.equal(await staysOpen(running.gone), true);
    outsider.kill('SIGKILL');
    await inTime('the end of the child', running.gone);
    assert.equal(isRunning(init), false);
  });
});

describe('kill', () => {
  test('ends the whole process group at once', async () => {
    const running = start(notingPid('killed', fixture('never-exits.sh')), { timeoutSeconds: 60 });
    const pid = await notedPid('killed');
    const child = await firstChild(pid);
    running.kill();
    assert.deepEqual((await inTime('the outcome', running.outcome)).ended, { kind: 'Signaled', signal: 'SIGKILL' });
    await inTime('the end of all its processes', running.gone);
    assert.deepEqual([pid, child].filter(isRunning), []);
  });

  test('before the check has started keeps it from starting', async () => {
    const running = start(notingPid('never', 'true'));
    running.kill();
    await inTime('the end of the run', running.gone);
    assert.deepEqual((await running.outcome).ended, { kind: 'Signaled', signal: 'SIGKILL' });
    assert.equal(readFile(join(directory, 'never')), '');
  });

  test('after the end changes nothing', async () => {
    const running = start([fixture('exits-with.sh'), '6']);
    await inTime('the end of the run', running.gone);
    running.kill();
    assert.deepEqual((await running.outcome).ended, { kind: 'Exited', code: 6 });
  });
});
