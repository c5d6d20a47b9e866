import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Change, playDrain, type Reply } from './play-drain.ts';
import { BUDGET, names, of, order, says, states, times } from './play-words.ts';
import { samplePod as pod } from './sample-pod.ts';

/** onTimeout: Delete. */

const DELETE = { timeoutSeconds: 60, onTimeout: 'Delete' } as const;
const MINUTE = 60_000;
const blocked = ({ kind }: { kind: string }): Reply => (kind === 'Evict' ? BUDGET : {});
const restart = (atMs: number, more: Partial<Parameters<typeof order>[1]> = {}): Change => ({
  atMs,
  orders: [order(DELETE, more)],
  isRestart: true,
});

const restarts: [rule: string, changes: readonly Change[], listMs: number, deletedMs: number][] = [
  ['after a restart before it, two seconds later, which no clock can tell', [restart(20_000)], 1, 62_000],
  ['also where an attempt gave up before the restart', [restart(20_000, { isRetry: true })], 1, 62_000],
  ['and no later after several', [restart(20_000), restart(40_000), restart(50_000)], 1, 62_000],
  ['after a restart just before it there are five seconds to find out', [restart(58_000)], 1, 63_000],
  ['and so there are after a restart past it', [restart(90_000)], 1, 95_000],
  ['also where an attempt gave up before', [restart(90_000, { isRetry: true })], 1, 95_000],
  ['pods that are listed later than that are deleted as soon as they are', [restart(90_000)], 12_000, 102_000],
  ['however long that takes', [restart(90_000)], 300_000, 390_000],
];
for (const [rule, changes, listMs, deletedMs] of restarts) {
  test(`pods are deleted at the deadline that the cordon set: ${rule}`, () => {
    const { sent, ends } = playDrain({
      // Without an agent until then.
      orders: (changes[0]?.atMs ?? 0) > 60_000 ? [] : [order(DELETE)],
      pods: [pod('stuck')],
      listMs,
      changes,
      reply: blocked,
      forMs: 600_000,
    });
    assert.deepEqual(times(sent, 'Delete'), [deletedMs]);
    assert.equal(states(ends).at(-1), 'a Drained');
  });
}

test('pods that cannot be listed after the deadline are told once a minute, and no attempt rests meanwhile', () => {
  const { ends } = playDrain({
    orders: [order(DELETE)],
    pods: [pod('stuck')],
    listMs: null,
    forMs: 240_000,
  });
  assert.deepEqual(
    ends.map(({ atMs }) => atMs),
    [2 * MINUTE, 3 * MINUTE, 4 * MINUTE],
  );
  assert.match(String(ends[0]?.end.problems), /could not be read/);
});

for (const onTimeout of ['Delete', 'GiveUp'] as const) {
  test(`a drain whose cordon took long to land has its whole time from then on: ${onTimeout}`, () => {
    const late = order({ timeoutSeconds: 60, onTimeout }, { landedMs: 8_000 });
    const { sent, ends } = playDrain({
      orders: [],
      changes: [{ atMs: 8_000, orders: [late] }],
      pods: [pod('stuck')],
      reply: blocked,
      forMs: 70_000,
    });
    if (onTimeout === 'Delete') assert.deepEqual(times(sent, 'Delete'), [68_000]);
    else assert.deepEqual([ends[0]?.atMs, states(ends)], [68_000, ['a GaveUp']]);
  });
}

test('other rules, too, leave the deadline where the cordon set it', () => {
  const changes = [30_000, 58_000].map((atMs, i) => ({
    atMs,
    orders: [order({ ...DELETE, gracePeriodSeconds: i })],
  }));
  const { sent } = playDrain({ orders: [order(DELETE)], pods: [pod('stuck')], changes, reply: blocked, forMs: 70_000 });
  assert.deepEqual(times(sent, 'Delete'), [60_000]);
});

test('evictions without an answer that another policy has asked for hold up no deletion', () => {
  const web = pod('web', { labels: { app: 'web' }, priority: 5 });
  const { sent } = playDrain({
    orders: [order({ ...DELETE, podSelector: { matchLabels: { app: 'web' } } }), order({}, { policy: 'b' })],
    pods: [...Array.from({ length: 20 }, (_, i) => pod(`pod-${i}`)), web],
    reply: ({ kind }) => (kind === 'Evict' ? { afterMs: 60_000 } : {}),
    forMs: 65_000,
  });
  assert.deepEqual(times(sent, 'Delete'), [60_000]);
});

test('no eviction that another policy asks for lasts past the moment of a drain that rests until then', () => {
  const rbac = { answer: { status: 403, message: 'pods is forbidden: User "x" cannot create resource' } };
  const web = pod('web', { labels: { app: 'web' }, priority: 5 });
  const { sent } = playDrain({
    orders: [order(DELETE), order({ podSelector: { matchLabels: { app: 'web' } } }, { policy: 'b' })],
    pods: [pod('forbidden'), web],
    reply: (call) => (call.kind === 'Evict' ? (call.pod.name === 'web' ? { afterMs: 60_000 } : rbac) : {}),
    forMs: 65_000,
  });
  assert.deepEqual(times(sent, 'Delete'), [60_000, 60_000]);
});

test('after the moment, too, a refused pod keeps all others, also where its DaemonSet has to be looked up first', () => {
  const controller = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'logs', uid: 'ds-1' };
  const { sent, ends } = playDrain({
    orders: [order(DELETE)],
    pods: [pod('orphan', { controller, hasEmptyDir: true }), pod('web')],
    reply: ({ kind }) => (kind === 'FindDaemonSet' ? { afterMs: 500 } : {}),
    forMs: 600_000,
  });
  assert.ok(ends.length > 2);
  assert.deepEqual([names(sent), names(sent, 'Delete')], [[], []]);
});

test('after the moment a last list may take as long as any call', () => {
  let lists = 0;
  const { ends } = playDrain({
    orders: [],
    pods: [],
    changes: [{ atMs: 90_000, orders: [order(DELETE, { isRetry: true })], isRestart: true }],
    reply: ({ kind }) => (kind === 'List' ? { afterMs: lists++ === 0 ? 60_000 : 8_000 } : {}),
    forMs: 300_000,
  });
  assert.deepEqual(states(ends), ['a Drained']);
});

test('rules that say Delete from now on, just after a restart, leave the five seconds to find out', () => {
  const giveUp = order({ timeoutSeconds: 20 });
  const { sent } = playDrain({
    orders: [],
    pods: [pod('stuck')],
    changes: [
      { atMs: 90_000, orders: [giveUp], isRestart: true },
      { atMs: 91_000, orders: [order({ ...giveUp.rules, onTimeout: 'Delete' })] },
    ],
    reply: blocked,
    forMs: 100_000,
  });
  assert.deepEqual(times(sent, 'Delete'), [95_000]);
});

test('an attempt that gives up before the deadline rests no longer than until then', () => {
  const { sent } = playDrain({
    orders: [order(DELETE)],
    pods: [pod('stuck')],
    reply: says('stuck', { answer: { status: 403, message: 'pods is forbidden: User "x" cannot create resource' } }),
    forMs: 70_000,
  });
  assert.deepEqual(times(sent, 'Delete'), [60_001], 'the pods are listed then');
});

test('an attempt after the deadline deletes as soon as it knows the pods', () => {
  const { sent, ends } = playDrain({
    orders: [order(DELETE)],
    pods: [pod('stuck', { terminationGracePeriodSeconds: 10 })],
    reply: ({ kind }) => (kind === 'Evict' ? BUDGET : { answer: { status: 403, message: 'User "x" cannot delete' } }),
    forMs: 400_000,
  });
  assert.ok(names(sent, 'Delete').length > 2);
  for (const { atMs } of of(sent, 'Evict')) assert.ok(atMs < 60_000);
  // Each rest is followed by a deletion at once.
  for (const { atMs } of ends.slice(1)) assert.ok(times(sent, 'Delete').includes(atMs - 5));
});

test('under GiveUp an attempt after one that gave up has a whole timeout, also after a restart', () => {
  const { ends } = playDrain({
    orders: [order({ timeoutSeconds: 60 })],
    changes: [{ atMs: 70_000, orders: [order({ timeoutSeconds: 60 }, { isRetry: true })], isRestart: true }],
    pods: [pod('stuck')],
    reply: blocked,
    forMs: 131_000,
  });
  assert.deepEqual(
    ends.map(({ atMs }) => atMs),
    [60_000, 130_000],
  );
});

const doubts: [status: number, answer: Reply['answer']][] = [
  [404, { status: 404, message: '404 namespaces "gone" not found' }],
  [409, { status: 409, message: '409 the UID in the precondition is another one' }],
];
for (const [status, answer] of doubts) {
  test(`a deletion answered ${status} is followed by a reading, and tried again slowly while the pod is there`, () => {
    const { sent } = playDrain({
      orders: [order(DELETE)],
      pods: [pod('stuck')],
      reply: (call) => (call.kind === 'Delete' ? { answer } : blocked(call)),
      forMs: 2 * MINUTE,
    });
    const after = sent.filter(({ atMs }) => atMs >= MINUTE).map(({ call: { kind } }) => kind);
    assert.deepEqual(after.slice(0, 4), ['Delete', 'Read', 'Delete', 'Read']);
    assert.ok(names(sent, 'Delete').length < 30, `${names(sent, 'Delete').length} deletions`);
  });

  test(`a deletion answered ${status} is done where another pod has the name`, () => {
    const { sent, ends } = playDrain({
      orders: [order(DELETE)],
      pods: [pod('stuck')],
      reply(call, _nowMs, world) {
        if (call.kind !== 'Delete') return blocked(call);
        world.pods.delete(call.pod.uid);
        return { answer };
      },
      forMs: 4 * MINUTE,
    });
    assert.deepEqual([names(sent, 'Delete').length, states(ends)], [1, ['a Drained']]);
  });
}

test('deletions go by priority, too, the lowest first, and critical pods last', () => {
  const critical = { priority: 2_000_001_000, priorityClassName: 'system-node-critical' };
  const { sent } = playDrain({
    orders: [order(DELETE)],
    pods: [
      pod('storage', critical),
      pod('dns', { priorityClassName: 'system-cluster-critical' }),
      ...Array.from({ length: 25 }, (_, i) => pod(`pod-${i}`, { priority: 25 - i })),
    ],
    reply: blocked,
    forMs: 61_000,
  });
  const expected = Array.from({ length: 25 }, (_, i) => `pod-${24 - i}`);
  assert.deepEqual(names(sent, 'Delete'), [...expected, 'dns', 'storage']);
});

const UNAVAILABLE: Reply = { answer: { status: 503, message: '503 the API server is starting' } };
const CUT: Reply = { answer: { status: null, message: 'connection refused' }, found: new Error('connection refused') };
for (const [what, reply] of [
  ['answers 503', UNAVAILABLE],
  ['refuses connections', CUT],
] as const) {
  test(`an API server that ${what} for three seconds at the moment delays the last of 250 deletions by seconds`, () => {
    const acceptedMs: number[] = [];
    const { sent } = playDrain({
      orders: [order(DELETE)],
      pods: Array.from({ length: 250 }, (_, i) => pod(`pod-${i}`)),
      reply(call, nowMs) {
        if (call.kind === 'Evict') return BUDGET;
        if (call.kind === 'Read') return nowMs < 63_000 ? reply : {};
        if (call.kind !== 'Delete') return {};
        if (nowMs < 63_000) return reply;
        acceptedMs.push(nowMs);
        return {};
      },
      // Each its own time.
      random: (
        (turn = 0) =>
        () =>
          (turn++ % 100) / 100
      )(),
      forMs: 100_000,
    });
    assert.equal(acceptedMs.length, 250);
    assert.ok((acceptedMs.at(-1) ?? 0) < 63_000 + 4_500, `the last at ${acceptedMs.at(-1)}`);
    assert.ok(names(sent, 'Delete').length <= 4 * 250, `${names(sent, 'Delete').length} deletions`);
  });
}

test('the first deletion of a pod is never held up by those that are tried again', () => {
  const by = (app: string, timeoutSeconds: number) =>
    order({ ...DELETE, timeoutSeconds, podSelector: { matchLabels: { app } } }, { policy: app });
  const many = (count: number, app: string) =>
    Array.from({ length: count }, (_, i) => pod(`${app}-${i}`, { labels: { app } }));
  const { sent } = playDrain({
    orders: [by('sick', 20), by('web', 60)],
    pods: [...many(100, 'sick'), ...many(10, 'web')],
    reply: (call) =>
      call.kind === 'Delete' && call.pod.labels.app === 'sick' ? { ...UNAVAILABLE, afterMs: 900 } : blocked(call),
    forMs: 70_000,
  });
  const web = of(sent, 'Delete').filter(({ call }) => call.kind === 'Delete' && call.pod.labels.app === 'web');
  assert.deepEqual(
    web.map(({ atMs }) => atMs),
    Array.from({ length: 10 }, () => 60_000),
  );
});
