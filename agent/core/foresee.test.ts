import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { createCheckTimers } from '../loop/check-timers.ts';
import { type Foresight, foresee, type TriedRun } from './foresee.ts';
import { describeHold } from './holds.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { SAMPLE_DRAIN, SAMPLE_TAINT, sampleBudget, samplePolicy, sampleVerdict } from './samples.ts';
import type { Judgement, RunOutcome } from './verdict.ts';

const OUTCOME: RunOutcome = {
  ended: { kind: 'Exited', code: 1 },
  stdout: '',
  stderr: '',
  stdoutBytes: 0,
  stderrBytes: 0,
  durationMs: 0,
};

function runsOf(letters: string, busyMs = 100): TriedRun[] {
  const STATUSES = { H: 'Healthy', F: 'Failed', U: 'Unknown' } as const;
  return [...letters].map((letter) => ({
    judgement: sampleVerdict(STATUSES[letter as keyof typeof STATUSES]),
    outcomeMs: busyMs,
    busyMs,
  }));
}

const FATAL: Judgement = { ...sampleVerdict('Unknown'), status: 'Fatal' };
const withCheck = (check: object) => samplePolicy('a', { check });
const failingAt = ({ failing }: Foresight) =>
  failing && [failing.run, failing.inARow, failing.afterFirstMs, failing.afterMs];

describe('an agent that goes on with such runs', () => {
  const CASES: readonly [string, object, string, number, ReturnType<typeof failingAt>][] = [
    ['fails at the threshold, so many periods after the first run', {}, 'F', 100, [4, 4, 15_000, 15_100]],
    ['fails at once with a threshold of 1', { failureThreshold: 1 }, 'F', 300, [1, 1, 0, 300]],
    ['begins with its first delay', { initialDelaySeconds: 30, failureThreshold: 2 }, 'F', 100, [2, 2, 5_000, 35_100]],
    [
      'leaves out what falls due during a run',
      { periodSeconds: 2, failureThreshold: 3 },
      'F',
      4_500,
      [3, 3, 12_000, 16_500],
    ],
    ['starts the next run when one took just the period', { failureThreshold: 2 }, 'F', 5_000, [2, 2, 5_000, 10_000]],
    ['never fails by healthy runs', { failureThreshold: 1 }, 'H', 100, null],
    ['never fails by unknown ones', { failureThreshold: 1 }, 'U', 100, null],
    ['never fails by unknown ones, whatever came before', { failureThreshold: 3 }, 'FFU', 100, null],
    ['counts the failures before', { failureThreshold: 3 }, 'FF', 100, [3, 3, 10_000, 10_100]],
    ['counts over an unknown run', { failureThreshold: 3 }, 'FUF', 100, [4, 3, 15_000, 15_100]],
    ['counts anew after a healthy one', { failureThreshold: 3 }, 'FFHF', 100, [6, 3, 25_000, 25_100]],
    ['fails at the run that made it so', { failureThreshold: 2 }, 'FFFF', 100, [2, 2, 5_000, 5_100]],
    [
      'still fails after too few healthy ones',
      { failureThreshold: 2, successThreshold: 2 },
      'FFH',
      100,
      [2, 2, 5_000, 5_100],
    ],
    ['still fails when nothing is known of it', { failureThreshold: 2 }, 'FFU', 100, [2, 2, 5_000, 5_100]],
    ['first failed where it did, though it has recovered', { failureThreshold: 2 }, 'FFH', 100, [2, 2, 5_000, 5_100]],
    [
      'first failed where it did, though it begins to fail anew',
      { failureThreshold: 3 },
      'FFFHFF',
      100,
      [3, 3, 10_000, 10_100],
    ],
  ];
  for (const [rule, check, letters, busyMs, expected] of CASES) {
    test(rule, () => assert.deepEqual(failingAt(foresee(withCheck(check), runsOf(letters, busyMs), [])), expected));
  }

  test('fails and recovers where its own counting says so', () => {
    const { turns, health } = foresee(withCheck({ failureThreshold: 2 }), runsOf('HFFUFHF'), []);
    assert.deepEqual(turns, [
      { run: 3, failing: true, afterFirstMs: 10_000 },
      { run: 6, failing: false, afterFirstMs: 25_000 },
    ]);
    assert.deepEqual([health.failing, health.failures], [false, 1]);
  });

  test('says when it fails anew, once it has recovered and fails', () => {
    const again = (letters: string) => {
      const { failingAgain } = foresee(withCheck({ failureThreshold: 3 }), runsOf(letters), []);
      return failingAgain && [failingAgain.run, failingAgain.inARow, failingAgain.afterFirstMs];
    };
    assert.deepEqual(again('FFFHF'), [7, 3, 30_000]);
    for (const letters of ['F', 'FFF', 'FFFH', 'FFFHU', 'FFFHFFF']) assert.equal(again(letters), null, letters);
  });

  test('is ended by a Fatal run, and does nothing else', () => {
    const runs = [...runsOf('F'), { judgement: FATAL, outcomeMs: 1, busyMs: 1 }];
    const { endsAgent, failing } = foresee(withCheck({}), runs, []);
    assert.deepEqual([endsAgent, failing], [true, null]);
  });
});

describe('a policy that fails', () => {
  const of = (more: Parameters<typeof samplePolicy>[1]) => {
    const { wanted, withheld } = foresee(samplePolicy('a', more), runsOf('F'), []);
    return [wanted && describeHold(wanted), withheld];
  };

  test('does what its actions say', () => {
    const actions = { cordon: true, taint: SAMPLE_TAINT, drain: SAMPLE_DRAIN };
    assert.deepEqual(of({ actions }), ['cordon, taint nodeServiceCheckFailed=true:NoSchedule, drain', null]);
  });

  test('cordons where it drains', () => {
    assert.deepEqual(of({ actions: { cordon: false, drain: SAMPLE_DRAIN } }), ['cordon, drain', null]);
  });

  test('does nothing without actions, by observing, or while it is paused', () => {
    assert.deepEqual(of({ actions: { cordon: false } }), [null, null]);
    assert.deepEqual(of({ spec: { mode: 'Observe' } }), ['cordon', 'Observe']);
    assert.deepEqual(of({ spec: { paused: true } }), ['cordon', 'Paused']);
    assert.deepEqual(of({ spec: { mode: 'Observe', paused: true } }), ['cordon', 'Observe']);
  });

  test('sets its condition with or without actions, and not by observing or while it is paused', () => {
    const spec = { nodeCondition: 'FooOk' };
    const check = { failureThreshold: 1 };
    const failing = { status: 'False', reason: 'CheckFailing' };
    const conditionOf = (more: Parameters<typeof samplePolicy>[1], letters = 'F') => {
      const { condition, withheld } = foresee(samplePolicy('a', { check, ...more }), runsOf(letters), []);
      return [condition, withheld];
    };
    assert.deepEqual(conditionOf({}), [null, null]);
    for (const cordon of [true, false]) {
      const actions = { cordon };
      assert.deepEqual(conditionOf({ spec, actions }), [{ type: 'FooOk', failing, after: failing }, null]);
      for (const [more, why] of [
        [{ mode: 'Observe' }, 'Observe'],
        [{ paused: true }, 'Paused'],
      ] as const) {
        const found = conditionOf({ spec: { ...spec, ...more }, actions });
        assert.deepEqual(found, [{ type: 'FooOk', failing, after: null }, why]);
      }
    }
    const healthy = { status: 'True', reason: 'CheckHealthy' };
    assert.deepEqual(conditionOf({ spec }, 'FH'), [{ type: 'FooOk', failing, after: healthy }, null]);
  });

  test('waits for the budgets that may select the node', () => {
    const budgets = [
      sampleBudget('all'),
      sampleBudget('some', { nodeSelector: { matchLabels: { a: 'b' } }, maxUnavailable: '0%' }),
    ];
    assert.deepEqual(foresee(withCheck({}), runsOf('F'), budgets).budgets, [
      { name: 'all', ofEveryNode: true, isStop: false },
      { name: 'some', ofEveryNode: false, isStop: true },
    ]);
  });
});

/** When the agent's own timer has seen so many runs end, each of which takes so long. */
async function playedMs(policy: NodeCheckPolicy, busyMs: number, count: number): Promise<number> {
  const clock = new VirtualClock();
  let ended = 0;
  let atMs = Number.NaN;
  const timers = createCheckTimers({
    clock,
    startCheck() {
      const over = clock.sleep(busyMs);
      return { outcome: over.then(() => OUTCOME), gone: over, kill: () => {} };
    },
    send({ kind }) {
      if (kind === 'RunEnded' && ++ended === count) atMs = clock.nowMs();
    },
    onProblem: assert.ifError,
  });
  timers.obey([policy]);
  while (Number.isNaN(atMs)) await clock.run(clock.nowMs() + 1_000);
  timers.stop();
  return atMs;
}

test("the time is that of the agent's own timer", async () => {
  for (const periodSeconds of [1, 5, 60]) {
    for (const busyMs of [1, 999, 1_001, 4_999, 5_001, 12_000, 61_000]) {
      for (const initialDelaySeconds of [0, 7]) {
        const policy = withCheck({ periodSeconds, initialDelaySeconds, failureThreshold: 3 });
        const { failing } = foresee(policy, runsOf('F', busyMs), []);
        const what = `a run of ${busyMs} ms every ${periodSeconds} s after ${initialDelaySeconds} s`;
        assert.equal(failing?.afterMs, await playedMs(policy, busyMs, 3), what);
      }
    }
  }
});

test('a policy that is named as every object inherits does nothing without actions', () => {
  const idle = samplePolicy('constructor', { actions: { cordon: false } });
  assert.equal(foresee(idle, runsOf('F'), []).wanted, null);
});
