import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Play, playDrain } from './play-drain.ts';
import { BUDGET, type CallTo, names, of, order, says } from './play-words.ts';
import type { PodView } from './pod.ts';
import { samplePod as pod } from './sample-pod.ts';

/** Which pods are newcomers, where a drain begins while another of the node is under way or rests. */

const A = order({ podSelector: { matchLabels: { app: 'x' } }, timeoutSeconds: 60 });
const X = pod('x1', { labels: { app: 'x' } });
const comes = (pods: readonly PodView[], atMs: number): Pick<Play, 'onStep'> => ({
  onStep(_step, world) {
    if (world.nowMs !== 0) return;
    world.at(atMs, () => {
      for (const each of pods) world.put(each);
    });
  },
});
const FROM_MS = 300_000;

for (const onTimeout of ['GiveUp', 'Delete'] as const) {
  test(`a pod that came before a policy began, and that it refuses, keeps all pods: ${onTimeout}`, () => {
    const b = order({ onTimeout, timeoutSeconds: 30 }, { policy: 'b' }, FROM_MS);
    const { sent, ends } = playDrain({
      orders: [A],
      pods: [X, pod('web')],
      changes: [{ atMs: FROM_MS, orders: [A, b] }],
      ...comes([pod('debug', { controller: null })], 100_000),
      reply: says('x1', BUDGET),
      forMs: FROM_MS + 60_000,
    });
    assert.deepEqual([names(sent).includes('web'), names(sent, 'Delete')], [false, []]);
    const end = ends.find(({ end }) => end.attempt.order.policy === 'b')?.end;
    assert.match(String(end?.problems), /pod default\/debug: no controller/);
  });
}

test('rules that are made narrower refuse also what came since the first', () => {
  const { sent, ends } = playDrain({
    orders: [order({ deleteEmptyDirData: true })],
    pods: [pod('web')],
    reply: ({ kind }) => (kind === 'Evict' ? BUDGET : {}),
    changes: [
      { atMs: 60_000, orders: [order({ deleteEmptyDirData: false, timeoutSeconds: 100, onTimeout: 'Delete' })] },
    ],
    ...comes([pod('data', { hasEmptyDir: true })], 50_000),
    forMs: 200_000,
  });
  assert.deepEqual(names(sent, 'Delete'), []);
  assert.match(String(ends[0]?.end.problems), /pod default\/data: its emptyDir data/);
});

test('pods that came before a policy began go at full speed', () => {
  const late = Array.from({ length: 150 }, (_, i) => pod(`late-${i}`));
  const b = order({ timeoutSeconds: 60 }, { policy: 'b' }, FROM_MS);
  const { sent } = playDrain({
    orders: [A],
    pods: [X],
    changes: [{ atMs: FROM_MS, orders: [A, b] }],
    ...comes(late, 100_000),
    reply: says('x1', BUDGET),
    forMs: FROM_MS + 5_000,
  });
  const gone = of(sent, 'Evict').filter(({ call }) => (call as CallTo).pod.name !== 'x1');
  assert.equal(gone.length, 150);
});
