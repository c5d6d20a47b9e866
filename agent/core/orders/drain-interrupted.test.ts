import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COME_BACK } from './come-back.ts';
import { type Change, type Play, playDrain } from './play-drain.ts';
import { BUDGET, type CallTo, names, of, order } from './play-words.ts';
import { samplePod as pod } from './sample-pod.ts';

/** Drains that are not ordered for a moment: the node was not ready, the agent paused, the ledger unreadable. */

const owner = (uid: string) => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', name: uid, uid });
const comingBack = (owners: number): Pick<Play, 'pods' | 'onGone'> => {
  let made = 0;
  return {
    pods: Array.from({ length: owners }, (_, i) => pod(`pod-${i}`, { controller: owner(`set-${i}`) })),
    onGone(gone, world) {
      const next = { terminating: false, deletionGracePeriodSeconds: null };
      world.put({ ...gone, ...next, uid: `back-${made}`, name: `back-${made++}` });
    },
  };
};
const HOUR_MS = 3_600_000;
/** Not for 10 s of each minute of an hour. */
const flapping = (drain: ReturnType<typeof order>): readonly Change[] =>
  Array.from({ length: 60 }, (_, i) => [
    { atMs: (i + 1) * 60_000, orders: [] },
    { atMs: (i + 1) * 60_000 + 10_000, orders: [drain] },
  ]).flat();

test('an interruption gives an owner that brings pods back no new start', () => {
  const drain = order({ timeoutSeconds: 3_600 });
  const evictions = (changes: readonly Change[]) =>
    names(playDrain({ orders: [drain], ...comingBack(5), changes, forMs: HOUR_MS }).sent).length;
  const [steady, interrupted] = [evictions([]), evictions(flapping(drain))];
  assert.ok(interrupted <= steady, `${interrupted} instead of ${steady}`);
});

test('nor a new moment when all are deleted', () => {
  const drain = order({ timeoutSeconds: 60, onTimeout: 'Delete' });
  const deleted = (changes: readonly Change[]) => {
    const reply: Play['reply'] = ({ kind }) => (kind === 'Evict' ? BUDGET : {});
    const { sent } = playDrain({ orders: [drain], ...comingBack(5), changes, reply, forMs: HOUR_MS });
    return new Set(of(sent, 'Delete').map(({ call }) => (call as CallTo).pod.uid)).size;
  };
  const [steady, interrupted] = [deleted([]), deleted(flapping(drain))];
  // Between its attempts a drain rests, and one that is ordered again does not.
  assert.ok(interrupted <= 1.2 * steady, `${interrupted} instead of ${steady}`);
});

test('what is left at the moment is deleted when the drain is ordered again, where that passed meanwhile', () => {
  const drain = order({ timeoutSeconds: 60, onTimeout: 'Delete' });
  const { sent } = playDrain({
    orders: [drain],
    pods: [pod('stuck')],
    reply: ({ kind }) => (kind === 'Evict' ? BUDGET : {}),
    changes: [
      { atMs: 55_000, orders: [] },
      { atMs: 65_000, orders: [drain] },
    ],
    forMs: 66_000,
  });
  assert.deepEqual(names(sent, 'Delete'), ['stuck']);
});

for (const [what, landedMs, gapMs] of [
  ['another drain', 400_000, 10_000],
  ['the same drain after a long time', 0, COME_BACK.maxMs],
] as const) {
  test(`${what} begins with no pace`, () => {
    const rules = { timeoutSeconds: 7_200 };
    const fromMs = 390_000 + gapMs;
    const { sent } = playDrain({
      orders: [order(rules)],
      ...comingBack(1),
      changes: [
        { atMs: 390_000, orders: [] },
        { atMs: fromMs, orders: [order(rules, {}, landedMs)] },
      ],
      forMs: fromMs + 10_000,
    });
    const again = of(sent, 'Evict').filter(({ atMs }) => atMs >= fromMs);
    assert.ok(again.length >= 3, `${again.length} evictions`);
  });
}
