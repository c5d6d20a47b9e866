import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEWCOMERS } from './allowance.ts';
import { COME_BACK } from './come-back.ts';

import { type Play, playDrain } from './play-drain.ts';
import { BUDGET, type CallTo, names, of, order, says, states, times } from './play-words.ts';
import type { PodView } from './pod.ts';
import { samplePod as pod } from './sample-pod.ts';

/** Pods that come to the node while it is drained. */

const COMES_BACK = { createdAt: '2025-01-01T00:01:00Z', priority: -5 };
const owner = (uid: string) => ({ apiVersion: 'batch/v1', kind: 'Job', name: uid, uid });

/** One pod after the other, each of another owner. */
const stream = (everyMs: number): Pick<Play, 'onStep'> => {
  let made = 0;
  return {
    onStep(_step, world) {
      while (made * everyMs <= world.nowMs) {
        const uid = `new-${made++}`;
        world.at(made * everyMs, () => world.put(pod(uid, { uid, ...COMES_BACK, controller: owner(uid) })));
      }
    },
  };
};

test('pods that come to the node hold up none of a higher priority that was there', () => {
  const { sent } = playDrain({
    orders: [order()],
    pods: [pod('low', { priority: -5 }), pod('high', { priority: 1_000 })],
    reply: ({ kind }) => (kind === 'Evict' ? { afterMs: 100 } : {}),
    ...stream(20),
    forMs: 5_000,
  });
  const high = of(sent, 'Evict').find(({ call }) => (call as CallTo).pod.name === 'high');
  assert.ok((high?.atMs ?? Number.NaN) < 500, `it went at ${high?.atMs}`);
});

test('nor do they hold up critical pods, or those that wait for a budget', () => {
  const critical = { priority: 2_000_001_000, priorityClassName: 'system-node-critical' };
  const { sent } = playDrain({
    orders: [order()],
    pods: [pod('web'), pod('storage', critical)],
    reply: (call, nowMs) => (nowMs < 5_000 ? says('web', BUDGET)(call) : { afterMs: 1_000 }),
    ...stream(20),
    forMs: 20_000,
  });
  assert.ok(names(sent).includes('storage'));
});

test('a pod that comes later goes not before those that were there, though its priority is lower', () => {
  const { sent } = playDrain({
    orders: [order()],
    // More than there are places.
    pods: Array.from({ length: 11 }, (_, i) => pod(`high-${i}`, { priority: 10 })),
    reply: ({ kind }) => (kind === 'Evict' ? { afterMs: 50 } : {}),
    onStep: (_step, world) => {
      if (world.nowMs === 0) world.at(10, () => world.put(pod('late', COMES_BACK)));
    },
    forMs: 1_000,
  });
  assert.deepEqual(names(sent).slice(10), ['high-10', 'late']);
});

test('pods that their owner brings back after the deadline are deleted at growing intervals', () => {
  let made = 0;
  const { sent } = playDrain({
    orders: [order({ timeoutSeconds: 10, onTimeout: 'Delete' })],
    pods: Array.from({ length: 30 }, (_, i) => pod(`pod-${i}`)),
    reply: ({ kind }) => (kind === 'Evict' ? BUDGET : {}),
    onGone: (_gone, world) => world.put(pod(`back-${made}`, { uid: `back-${made++}` })),
    forMs: 80_000,
  });
  const back = of(sent, 'Delete').filter(({ call }) => (call as CallTo).pod.uid.startsWith('back'));
  assert.equal(times(sent, 'Delete').filter((ms) => ms < 11_000).length, 30 + 1, 'those that were there go at once');
  assert.ok(back.length > 2 && back.length < 9, `${back.length} deletions`);
  for (const [i, { atMs }] of back.entries()) {
    assert.ok(i === 0 || atMs - (back[i - 1]?.atMs ?? 0) >= COME_BACK.baseMs / 2);
  }
});

for (const [how, rules] of [
  ['evictions', {}],
  ['deletions', { timeoutSeconds: 10, onTimeout: 'Delete' }],
] as const) {
  test(`pods that come for ever, each of another owner, are no endless ${how}`, () => {
    let made = 0;
    const { sent, ends } = playDrain({
      orders: [order({ timeoutSeconds: 240, ...rules })],
      pods: Array.from({ length: 5 }, (_, i) => pod(`pod-${i}`)),
      onGone(_gone, world) {
        const uid = `new-${made++}`;
        world.put(pod(uid, { uid, controller: owner(uid) }));
      },
      forMs: 241_000,
    });
    // Those there at first, and those at the deadline.
    const most = 2 * 5 + NEWCOMERS.burst + 4.1 * NEWCOMERS.perMinute;
    const all = names(sent).length + names(sent, 'Delete').length;
    assert.ok(all > NEWCOMERS.burst && all < most, `${all} of them`);
    assert.match(String(ends[0]?.end.problems), /pods keep coming to this node/);
  });
}

test('orders that come at the moment when a rest is over do not blind the drain', () => {
  const since = '2025-01-01T00:00:00Z';
  const a = order({ timeoutSeconds: 10 }, { policy: 'a', since });
  const b = order({ timeoutSeconds: 600 }, { policy: 'b', since });
  const { sent } = playDrain({
    orders: [a, b],
    pods: [pod('stuck')],
    reply: says('stuck', BUDGET),
    // The first attempt gives up at 10 s and rests for 22.5 s.
    changes: [{ atMs: 32_500, orders: [a] }],
    forMs: 40_000,
  });
  assert.ok(times(sent).some((ms) => ms > 33_000));
});

/** The pods of one Job, which come so late, all at once. */
const lateJob = (count: number, atMs: number): Pick<Play, 'onStep'> => {
  let isDone = false;
  return {
    onStep(_step, world) {
      if (isDone) return;
      isDone = true;
      const jobs = Array.from({ length: count }, (_, i) =>
        pod(`job-${i}`, { ...COMES_BACK, controller: owner('job') }),
      );
      world.at(atMs, () => {
        for (const each of jobs) world.put(each);
      });
    },
  };
};
const isOfJob = ({ controller }: PodView) => controller?.uid === 'job';

test('pods that come late for the first time go at full speed, however many their owner has', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 600 })],
    pods: [pod('stuck')],
    ...lateJob(20, 1_500),
    reply: says('stuck', BUDGET),
    forMs: 601_000,
  });
  const late = of(sent, 'Evict').filter(({ call }) => isOfJob((call as CallTo).pod));
  assert.equal(late.length, 20);
  assert.ok(
    late.every(({ atMs }) => atMs < 2_000),
    `the last at ${late.at(-1)?.atMs}`,
  );
  assert.doesNotMatch(String(ends[0]?.end.problems), /brings pods back/);
});

test('nor is a pod paced that was there at the first list, whenever it was made', () => {
  const pods = Array.from({ length: 50 }, (_, i) => pod(`pod-${i}`, COMES_BACK));
  const { sent, ends } = playDrain({ orders: [order({ timeoutSeconds: 60 })], pods });
  assert.deepEqual([of(sent, 'Evict').length, states(ends)], [50, ['a Drained']]);
  assert.ok((ends[0]?.atMs ?? Number.NaN) < 2_000);
});

test('all pods that are known at the deadline are deleted at that moment, whatever they are', () => {
  let made = 0;
  const { sent } = playDrain({
    orders: [order({ timeoutSeconds: 30, onTimeout: 'Delete' })],
    // Those of this owner tolerate everything; the others are behind a budget.
    pods: Array.from({ length: 10 }, (_, i) => pod(`eager-${i}`, { controller: owner('eager') })),
    ...lateJob(100, 1_500),
    reply: (call) => (call.kind === 'Evict' && isOfJob(call.pod) ? BUDGET : {}),
    onGone: (gone, world) => {
      if (!isOfJob(gone)) world.put({ ...gone, terminating: false, uid: `back-${made}`, name: `back-${made++}` });
    },
    forMs: 60_000,
  });
  const atOnce = of(sent, 'Delete').filter(({ atMs }) => atMs < 30_200);
  // And the first that comes back after it.
  assert.equal(new Set(atOnce.map(({ call }) => (call as CallTo).pod.uid)).size, 110 + 1);
  const after = of(sent, 'Delete').length - atOnce.length;
  assert.ok(after <= 5, `${after} of those that came back after it`);
});

test('the longer an owner brings pods back, the fewer of them are evicted', () => {
  let made = 0;
  const { sent } = playDrain({
    orders: [order({ timeoutSeconds: 600 })],
    pods: [pod('eager')],
    onGone: (gone, world) => world.put({ ...gone, terminating: false, uid: `back-${made}`, name: `back-${made++}` }),
    forMs: 4 * 3_600_000,
  });
  const later = times(sent).filter((ms) => ms >= 3 * 3_600_000).length;
  assert.ok(later >= 5 && later <= 13, `${later} in the fourth hour`);
});

test('an owner brings pods back at once, before the answer to the eviction or when there is none', () => {
  for (const answer of [{}, { status: null, message: 'cut' }]) {
    let made = 0;
    const { sent } = playDrain({
      orders: [order({ timeoutSeconds: 600 })],
      pods: Array.from({ length: 3 }, (_, i) => pod(`eager-${i}`)),
      reply(call, nowMs, world) {
        if (call.kind !== 'Evict') return {};
        const ending = { ...call.pod, terminating: true, deletionGracePeriodSeconds: 30 };
        world.at(nowMs + 3, () => world.put(ending));
        world.at(nowMs + 4, () => world.put(pod(`back-${made}`, { uid: `back-${made++}` })));
        world.at(nowMs + 30_000, () => world.end(ending));
        return { answer };
      },
      terminationMs: () => null,
      forMs: 12_000,
    });
    assert.ok(times(sent).length <= 3 + 5, `${times(sent).length} evictions`);
  }
});

const debugPod = (atMs: number): Pick<Play, 'onStep'> => ({
  onStep(_step, world) {
    if (world.nowMs === 0) world.at(atMs, () => world.put(pod('debug', { controller: null })));
  },
});
const onlyDebug = /^pod default\/debug: no controller would bring it back/;

test('a pod that comes later and is refused stays and is told, and the drain of the others goes on', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 60 })],
    pods: [pod('slow')],
    ...debugPod(5_000),
    reply: (call, nowMs) => (nowMs < 20_000 ? says('slow', BUDGET)(call) : {}),
    forMs: 50_000,
  });
  assert.ok(times(sent).some((ms) => ms > 20_000));
  assert.ok(!names(sent).includes('debug'));
  assert.deepEqual(states(ends).slice(0, 1), ['a GaveUp']);
  assert.ok((ends[0]?.atMs ?? 0) > 20_000, 'when the others have gone');
  assert.match(String(ends[0]?.end.problems), onlyDebug);
});

test('nor does it keep the others from being deleted at the deadline, also where an attempt gave up since', () => {
  const rbac = { answer: { status: 403, message: 'pods is forbidden: User "x" cannot create resource' } };
  for (const refusal of [BUDGET, rbac]) {
    const { sent, ends } = playDrain({
      orders: [order({ timeoutSeconds: 60, onTimeout: 'Delete' })],
      pods: [pod('stuck')],
      ...debugPod(5_000),
      reply: ({ kind }) => (kind === 'Evict' ? refusal : {}),
      forMs: 70_000,
    });
    assert.deepEqual(names(sent, 'Delete'), ['stuck']);
    assert.ok((times(sent, 'Delete')[0] ?? 0) <= 60_001);
    assert.match(String(ends.at(-1)?.end.problems), onlyDebug);
  }
});

test('at the deadline refused pods are told with whatever else is left', () => {
  const { ends } = playDrain({
    orders: [order({ timeoutSeconds: 60 })],
    pods: [pod('stuck')],
    ...debugPod(5_000),
    reply: says('stuck', BUDGET),
    forMs: 61_000,
  });
  assert.deepEqual([ends[0]?.atMs, ends[0]?.end.problems.length], [60_000, 2]);
});

test('a pod that is refused keeps all pods where it was there at first, as an agent that was restarted sees it', () => {
  const drain = order({ timeoutSeconds: 60, onTimeout: 'Delete' });
  const { sent } = playDrain({
    orders: [drain],
    changes: [{ atMs: 10_000, orders: [drain], isRestart: true }],
    pods: [pod('stuck')],
    ...debugPod(5_000),
    reply: ({ kind }) => (kind === 'Evict' ? BUDGET : {}),
    forMs: 70_000,
  });
  assert.ok(times(sent).every((ms) => ms < 10_000));
  assert.deepEqual(names(sent, 'Delete'), []);
});
