import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { DrainEnd, DrainOrder } from '../core/compare.ts';
import type { DrainMemory } from '../core/ledger.ts';
import type { PodView } from '../core/pod.ts';
import type { Drain } from '../core/policy.ts';
import { SAMPLE_DRAIN } from '../core/samples.ts';
import type { DrainResult } from './drain-attempt.ts';
import type { DrainApi } from './drain-ports.ts';
import { createDrainer } from './drainer.ts';

const WEB: PodView = {
  namespace: 'default',
  name: 'web',
  uid: 'uid-1',
  nodeName: 'node-1',
  labels: {},
  phase: 'Running',
  terminating: false,
  mirror: false,
  controller: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1' },
  hasEmptyDir: false,
};
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

function order(memory: Partial<DrainMemory> = {}, rules: Partial<Drain> = {}): DrainOrder {
  return {
    drain: { state: 'Draining', since: '2025-01-01T00:00:00Z', ...memory },
    policy: 'sick-check',
    rules: { ...SAMPLE_DRAIN, ...rules },
  };
}

/** A drainer of a node with one pod that nothing ever ends, or with none. */
function setScene(pods: readonly PodView[]) {
  const seen = {
    attempts: 0,
    ends: [] as DrainEnd[],
    results: [] as DrainResult[],
    deadlinesMs: [] as number[],
    left: [] as number[],
    counted: [] as string[],
  };
  const api: DrainApi = {
    list: async () => pods,
    watch: async ({ onList }) => {
      seen.attempts += 1;
      onList(pods);
    },
    read: async () => WEB,
    evict: async (_pod, _grace, deadlineMs) => {
      seen.deadlinesMs.push(deadlineMs);
    },
    delete: async () => {},
    findDaemonSet: async () => ({ kind: 'NotFound' }),
    answerOf: () => ({ status: null, message: '', causes: [], retryAfterMs: null }),
  };
  const narrator = {
    drainSkips() {},
    drainEvicts() {},
    drainDeletes() {},
    drainWaits() {},
    drainProblem() {},
    drainEnded: (_order: DrainOrder, result: DrainResult) => void seen.results.push(result),
  };
  const meter = {
    podsLeft: (left: number) => void seen.left.push(left),
    podAccepted() {},
    attemptEnded: (result: string) => void seen.counted.push(result),
  };
  const onEnd = (end: DrainEnd) => void seen.ends.push(end);
  return { seen, drainer: createDrainer({ nodeName: 'node-1', ownPod: null, api, narrator, meter, onEnd }) };
}

const results = ({ results }: { results: DrainResult[] }, count: number) =>
  waitFor(() => results.length === count, { what: `${count} ended attempts` });

test('the order that is being obeyed already begins nothing anew, nor does its own giving up', async (t) => {
  const { drainer, seen } = setScene([WEB]);
  t.after(() => drainer.obey(null));
  drainer.obey(order({ state: 'GaveUp' }));
  drainer.obey(order({ state: 'GaveUp' }));
  drainer.obey(order({ state: 'Draining' }));
  await waitFor(() => seen.deadlinesMs.length > 0, { what: 'an eviction' });
  assert.deepEqual([seen.attempts, seen.results], [1, []]);
});

test('no order stops the drain under way, which then reports no end', async () => {
  const { drainer, seen } = setScene([WEB]);
  drainer.obey(order({ state: 'GaveUp' }));
  await waitFor(() => seen.deadlinesMs.length > 0, { what: 'an eviction' });
  drainer.obey(null);
  await results(seen, 1);
  assert.deepEqual([seen.results[0]?.state, seen.ends], ['Aborted', []]);
});

test('other rules stop the drain under way and begin one by them', async (t) => {
  const { drainer, seen } = setScene([WEB]);
  t.after(() => drainer.obey(null));
  drainer.obey(order({ state: 'GaveUp' }));
  drainer.obey(order({ state: 'GaveUp' }, { gracePeriodSeconds: 5 }));
  await results(seen, 1);
  assert.deepEqual([seen.results[0]?.state, seen.attempts], ['Aborted', 2]);
});

test('each attempt is counted by its end, after which no pod is left to go', async () => {
  const { drainer, seen } = setScene([WEB]);
  drainer.obey(order({ state: 'GaveUp' }));
  await waitFor(() => seen.deadlinesMs.length > 0, { what: 'an eviction' });
  assert.equal(seen.left.at(-1), 1);
  drainer.obey(null);
  await results(seen, 1);
  await waitFor(() => seen.counted.length === 1, { what: 'the count' });
  assert.deepEqual([seen.counted, seen.left.at(-1)], [['Aborted'], 0]);
});

test('a drain that was replaced takes no count from the one in its place', async (t) => {
  const { drainer, seen } = setScene([WEB]);
  t.after(() => drainer.obey(null));
  drainer.obey(order({ state: 'GaveUp' }));
  await waitFor(() => seen.deadlinesMs.length > 0, { what: 'an eviction' });
  drainer.obey(order({ state: 'GaveUp' }, { gracePeriodSeconds: 5 }));
  await waitFor(() => seen.counted.length === 1 && seen.deadlinesMs.length > 1, { what: 'the end of the first' });
  assert.ok(!seen.left.includes(0), `found ${seen.left}`);
});

test('a drain that ended well is reported with its episode, and not repeated', async () => {
  const { drainer, seen } = setScene([]);
  const mine = order();
  drainer.obey(mine);
  await results(seen, 1);
  drainer.obey(mine);
  assert.deepEqual(seen.ends, [{ since: mine.drain.since, state: 'Drained', problems: [] }]);
  assert.equal(seen.attempts, 1);
});

const deadlines: [rule: string, order: DrainOrder, minMs: number, maxMs: number][] = [
  ['the time-out runs from the landing of the cordon', order({ since: ago(594) }), 4_900, 6_100],
  ['a drain resumed after its deadline still has a moment', order({ since: ago(6000) }), 4_000, 5_000],
  ['but never more than its time-out', order({ since: ago(6000) }, { timeoutSeconds: 2 }), 1_000, 2_000],
  [
    'an attempt after one that gave up has a time-out of its own',
    order({ since: ago(6000), state: 'GaveUp' }, { timeoutSeconds: 8 }),
    7_000,
    8_000,
  ],
  [
    'a clock set back grants no more than the time-out',
    order({ since: ago(-6000) }, { timeoutSeconds: 8 }),
    7_000,
    8_000,
  ],
];
for (const [rule, mine, minMs, maxMs] of deadlines) {
  test(rule, async () => {
    const { drainer, seen } = setScene([WEB]);
    drainer.obey(mine);
    const deadlineMs = await waitFor(() => seen.deadlinesMs[0], { what: 'an eviction' });
    drainer.obey(null);
    assert.ok(deadlineMs >= minMs && deadlineMs <= maxMs, `found ${deadlineMs}`);
  });
}
