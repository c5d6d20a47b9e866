import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { NodeCheckPolicy } from '../core/policy.ts';
import { samplePolicy } from '../core/samples.ts';
import type { RunOutcome } from '../core/verdict.ts';
import { type CheckTimer, startCheckTimer } from './check-timer.ts';

const OUTCOME: RunOutcome = {
  ended: { kind: 'Exited', code: 0 },
  stdout: '',
  stderr: '',
  stdoutBytes: 0,
  stderrBytes: 0,
  durationMs: 1,
};
/** Short enough for many periods in a test. */
const PERIOD = 0.02;
const HOUR = 3600;

/** Runs that end when the test says so. */
function stage(first: NodeCheckPolicy) {
  const runs: { policy: NodeCheckPolicy; end(): void; beGone(): void; killed: boolean }[] = [];
  const outcomes: NodeCheckPolicy[] = [];
  let skipped = 0;
  const timer = startCheckTimer(first, {
    start(policy) {
      const outcome = Promise.withResolvers<RunOutcome>();
      const gone = Promise.withResolvers<void>();
      const run = { policy, end: () => outcome.resolve(OUTCOME), beGone: () => gone.resolve(), killed: false };
      runs.push(run);
      return {
        outcome: outcome.promise,
        gone: gone.promise,
        kill: () => {
          run.killed = true;
        },
      };
    },
    onOutcome: (policy) => outcomes.push(policy),
    onSkip: () => {
      skipped += 1;
    },
  });
  timers.push(timer);
  const runCount = (count: number) => waitFor(() => runs.length >= count, { what: `run ${count}` });
  const skips = (count: number) => waitFor(() => skipped >= count, { what: `${count} runs left out` });
  return { timer, runs, outcomes, runCount, skips };
}

const timers: CheckTimer[] = [];
afterEach(() => {
  for (const timer of timers.splice(0)) timer.stop('kill');
});

const every = (periodSeconds: number, more: object = {}) => samplePolicy('a', { check: { periodSeconds, ...more } });

test('runs follow each other at the period', async () => {
  const { runs, runCount, outcomes } = stage(every(PERIOD));
  for (let n = 1; n <= 3; n++) {
    await runCount(n);
    runs[n - 1]?.end();
    runs[n - 1]?.beGone();
  }
  await waitFor(() => outcomes.length === 3, { what: 'three outcomes' });
});

test('a run that has not ended is never overlapped: the next ones are left out', async () => {
  const { runs, runCount, skips } = stage(every(PERIOD));
  await skips(3);
  assert.equal(runs.length, 1);
  runs[0]?.end();
  await skips(5);
  assert.equal(runs.length, 1, 'its outcome is known, but its process is still there');
  runs[0]?.beGone();
  await runCount(2);
});

test('the first run waits for initialDelaySeconds', async () => {
  const { runs, timer, runCount } = stage(every(PERIOD, { initialDelaySeconds: HOUR }));
  const other = stage(every(PERIOD));
  await other.skips(3);
  assert.equal(runs.length, 0);
  timer.update(every(PERIOD, { initialDelaySeconds: 0, command: ['another'] }));
  await runCount(1);
});

test('a shorter period takes effect at once', async () => {
  const { timer, runs, runCount } = stage(every(HOUR));
  await runCount(1);
  runs[0]?.end();
  runs[0]?.beGone();
  timer.update(every(PERIOD));
  await runCount(2);
});

test('an outcome counts for the policy in force when only thresholds changed', async () => {
  const { timer, runs, runCount, outcomes } = stage(every(HOUR));
  await runCount(1);
  const changed = every(HOUR, { failureThreshold: 9 });
  timer.update(changed);
  runs[0]?.end();
  await waitFor(() => outcomes.length === 1, { what: 'the outcome' });
  assert.equal(outcomes[0], changed);
  assert.equal(runs.length, 1);
});

test('an outcome of another command is dropped, and the new command starts once the old one is gone', async () => {
  const { timer, runs, runCount, skips, outcomes } = stage(every(PERIOD));
  await runCount(1);
  timer.update(every(PERIOD, { command: ['another'] }));
  await skips(2);
  assert.equal(runs.length, 1);
  runs[0]?.end();
  runs[0]?.beGone();
  await runCount(2);
  assert.deepEqual(runs[1]?.policy.spec.check.command, ['another']);
  assert.deepEqual(outcomes, []);
});

test('after a stop nothing starts and no outcome is told', async () => {
  const { timer, runs, runCount, outcomes } = stage(every(PERIOD));
  await runCount(1);
  timer.stop('letFinish');
  runs[0]?.end();
  runs[0]?.beGone();
  const other = stage(every(PERIOD));
  await other.skips(3);
  assert.equal(runs.length, 1);
  assert.equal(runs[0]?.killed, false);
  assert.deepEqual(outcomes, []);
});

test('a stop that kills ends the run under way', async () => {
  const { timer, runs, runCount } = stage(every(PERIOD));
  await runCount(1);
  timer.stop('kill');
  assert.equal(runs[0]?.killed, true);
});
