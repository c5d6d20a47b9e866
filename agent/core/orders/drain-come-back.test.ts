import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEWCOMERS } from './allowance.ts';
import { COME_BACK } from './come-back.ts';

import { type Play, playDrain } from './play-drain.ts';
import { BUDGET, type CallTo, names, of, order, says, times } from './play-words.ts';
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

test('a pod that came back goes not before those that were there with a lower priority', () => {
  const { sent } = playDrain({
    orders: [order()],
    pods: [pod('back', { ...COMES_BACK, priority: 10 }), pod('usual')],
    forMs: 1_000,
  });
  assert.deepEqual(names(sent), ['usual', 'back']);
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
    const most = 5 + NEWCOMERS.burst + 4.1 * NEWCOMERS.perMinute;
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
