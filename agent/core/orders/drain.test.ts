import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COME_BACK } from './come-back.ts';
import { type DrainCall, MAX_EVICTIONS_IN_FLIGHT } from './drain-calls.ts';
import { CONTRADICTED } from './eviction-answer.ts';
import { playDrain, type Reply, type Sent } from './play-drain.ts';
import { BUDGET, type CallTo, names, of, order, says, states } from './play-words.ts';
import type { PodView } from './pod.ts';
import { samplePod as pod } from './sample-pod.ts';

const LATER = '2025-01-01T00:00:10Z';
const WEBHOOK: Reply = { answer: { status: 403, message: '403 admission webhook "db" denied the request: not now' } };
const RBAC: Reply = { answer: { status: 403, message: '403 pods "a" is forbidden: User "x" cannot create resource' } };

const many = (count: number, more: Partial<PodView> = {}) =>
  Array.from({ length: count }, (_, i) => pod(`pod-${i}`, more));
const ds = (name: string, uid = 'ds-1') => ({ apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid });

test('no more evictions are under way than the bound, and each that ends makes room for one more', () => {
  let peak = 0;
  const { sent, ends } = playDrain({
    orders: [order()],
    pods: many(35),
    onStep: ({ state: { progress } }) => {
      peak = Math.max(peak, [...progress.values()].filter(({ state }) => state.kind === 'InFlight').length);
    },
  });
  assert.deepEqual([of(sent, 'Evict').length, peak, states(ends)], [35, MAX_EVICTIONS_IN_FLIGHT, ['a Drained']]);
});

test('a pod that waits for its budget, or for its end, holds no place among the evictions under way', () => {
  const stuck = many(30).map((each) => ({ ...each, labels: { app: 'db' } }));
  const { sent } = playDrain({
    orders: [order()],
    pods: [...stuck, pod('free')],
    forMs: 1_000,
    reply: (call) => ('pod' in call && call.pod.labels.app === 'db' ? BUDGET : {}),
  });
  assert.ok(of(sent, 'Evict').some(({ atMs, call }) => (call as CallTo).pod.name === 'free' && atMs < 100));
});

test('one refused pod means that none is evicted, and every reason is told', () => {
  const { sent, ends } = playDrain({
    orders: [order()],
    pods: [pod('a', { controller: null, hasEmptyDir: true }), pod('b', { hasEmptyDir: true }), pod('web')],
    forMs: 1_000,
  });
  assert.deepEqual([names(sent), states(ends)], [[], ['a GaveUp']]);
  assert.match(String(ends[0]?.end.problems), /pod default\/a: no controller.*emptyDir.*,pod default\/b: its emptyDir/);
});

test('at the deadline every pod that is left is named with why', () => {
  const { ends } = playDrain({
    orders: [order({ timeoutSeconds: 20 })],
    pods: [
      pod('budget'),
      pod('stalled'),
      pod('accepted', { finalizers: ['example.com/keep'] }),
      pod('ending', { terminating: true }),
    ],
    terminationMs: () => null,
    reply: (call) => ({ ...says('budget', BUDGET)(call), ...says('stalled', { afterMs: 60_000 })(call) }),
    forMs: 21_000,
  });
  assert.equal(ends[0]?.atMs, 20_000);
  assert.deepEqual(ends[0]?.end.problems, [
    'pod default/budget: 429 the disruption budget web needs 1 healthy pods',
    'pod default/stalled: no answer: no whole answer',
    'pod default/accepted: it is terminating still; its object is kept by the finalizer example.com/keep',
    'pod default/ending: it is terminating still',
  ]);
});

test('a pod that is listed, and whose eviction is answered 404, is tried again slowly, until the deadline', () => {
  const notFound: Reply = { answer: { status: 404, message: '404 namespaces "gone" not found' } };
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 120 })],
    pods: [pod('orphan')],
    reply: says('orphan', notFound),
    forMs: 121_000,
  });
  assert.deepEqual([ends[0]?.atMs, states(ends)], [120_000, ['a GaveUp']]);
  assert.deepEqual(ends[0]?.end.problems, ['pod default/orphan: 404 namespaces "gone" not found']);
  assert.ok(of(sent, 'Evict').length > 2 && sent.length < 20, `${sent.length} requests`);
});

test('a pod that every list shows and every answer says is gone is tried again slowly, until the deadline', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 120 })],
    pods: [pod('ghost')],
    reply: says('ghost', { answer: { status: 404, isNotFound: true } }),
    forMs: 121_000,
  });
  assert.deepEqual([ends[0]?.atMs, states(ends)], [120_000, ['a GaveUp']]);
  assert.match(String(ends[0]?.end.problems), /pod default\/ghost: the API server lists it/);
  const evictions = of(sent, 'Evict');
  assert.ok(evictions.length > 2 && sent.length < 30, `${sent.length} requests`);
  for (const [i, { atMs }] of evictions.entries()) {
    assert.ok(i === 0 || atMs - (evictions[i - 1]?.atMs ?? 0) >= CONTRADICTED.baseMs / 2);
  }
});

test('each policy drains by its own rules, and ends by its own', () => {
  const cache = pod('cache', { labels: { app: 'cache' } });
  const only = order({ podSelector: { matchLabels: { app: 'cache' } } });
  const all = order({}, { policy: 'b', since: LATER });
  const { sent, ends } = playDrain({
    orders: [only, all],
    pods: [cache, pod('web')],
    reply: says('web', BUDGET),
    forMs: 11_000,
  });
  assert.equal(names(sent).filter((name) => name === 'cache').length, 1, 'a pod that both want goes once');
  assert.deepEqual(states(ends), ['a Drained']);
});

test('a refused pod of one policy stops the drain of that policy only', () => {
  const { sent, ends } = playDrain({
    orders: [order(), order({ podSelector: { matchLabels: { app: 'web' } } }, { policy: 'b' })],
    pods: [pod('bare', { controller: null }), pod('web', { labels: { app: 'web' } })],
    forMs: 5_000,
  });
  assert.deepEqual([names(sent), states(ends)], [['web'], ['a GaveUp', 'b Drained']]);
});

const graces: [rule: string, a: number | null, b: number | null, own: number, asked: number | null][] = [
  ['the shorter one', 60, 5, 30, 5],
  ["the pod's own, where that is the shortest", null, 60, 30, null],
  ["not the pod's own, where that is longer", null, 5, 30, 5],
];
for (const [rule, a, b, own, asked] of graces) {
  test(`of two grace periods it is ${rule}`, () => {
    const { sent } = playDrain({
      orders: [order({ gracePeriodSeconds: a }), order({ gracePeriodSeconds: b }, { policy: 'b' })],
      pods: [pod('web', { terminationGracePeriodSeconds: own })],
    });
    const [eviction] = of(sent, 'Evict').map(({ call }) => call);
    assert.equal(eviction?.kind === 'Evict' && eviction.gracePeriodSeconds, asked);
  });
}

test('each policy has its own deadline, from its own cordon', () => {
  const { ends } = playDrain({
    orders: [order({ timeoutSeconds: 20 }), order({ timeoutSeconds: 20 }, { policy: 'b', since: LATER })],
    pods: [pod('web')],
    reply: says('web', BUDGET),
    forMs: 20_500,
  });
  assert.deepEqual(states(ends), ['a GaveUp', 'b GaveUp']);
  const early = order({ timeoutSeconds: 20 }, { policy: 'b' }, -10_000);
  const again = playDrain({
    orders: [order({ timeoutSeconds: 20 }), early],
    pods: [pod('web')],
    reply: says('web', BUDGET),
    forMs: 20_500,
  });
  assert.deepEqual(
    again.ends.map(({ atMs, end }) => [end.attempt.order.policy, atMs]),
    [
      ['b', 10_000],
      ['a', 20_000],
    ],
  );
});

test('a pod that admission denies is asked for again until the deadline; all others go at once', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 100 })],
    pods: [...many(40), pod('primary')],
    reply: says('primary', WEBHOOK),
    forMs: 101_000,
  });
  const others = of(sent, 'Evict').filter(({ call }) => (call as CallTo).pod.name !== 'primary');
  assert.equal(others.length, 40);
  assert.ok(others.every(({ atMs }) => atMs < 1_000));
  const tries = names(sent).filter((name) => name === 'primary').length;
  assert.ok(tries > 4 && tries < 12, `${tries} tries`);
  assert.deepEqual(ends[0]?.end.problems, [`pod default/primary: ${WEBHOOK.answer?.message}`]);
});

test('a right that is missing ends the drain at once', () => {
  const { ends } = playDrain({ orders: [order()], pods: [pod('a')], reply: says('a', RBAC), forMs: 1_000 });
  assert.ok((ends[0]?.atMs ?? Number.NaN) < 100);
  assert.deepEqual(ends[0]?.end.problems, [`pod default/a: ${RBAC.answer?.message}`]);
});

test('a right that is missing is told once for all its pods, and before whatever else keeps pods', () => {
  const denied = ({ name }: PodView): Reply => ({
    answer: { status: 403, message: `403 pods "${name}" is forbidden: User "x" cannot create resource` },
  });
  const { ends } = playDrain({
    orders: [order()],
    pods: [
      pod('blocked'),
      ...Array.from({ length: 8 }, (_, i) => pod(`a-${i}`)),
      pod('fin', { terminating: true, finalizers: ['x/y'] }),
    ],
    reply(call, nowMs) {
      if (call.kind !== 'Evict') return {};
      const afterMs = call.pod.name === 'a-7' ? 300 : 5 + (nowMs % 7);
      return call.pod.name === 'blocked' ? { ...BUDGET, afterMs: 50 } : { ...denied(call.pod), afterMs };
    },
    forMs: 5_000,
  });
  const [first = '', ...others] = ends[0]?.end.problems ?? [];
  assert.match(first, /^8 pods, such as pod default\/a-0, .*: 403 pods "a-\d" is forbidden: User "x" cannot create/);
  assert.deepEqual(others, [
    'pod default/blocked: 429 the disruption budget web needs 1 healthy pods',
    'pod default/fin: it is terminating still; its object is kept by the finalizer x/y',
  ]);
});

test('a drain that lacks a right asks for nothing more, and waits for no answer that does not come', () => {
  const { sent, ends } = playDrain({
    orders: [order()],
    pods: [pod('a'), pod('silent'), ...many(40)],
    reply: (call) => ({ ...says('a', RBAC)(call), ...says('silent', { afterMs: 60_000 })(call) }),
    terminationMs: () => null,
    forMs: 10_000,
  });
  assert.equal(names(sent).length, 10);
  assert.ok((ends[0]?.atMs ?? Number.NaN) <= 2_100, `it ends at ${ends[0]?.atMs}`);
  assert.match(String(ends[0]?.end.problems), /^pod default\/a: 403/);
});

test('pods that their owner brings back are evicted at growing intervals, those there at first at full speed', () => {
  let made = 0;
  const started = many(30);
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 600 })],
    pods: started,
    forMs: 601_000,
    // Three of them tolerate everything.
    onGone: (gone, world) => {
      if (gone.uid.startsWith('back') || made < 3) world.put(pod(`back-${made}`, { uid: `back-${made++}` }));
    },
  });
  const first = of(sent, 'Evict').filter(({ call }) => !(call as CallTo).pod.uid.startsWith('back'));
  assert.equal(first.length, 30);
  assert.ok(first.every(({ atMs }) => atMs < 500));
  const back = of(sent, 'Evict').filter(({ call }) => (call as CallTo).pod.uid.startsWith('back'));
  assert.ok(back.filter(({ atMs }) => atMs < 12_000).length <= 5, `${back.length}`);
  assert.ok(back.length <= 11, `${back.length} in ten minutes`);
  for (const [i, { atMs }] of back.entries()) {
    assert.ok(i === 0 || atMs - (back[i - 1]?.atMs ?? 0) >= COME_BACK.baseMs / 2);
  }
  assert.match(String(ends[0]?.end.problems), /its owner brings pods back to this node, \d+ so far/);
});

test('a DaemonSet look-up that fails is tried again before the node counts as drained', () => {
  let lookups = 0;
  const { sent, ends } = playDrain({
    orders: [order()],
    pods: [pod('orphan', { controller: ds('logs') }), pod('web')],
    reply: ({ kind }) =>
      kind === 'FindDaemonSet' && ++lookups <= 3 ? { lookup: { kind: 'Unknown', problem: '503' } } : {},
  });
  assert.deepEqual([names(sent), states(ends)], [['web', 'orphan'], ['a Drained']]);
});

test('a DaemonSet that is made anew during the drain is another one, and its pods stay, too', () => {
  const before = { ...ds('logs'), uid: 'before' };
  const after = { ...ds('logs'), uid: 'after' };
  let uid = before.uid;
  const { sent } = playDrain({
    orders: [order({ timeoutSeconds: 60 })],
    pods: [pod('old', { controller: before }), pod('web')],
    reply({ kind }, _nowMs, world) {
      if (kind === 'FindDaemonSet') return { lookup: { kind: 'Found', uid } };
      uid = after.uid;
      world.put(pod('new', { controller: after }));
      return { answer: { status: 429, causes: ['DisruptionBudget'] } };
    },
    forMs: 30_000,
  });
  assert.deepEqual(new Set(names(sent)), new Set(['web']));
});

test('a DaemonSet that cannot be looked up until the deadline is told, and its pods stay', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 60 })],
    pods: [pod('logs-1', { controller: ds('logs') }), pod('logs-2', { controller: ds('logs') })],
    reply: ({ kind }) => (kind === 'FindDaemonSet' ? { lookup: { kind: 'Unknown', problem: '503' } } : {}),
    forMs: 61_000,
  });
  assert.deepEqual([names(sent), states(ends), ends[0]?.atMs], [[], ['a GaveUp'], 60_000]);
  assert.deepEqual(ends[0]?.end.problems, [
    'pod default/logs-1, pod default/logs-2: whether its DaemonSet is there could not be found out: 503',
  ]);
  assert.ok(of(sent, 'FindDaemonSet').length < 10);
});

test('a look-up that the API server refuses holds the end up for some seconds only', () => {
  const lookup = { kind: 'Unknown', problem: '403', isRefusal: true } as const;
  const { sent, ends } = playDrain({
    orders: [order()],
    pods: [pod('logs', { controller: ds('logs') })],
    reply: ({ kind }) => (kind === 'FindDaemonSet' ? { lookup } : {}),
  });
  assert.deepEqual([names(sent), states(ends), of(sent, 'FindDaemonSet').length], [[], ['a Drained'], 3]);
  assert.equal(ends[0]?.end.skipped[0]?.reason, 'DaemonSetUnknown');
});

test('pods go by priority, the lowest first', () => {
  const pods = [
    pod('high', { priority: 1_000 }),
    pod('low', { priority: -5 }),
    pod('usual'),
    pod('done', { priority: 9, phase: 'Failed' }),
  ];
  const { sent } = playDrain({ orders: [order()], pods });
  assert.deepEqual(names(sent), ['done', 'low', 'usual', 'high']);
  const [, low, usual] = of(sent, 'Evict');
  assert.ok((usual?.atMs ?? 0) >= (low?.atMs ?? 0) + 5, 'the next is sent when the one before was answered');
});

test('a pod that its budget keeps on the node holds up none of a higher priority', () => {
  const pods = [pod('stuck'), pod('high', { priority: 1_000 })];
  const { sent } = playDrain({ orders: [order()], pods, reply: says('stuck', BUDGET), forMs: 100 });
  assert.deepEqual(names(sent), ['stuck', 'high']);
});

const CRITICAL = { priority: 2_000_001_000, priorityClassName: 'system-node-critical' };
test('critical pods go when all others are gone, not only accepted', () => {
  const { sent } = playDrain({
    orders: [order()],
    pods: [pod('storage', CRITICAL), pod('web')],
    terminationMs: ({ name }) => (name === 'web' ? 60_000 : 20),
  });
  assert.deepEqual(names(sent), ['web', 'storage']);
  assert.ok((of(sent, 'Evict')[1]?.atMs ?? 0) >= 60_000);
});

test('critical pods wait for half of the time at most', () => {
  const { sent } = playDrain({
    orders: [order({ timeoutSeconds: 100 })],
    pods: [pod('storage', CRITICAL), pod('stuck')],
    reply: says('stuck', BUDGET),
    forMs: 90_000,
  });
  const storage = of(sent, 'Evict').filter(({ call }) => (call as CallTo).pod.name === 'storage');
  assert.deepEqual(
    storage.map(({ atMs }) => atMs),
    [50_000],
  );
});

test('under Delete the deletions go out at the deadline, each with its grace period, also of pods that end already', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 60, onTimeout: 'Delete' })],
    pods: [
      pod('stuck'),
      pod('patient', { terminationGracePeriodSeconds: 7_200 }),
      pod('ending', { terminating: true, deletionGracePeriodSeconds: 3_600, terminationGracePeriodSeconds: 3_600 }),
      pod('soon', { terminating: true, deletionGracePeriodSeconds: 30 }),
    ],
    reply: (call) => (call.kind === 'Evict' ? BUDGET : {}),
    forMs: 300_000,
  });
  const deletions = of(sent, 'Delete').map(({ atMs, call }) => [
    (call as CallTo).pod.name,
    atMs,
    call.kind === 'Delete' && call.gracePeriodSeconds,
  ]);
  assert.deepEqual(deletions, [
    ['stuck', 60_000, null],
    ['patient', 60_000, 60],
    ['ending', 60_000, 60],
  ]);
  assert.ok(of(sent, 'Evict').every(({ atMs }) => atMs < 60_000));
  assert.equal(ends[0]?.atMs, 60_000 + 60_000 + 60_000, 'it ends with the longest grace period and a minute');
});

test('an eviction without an answer holds up no deletion', () => {
  const { sent } = playDrain({
    orders: [order({ timeoutSeconds: 5, onTimeout: 'Delete' })],
    pods: [pod('stalled')],
    reply: says('stalled', { afterMs: 60_000 }),
    forMs: 6_000,
  });
  assert.deepEqual(
    of(sent, 'Delete').map(({ atMs }) => atMs),
    [5_000],
  );
});

test('a drain that gave up is tried again with a whole timeout of its own, at growing intervals', () => {
  const { ends } = playDrain({
    orders: [order({ timeoutSeconds: 10 })],
    pods: [pod('stuck')],
    reply: says('stuck', BUDGET),
    forMs: 190_000,
  });
  assert.deepEqual(
    ends.map(({ atMs }) => atMs),
    [10_000, 42_500, 97_500],
  );
});

const SICK = { labels: { app: 'sick' } };
const hangsFor =
  (app: string, kinds: readonly DrainCall['kind'][]) =>
  (call: DrainCall): Reply =>
    kinds.includes(call.kind) && 'pod' in call && call.pod.labels.app === app ? { afterMs: 60_000 } : {};
const byApp = (app: string) => ({ podSelector: { matchLabels: { app } } });
const firstDeletions = (sent: readonly Sent[], app: string) =>
  of(sent, 'Delete').filter(({ call }) => (call as CallTo).pod.labels.app === app);

test('evictions that hang hold up no deletion of another policy at its deadline', () => {
  const { sent } = playDrain({
    orders: [
      order({ ...byApp('sick'), timeoutSeconds: 600 }),
      order({ ...byApp('web'), timeoutSeconds: 20, onTimeout: 'Delete' }, { policy: 'b' }),
    ],
    pods: [...many(40, SICK), ...Array.from({ length: 8 }, (_, i) => pod(`web-${i}`, { labels: { app: 'web' } }))],
    reply: (call) => ({ ...hangsFor('sick', ['Evict', 'Read'])(call), ...hangsFor('web', ['Evict'])(call) }),
    forMs: 30_000,
  });
  assert.deepEqual(
    firstDeletions(sent, 'web').map(({ atMs }) => atMs),
    Array.from({ length: 8 }, () => 20_000),
  );
});

test('deletions that hang hold up others for some seconds at most, and the answer to an eviction is not theirs', () => {
  const { sent } = playDrain({
    orders: [
      order({ ...byApp('sick'), timeoutSeconds: 20, onTimeout: 'Delete' }),
      order({ ...byApp('web'), timeoutSeconds: 21, onTimeout: 'Delete' }, { policy: 'b' }),
    ],
    pods: [...many(40, SICK), pod('web', { labels: { app: 'web' } })],
    reply: (call) => ({ ...BUDGET, ...hangsFor('sick', ['Delete'])(call) }),
    forMs: 30_000,
  });
  const [deletion] = firstDeletions(sent, 'web');
  assert.ok(deletion !== undefined && deletion.atMs <= 25_000, `found ${deletion?.atMs}`);
});

test('a drain whose watch is silent ends well within a minute of the end of its pods, long before its deadline', () => {
  const { sent, ends } = playDrain({ orders: [order({ timeoutSeconds: 600 })], pods: many(3), isSilent: true });
  assert.deepEqual(states(ends), ['a Drained']);
  assert.ok((ends[0]?.atMs ?? Number.NaN) < 62_000, `found ${ends[0]?.atMs}`);
  assert.ok(of(sent, 'List').length <= 3, `${of(sent, 'List').length} lists`);
});

test('a drain lists once more before it gives up, so that no pod that has gone is reported as left', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 30 })],
    pods: [pod('gone'), pod('ending', { terminating: true }), pod('stuck')],
    isSilent: true,
    reply: says('stuck', BUDGET),
    onStep: (_, { nowMs, pods }) => void (nowMs > 1_000 && pods.delete('uid-of-ending')),
    forMs: 30_000,
  });
  assert.deepEqual([states(ends), ends[0]?.atMs], [['a GaveUp'], 30_000]);
  assert.deepEqual(ends[0]?.end.problems, [`pod default/stuck: ${BUDGET.answer?.message}`]);
  assert.equal(of(sent, 'List').length, 1);
});

test('a pod whose eviction was accepted is not said to terminate before it was seen to', () => {
  const { ends } = playDrain({
    orders: [order({ timeoutSeconds: 30 })],
    pods: [pod('web')],
    isSilent: true,
    reply: ({ kind }) => (kind === 'List' ? { pods: new Error('503') } : {}),
    forMs: 30_000,
  });
  const why = 'its end was accepted, and it was not seen to terminate yet';
  assert.deepEqual(ends[0]?.end.problems, [`pod default/web: ${why}`]);
});

test('a pod that a list shows alive though its eviction was accepted is evicted again, slowly', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 200 })],
    pods: [pod('web'), pod('slow', { terminating: true })],
    // Accepted by something that is not the API server.
    reply: says('web', { answer: { status: 200 } }),
    forMs: 200_000,
  });
  const tries = names(sent).length;
  assert.ok(tries >= 3 && tries <= 6, `${tries} tries`);
  assert.match(
    String(ends[0]?.end.problems),
    /pod default\/web: (its end was accepted, and it was not seen|the API server accepted that it ends, and lists)/,
  );
});

test('while pods end the node is listed once a minute, however long that takes', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 3_600 })],
    pods: many(20),
    terminationMs: () => 3_000_000,
  });
  assert.deepEqual(states(ends), ['a Drained']);
  const lists = of(sent, 'List').length;
  assert.ok(lists >= 45 && lists <= 52, `${lists} lists`);
});

test('a list takes away no pod that came after it was asked for, and no older view ends the end of a pod', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 120 })],
    pods: [pod('web'), pod('slow', { terminating: true })],
    reply: ({ kind }, nowMs, world) => {
      if (kind !== 'List' || nowMs > 100_000) return {};
      world.at(nowMs + 10, () => world.put(pod('late')));
      return { afterMs: 50, pods: [pod('slow')] };
    },
    forMs: 120_000,
  });
  assert.deepEqual(names(sent), ['web', 'late']);
  assert.deepEqual(ends[0]?.end.problems, ['pod default/slow: it is terminating still']);
});
