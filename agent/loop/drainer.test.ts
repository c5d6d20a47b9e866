import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { DrainEnd, DrainOrder } from '../core/orders/drain-order.ts';
import type { AttemptEnd } from '../core/orders/drain-verdict.ts';
import type { PodView } from '../core/orders/pod.ts';
import { samplePod } from '../core/orders/sample-pod.ts';
import type { Drain } from '../core/policy.ts';
import type { DrainApi } from '../core/ports.ts';
import { SAMPLE_DRAIN } from '../core/samples.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { createDrainer } from './drainer.ts';

const WEB = samplePod('web');
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

function order(more: Partial<DrainOrder> = {}, rules: Partial<Drain> = {}): DrainOrder {
  const usual = { policy: 'sick-check', since: '2025-01-01T00:00:00Z', isRetry: false };
  return { ...usual, rules: { ...SAMPLE_DRAIN, ...rules }, ...more };
}

/** A drainer of a node with one pod that nothing ever ends, or with none. */
function setScene(pods: readonly PodView[], serverNowMs = () => SYSTEM_CLOCK.wallMs()) {
  const seen = {
    watches: 0,
    told: [] as unknown[],
    ends: [] as DrainEnd[],
    results: [] as AttemptEnd[],
    why: [] as string[],
    graces: [] as (number | null)[],
    deadlinesMs: [] as number[],
    left: [] as number[],
    counted: [] as string[],
  };
  const api: { -readonly [K in keyof DrainApi]: DrainApi[K] } = {
    list: async () => pods,
    watch: async ({ onList }) => {
      seen.watches += 1;
      onList(pods);
    },
    read: async () => WEB,
    evict: async (_pod, grace, { deadlineMs }) => {
      seen.graces.push(grace);
      seen.deadlinesMs.push(deadlineMs);
    },
    delete: async () => {},
    findDaemonSet: async () => ({ kind: 'NotFound' }),
    answerOf: () => ({ status: null, message: '', causes: [], retryAfterMs: null, isNotFound: false }),
  };
  const narrator = {
    drainSkips() {},
    drainEvicts() {},
    drainDeletes() {},
    drainWaits() {},
    drainProblem: (error: unknown) => void seen.told.push(error),
    drainEnded(_order: DrainOrder, end: AttemptEnd, _tookMs: number, why: string) {
      seen.results.push(end);
      seen.why.push(why);
    },
  };
  const meter = {
    podsLeft: (left: number) => void seen.left.push(left),
    podAccepted() {},
    attemptEnded: (result: string) => void seen.counted.push(result),
  };
  const onEnd = (end: DrainEnd) => void seen.ends.push(end);
  const time = { clock: SYSTEM_CLOCK, serverNowMs };
  const drainer = createDrainer({ nodeName: 'node-1', ownPod: null, api, ...time, narrator, meter, onEnd });
  afterEach(() => drainer.obey([]));
  return { seen, api, drainer };
}

const results = ({ results }: { results: AttemptEnd[] }, count: number) =>
  waitFor(() => results.length === count, { what: `${count} ended attempts` });

test('the order that is being obeyed already begins nothing anew, nor does its own giving up', async (t) => {
  const { drainer, seen } = setScene([WEB]);
  t.after(() => drainer.obey([]));
  drainer.obey([order({ isRetry: true })]);
  drainer.obey([order({ isRetry: true })]);
  drainer.obey([order()]);
  await waitFor(() => seen.deadlinesMs.length > 0, { what: 'an eviction' });
  assert.deepEqual([seen.watches, seen.results], [1, []]);
});

test('no order stops the drain under way, which then reports no end', async () => {
  const { drainer, seen } = setScene([WEB]);
  drainer.obey([order({ isRetry: true })]);
  await waitFor(() => seen.deadlinesMs.length > 0, { what: 'an eviction' });
  drainer.obey([]);
  await results(seen, 1);
  assert.deepEqual([seen.results[0]?.state, seen.ends], ['Aborted', []]);
});

test('other rules stop the drain under way and begin one by them', async (t) => {
  const { drainer, seen } = setScene([WEB]);
  t.after(() => drainer.obey([]));
  drainer.obey([order({ isRetry: true })]);
  drainer.obey([order({ isRetry: true }, { gracePeriodSeconds: 5 })]);
  await results(seen, 1);
  assert.deepEqual([seen.results[0]?.state, seen.why], ['Aborted', ['it begins anew by other rules']]);
  await waitFor(() => seen.graces.includes(5), { what: 'an eviction by the other rules' });
  assert.equal(seen.watches, 1, 'one watch serves both');
});

test('a drain that is ordered no more says why it stopped', async () => {
  const { drainer, seen } = setScene([WEB]);
  drainer.obey([order({ isRetry: true })]);
  drainer.obey([], 'the kubelet is not ready');
  assert.deepEqual(seen.why, ['the kubelet is not ready']);
});

test('an attempt that meets a defect of ours gives up with its words, which is told, and the watch is tried again', async () => {
  const { drainer, seen, api } = setScene([]);
  const bug = new TypeError('x is not a function');
  api.watch = () => {
    throw bug;
  };
  const mine = order({ isRetry: true }, { timeoutSeconds: 3 });
  drainer.obey([mine]);
  await results(seen, 1);
  drainer.obey([]);
  assert.ok(seen.told.length > 1 && seen.told.every((each) => each === bug), `found ${seen.told}`);
  const problems = ['the pods of the node could not be read: x is not a function'];
  assert.deepEqual(seen.ends, [{ policy: mine.policy, since: mine.since, state: 'GaveUp', problems }]);
});

test('each attempt is counted by its end, after which no pod is left to go', async () => {
  const { drainer, seen } = setScene([WEB]);
  drainer.obey([order({ isRetry: true })]);
  await waitFor(() => seen.deadlinesMs.length > 0, { what: 'an eviction' });
  assert.equal(seen.left.at(-1), 1);
  drainer.obey([]);
  await results(seen, 1);
  await waitFor(() => seen.counted.length === 1, { what: 'the count' });
  assert.deepEqual([seen.counted, seen.left.at(-1)], [['Aborted'], 0]);
});

test('a drain that was replaced takes no count from the one in its place', async (t) => {
  const { drainer, seen } = setScene([WEB]);
  t.after(() => drainer.obey([]));
  drainer.obey([order({ isRetry: true })]);
  await waitFor(() => seen.deadlinesMs.length > 0, { what: 'an eviction' });
  drainer.obey([order({ isRetry: true }, { gracePeriodSeconds: 5 })]);
  await waitFor(() => seen.counted.length === 1 && seen.deadlinesMs.length > 1, { what: 'the end of the first' });
  assert.ok(!seen.left.includes(0), `found ${seen.left}`);
});

test('a drain that ended well is reported with its episode, and not repeated', async () => {
  const { drainer, seen } = setScene([]);
  const mine = order();
  drainer.obey([mine]);
  await results(seen, 1);
  drainer.obey([mine]);
  assert.deepEqual(seen.ends, [{ policy: 'sick-check', since: mine.since, state: 'Drained', problems: [] }]);
  assert.equal(seen.watches, 1);
});

const deadlines: [rule: string, order: DrainOrder, minMs: number, maxMs: number][] = [
  ['the time-out runs from the landing of the cordon', order({ since: ago(594) }), 4_900, 6_100],
  ['a drain resumed after its deadline still has a moment', order({ since: ago(6000) }), 4_000, 5_000],
  ['but never more than its time-out', order({ since: ago(6000) }, { timeoutSeconds: 2 }), 1_000, 2_000],
  [
    'an attempt after one that gave up has a time-out of its own',
    order({ since: ago(6000), isRetry: true }, { timeoutSeconds: 8 }),
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
    drainer.obey([mine]);
    const deadlineMs = await waitFor(() => seen.deadlinesMs[0], { what: 'an eviction' });
    drainer.obey([]);
    assert.ok(deadlineMs >= minMs && deadlineMs <= maxMs, `found ${deadlineMs}`);
  });
}

test("the deadline is measured by the API server's clock, whatever the node's says", async () => {
  const serverNowMs = () => Date.parse('2030-01-01T00:09:55Z');
  const { drainer, seen } = setScene([WEB], serverNowMs);
  drainer.obey([order({ since: '2030-01-01T00:00:00Z' })]);
  const deadlineMs = await waitFor(() => seen.deadlinesMs[0], { what: 'an eviction' });
  drainer.obey([]);
  assert.ok(deadlineMs > 6_000 && deadlineMs <= 7_000, `found ${deadlineMs}`);
});

test('a policy whose drain begins later drains by its own rules, and each reports its own end', async () => {
  const cache = samplePod('cache', { labels: { app: 'cache' } });
  const { drainer, seen } = setScene([cache]);
  const first = order({ isRetry: true }, { podSelector: { matchLabels: { app: 'other' } } });
  drainer.obey([first]);
  await results(seen, 1);
  const second = order({ policy: 'later', since: '2025-01-01T01:00:00Z', isRetry: true });
  drainer.obey([first, second]);
  await waitFor(() => seen.deadlinesMs.length === 1, { what: 'the eviction of what the first left' });
  assert.deepEqual(seen.ends, [{ policy: 'sick-check', since: first.since, state: 'Drained', problems: [] }]);
  drainer.obey([]);
  assert.deepEqual(
    seen.results.map(({ state, attempt }) => [attempt.order.policy, state]),
    [
      ['sick-check', 'Drained'],
      ['later', 'Aborted'],
    ],
  );
});

/** A call that never settles, as the API server may leave it, and the signals that it was given. */
function hanging() {
  const signals: AbortSignal[] = [];
  const call = (...given: unknown[]) => {
    const { signal } = given.at(-1) as { signal: AbortSignal };
    signals.push(signal);
    return new Promise<never>(() => {});
  };
  return { signals, call };
}

test('a deletion at its deadline ends the eviction of its pod that hangs for another policy', async (t) => {
  const { drainer, api } = setScene([WEB]);
  t.after(() => drainer.obey([]));
  const { call, signals } = hanging();
  const deleted: string[] = [];
  api.evict = call;
  api.delete = async ({ name }) => void deleted.push(name);
  const first = order({ isRetry: true });
  drainer.obey([first]);
  await waitFor(() => signals.length > 0, { what: 'an eviction' });
  const rules = { timeoutSeconds: 0.1, onTimeout: 'Delete' } as const;
  const startedMs = performance.now();
  drainer.obey([first, order({ policy: 'later', isRetry: true }, rules)]);
  await waitFor(() => deleted.length > 0, { what: 'a deletion' });
  assert.ok(performance.now() - startedMs < 5_000);
  assert.equal(signals[0]?.aborted, true);
});

const DAEMON = samplePod('logs', { controller: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'logs', uid: 'u' } });
const underWay: [call: 'evict' | 'delete' | 'list' | 'findDaemonSet' | 'read', pods: readonly PodView[]][] = [
  ['evict', [WEB]],
  ['delete', [WEB]],
  ['list', []],
  ['findDaemonSet', [DAEMON]],
  ['read', [WEB]],
];
for (const [name, pods] of underWay) {
  test(`a drain that stops ends its call to ${name} at once`, async () => {
    const { drainer, api, seen } = setScene(pods);
    const { call, signals } = hanging();
    const refuses = () => Promise.reject(new Error('lost'));
    if (name === 'delete' || name === 'read') api.evict = refuses;
    api[name] = call;
    drainer.obey([order({ isRetry: true }, name === 'delete' ? { timeoutSeconds: 0.1, onTimeout: 'Delete' } : {})]);
    await waitFor(() => signals.length > 0, { what: 'the call' });
    assert.equal(signals[0]?.aborted, false);
    drainer.obey([]);
    assert.equal(signals[0]?.aborted, true);
    await results(seen, 1);
    assert.deepEqual(seen.told, [], 'nothing is wrong');
  });
}

test('a drain that stops ends no call that another policy wants, too', async (t) => {
  const { drainer, api } = setScene([WEB, samplePod('db', { labels: { app: 'db' } })]);
  t.after(() => drainer.obey([]));
  const signals = new Map<string, AbortSignal>();
  api.evict = (pod, _grace, { signal }) => {
    signals.set(pod.name, signal);
    return new Promise<never>(() => {});
  };
  const all = order({ isRetry: true });
  const databases = order({ policy: 'databases', isRetry: true }, { podSelector: { matchLabels: { app: 'db' } } });
  drainer.obey([all, databases]);
  await waitFor(() => signals.size === 2, { what: 'two evictions' });
  drainer.obey([databases]);
  assert.deepEqual([signals.get('web')?.aborted, signals.get('db')?.aborted], [true, false]);
});

test('what a drain that stopped had asked for is no answer to the next one', async (t) => {
  const { drainer, api, seen } = setScene([WEB]);
  t.after(() => drainer.obey([]));
  const { call, signals } = hanging();
  api.evict = call;
  drainer.obey([order({ isRetry: true })]);
  await waitFor(() => signals.length === 1, { what: 'an eviction' });
  drainer.obey([]);
  drainer.obey([order({ policy: 'next', isRetry: true })]);
  await waitFor(() => signals.length > 1, { what: 'an eviction by the next one' });
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, false],
  );
  assert.equal(seen.results.length, 1);
});
