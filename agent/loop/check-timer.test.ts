import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import type { NodeCheckPolicy } from '../core/policy.ts';
import { samplePolicy } from '../core/samples.ts';
import type { RunOutcome } from '../core/verdict.ts';
import { startCheckTimer } from './check-timer.ts';
import { createRunsUnderWay } from './runs-under-way.ts';

const OUTCOME: RunOutcome = {
  ended: { kind: 'Exited', code: 0 },
  stdout: '',
  stderr: '',
  stdoutBytes: 0,
  stderrBytes: 0,
  durationMs: 1,
};
const HOUR = 3600;

/** Runs that end when the test says so, in virtual time. */
function stage(first: NodeCheckPolicy) {
  const clock = new VirtualClock();
  const runs: { policy: NodeCheckPolicy; atMs: number; end(): void; beGone(): void; killed: boolean }[] = [];
  const outcomes: NodeCheckPolicy[] = [];
  const skippedAtMs: number[] = [];
  const hungAtMs: number[] = [];
  const underWay = createRunsUnderWay(
    () => timer.catchUp(),
    (error) => assert.ifError(error),
  );
  const timer = startCheckTimer(first, {
    clock,
    mayStart: underWay.mayStart,
    start(policy) {
      const outcome = Promise.withResolvers<RunOutcome>();
      const gone = Promise.withResolvers<void>();
      const run = {
        policy,
        atMs: clock.nowMs(),
        end: () => outcome.resolve(OUTCOME),
        beGone: () => gone.resolve(),
        killed: false,
      };
      runs.push(run);
      const started = {
        outcome: outcome.promise,
        gone: gone.promise,
        kill: () => {
          run.killed = true;
        },
      };
      underWay.add(policy, started);
      return started;
    },
    onOutcome: (policy) => outcomes.push(policy),
    onSkip(_policy, isHung) {
      skippedAtMs.push(clock.nowMs());
      if (isHung) hungAtMs.push(clock.nowMs());
    },
    onProblem: assert.fail,
  });
  const startedAtMs = () => runs.map(({ atMs }) => atMs);
  return { clock, timer, runs, outcomes, startedAtMs, skippedAtMs, hungAtMs };
}

const every = (periodSeconds: number, more: object = {}) => samplePolicy('a', { check: { periodSeconds, ...more } });

test('runs follow each other at the period', async () => {
  const { clock, runs, outcomes, startedAtMs } = stage(every(5));
  for (let n = 0; n < 3; n++) {
    await clock.run(n * 5_000 + 100);
    runs[n]?.end();
    runs[n]?.beGone();
  }
  await clock.run(10_200);
  assert.deepEqual(startedAtMs(), [0, 5_000, 10_000]);
  assert.equal(outcomes.length, 3);
});

test('a run that has not ended is never overlapped: the next ones are left out', async () => {
  const { clock, runs, skippedAtMs, startedAtMs, hungAtMs } = stage(every(5));
  await clock.run(15_000);
  assert.deepEqual([startedAtMs(), skippedAtMs], [[0], [5_000, 10_000, 15_000]]);
  runs[0]?.end();
  await clock.run(25_000);
  assert.equal(runs.length, 1, 'its outcome is known, but its process is still there');
  assert.deepEqual(hungAtMs, [20_000, 25_000], 'until its outcome is known it may just take long');
  runs[0]?.beGone();
  await clock.run(30_000);
  assert.deepEqual(startedAtMs(), [0, 30_000]);
});

test('the first run waits for initialDelaySeconds', async () => {
  const { clock, runs, timer, startedAtMs } = stage(every(5, { initialDelaySeconds: HOUR }));
  await clock.run(HOUR * 1000 - 1);
  assert.equal(runs.length, 0);
  timer.update(every(5, { initialDelaySeconds: 7, command: ['another'] }));
  await clock.run(HOUR * 1000 + 6_999);
  assert.deepEqual(startedAtMs(), [HOUR * 1000 + 6_999]);
});

test('a shorter period takes effect at once', async () => {
  const { clock, timer, runs, startedAtMs } = stage(every(HOUR));
  await clock.run(1_000);
  runs[0]?.end();
  runs[0]?.beGone();
  timer.update(every(5));
  await clock.run(9_999);
  assert.deepEqual(startedAtMs(), [0, 5_000]);
});

test('an outcome counts for the policy in force when only thresholds changed', async () => {
  const { clock, timer, runs, outcomes } = stage(every(HOUR));
  await clock.run(1_000);
  const changed = every(HOUR, { failureThreshold: 9 });
  timer.update(changed);
  runs[0]?.end();
  await clock.run(2_000);
  assert.deepEqual(outcomes, [changed]);
  assert.equal(runs.length, 1);
});

test('a run of another command is ended and not waited for, and its outcome is dropped', async () => {
  const { clock, timer, runs, outcomes, startedAtMs, skippedAtMs } = stage(every(5));
  await clock.run(1_000);
  timer.update(every(5, { command: ['another'] }));
  assert.equal(runs[0]?.killed, true);
  await clock.run(2_000);
  assert.deepEqual(startedAtMs(), [0, 1_000], 'though nothing of it is gone');
  assert.deepEqual(runs[1]?.policy.spec.check.command, ['another']);
  runs[0]?.end();
  runs[0]?.beGone();
  await clock.run(6_000);
  assert.deepEqual(outcomes, []);
  assert.deepEqual([startedAtMs(), skippedAtMs], [[0, 1_000], [6_000]], 'the new one is not overlapped');
});

test('a stop ends the run under way; nothing starts after it, and no outcome is told', async () => {
  const { clock, timer, runs, outcomes } = stage(every(5));
  await clock.run(1_000);
  timer.stop();
  runs[0]?.end();
  runs[0]?.beGone();
  await clock.run(60_000);
  assert.equal(runs.length, 1);
  assert.equal(runs[0]?.killed, true);
  assert.deepEqual(outcomes, []);
});
