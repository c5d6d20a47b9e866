import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { samplePolicy } from '../core/samples.ts';
import type { RunOutcome } from '../core/verdict.ts';
import { createCheckTimers } from './check-timers.ts';
import { MAX_RUNS_OF_A_POLICY } from './runs-under-way.ts';

const PERIOD_MS = 5_000;

/** Every run hangs, though it is killed, until the test lets it go. */
function stage() {
  const clock = new VirtualClock();
  const runs: { name: string; command: string; atMs: number; beGone(): void }[] = [];
  const skipped: string[] = [];
  const timers = createCheckTimers({
    clock,
    startCheck({ metadata, spec }) {
      const gone = Promise.withResolvers<void>();
      const [command] = spec.check.command;
      runs.push({ name: metadata.name, command, atMs: clock.nowMs(), beGone: gone.resolve });
      return { outcome: new Promise<RunOutcome>(() => {}), gone: gone.promise, kill() {} };
    },
    send: (event) => event.kind === 'RunSkipped' && skipped.push(event.policy.metadata.name),
    onProblem: assert.fail,
  });
  const started = () => runs.map(({ name, command, atMs }) => `${name} ${command} ${atMs}`);
  return { clock, timers, runs, skipped, started };
}

const check = (name: string, command: string, more: object = {}) =>
  samplePolicy(name, { check: { periodSeconds: PERIOD_MS / 1000, command: [command], ...more } });

test('a check that hangs is not started beside itself, however often its policy is taken out and put back', async () => {
  const { clock, timers, runs, skipped, started } = stage();
  timers.obey([check('a', 'x')]);
  await clock.run(1_000);
  for (let n = 1; n <= 5; n++) {
    timers.obey([]);
    await clock.run(n * 1_000 + 500);
    timers.obey([check('a', 'x')]);
    await clock.run(n * 1_000 + 1_000);
  }
  assert.deepEqual([started(), skipped], [['a x 0'], ['a', 'a', 'a', 'a', 'a']]);
  runs[0]?.beGone();
  await clock.run(6_001);
  assert.deepEqual(started(), ['a x 0', 'a x 6000'], 'as soon as the old one has ended');
  await clock.run(11_500);
  assert.deepEqual([runs.length, skipped.length], [2, 6], 'and from then on at its period');
});

test('a check that hangs is not started beside itself when another command was in force meanwhile', async () => {
  const { clock, timers, runs, started } = stage();
  for (const [n, command] of ['x', 'y', 'x', 'y'].entries()) {
    timers.obey([check('a', command)]);
    await clock.run((n + 1) * 1_000);
  }
  assert.deepEqual(started(), ['a x 0', 'a y 1000']);
  runs[0]?.beGone();
  await clock.run(4_001);
  assert.equal(runs.length, 2, 'what is gone was not the command in force');
  runs[1]?.beGone();
  await clock.run(4_002);
  assert.deepEqual(started().slice(2), ['a y 4001']);
});

test('a hung check holds up neither another command of its policy nor the same command of another policy', async () => {
  const { clock, timers, started } = stage();
  timers.obey([check('a', 'x')]);
  await clock.run(1_000);
  timers.obey([check('a', 'y'), check('b', 'x')]);
  await clock.run(2_000);
  assert.deepEqual(started(), ['a x 0', 'a y 1000', 'b x 1000']);
});

test('a check whose first run is owed takes a new period at once, and waits for what hangs', async () => {
  const { clock, timers, runs, started, skipped } = stage();
  timers.obey([check('a', 'x')]);
  await clock.run(1_000);
  timers.obey([]);
  timers.obey([check('a', 'x', { periodSeconds: 3600 })]);
  await clock.run(2_000);
  timers.obey([check('a', 'x', { periodSeconds: 1 })]);
  await clock.run(2_500);
  assert.deepEqual([started(), skipped.length], [['a x 0'], 2]);
  runs[0]?.beGone();
  await clock.run(2_600);
  assert.deepEqual(started(), ['a x 0', 'a x 2500']);
});

test('commands that hang one after the other end in so many processes of a policy, and one that ends makes room', async () => {
  const { clock, timers, runs, skipped } = stage();
  for (let n = 0; n <= MAX_RUNS_OF_A_POLICY; n++) {
    timers.obey([check('a', `x${n}`)]);
    await clock.run((n + 1) * 1_000);
  }
  assert.deepEqual([runs.length, skipped], [MAX_RUNS_OF_A_POLICY, ['a']]);
  runs[0]?.beGone();
  await clock.run(20_000);
  assert.equal(runs.at(-1)?.command, `x${MAX_RUNS_OF_A_POLICY}`);
  assert.equal(runs.length, MAX_RUNS_OF_A_POLICY + 1);
});

test('after the end nothing starts, though what hung has ended', async () => {
  const { clock, timers, runs } = stage();
  timers.obey([check('a', 'x')]);
  await clock.run(1_000);
  timers.obey([]);
  timers.obey([check('a', 'x')]);
  await clock.run(2_000);
  timers.stop();
  runs[0]?.beGone();
  await clock.run(60_000);
  assert.equal(runs.length, 1);
});
