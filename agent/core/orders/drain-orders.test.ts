import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Change, playDrain, type Reply } from './play-drain.ts';
import { BUDGET, names, order, states, times } from './play-words.ts';
import { samplePod as pod } from './sample-pod.ts';

/** What becomes of a drain when the orders of others change. */

const LONG = { timeoutSeconds: 600 };
const OVERLAP: Reply = { answer: { status: 500, message: '500 This pod has more than one PodDisruptionBudget' } };
const PATIENCE: Reply = { answer: { status: 429, retryAfterMs: 60_000, message: '429 patience' } };
const answers: [what: string, reply: Reply][] = [
  ['a budget says', BUDGET],
  ['two budgets say', OVERLAP],
  ['Retry-After says', PATIENCE],
];

/** Another policy that begins and ends, or another grace period of it, every two seconds. */
const flapping: Change[] = Array.from({ length: 58 }, (_, i) => {
  const atMs = 2_000 + i * 2_000;
  const other = order({ ...LONG, gracePeriodSeconds: i }, { policy: 'b' }, atMs);
  return { atMs, orders: i % 3 === 2 ? [order(LONG)] : [order(LONG), other] };
});

for (const [what, reply] of answers) {
  test(`how long a pod is left as ${what} binds every policy that wants it, however often one begins`, () => {
    const tries = (changes: readonly Change[]) =>
      names(
        playDrain({
          orders: [order(LONG)],
          changes,
          pods: [pod('web')],
          reply: ({ kind }) => (kind === 'Evict' ? reply : {}),
          forMs: 120_000,
        }).sent,
      ).length;
    assert.equal(tries(flapping), tries([]));
  });
}

test('and so it does while the drain of the one policy rests, and that of another begins and ends', () => {
  const { sent, ends } = playDrain({
    orders: [order({ timeoutSeconds: 60 }), order(LONG, { policy: 'b' })],
    changes: Array.from({ length: 10 }, (_, i) => ({
      atMs: 61_000 + i * 1_000,
      orders:
        i % 2 === 0 ? [order({ timeoutSeconds: 60 })] : [order({ timeoutSeconds: 60 }), order(LONG, { policy: 'b' })],
    })),
    pods: [pod('web')],
    reply: ({ kind }) => (kind === 'Evict' ? OVERLAP : {}),
    forMs: 75_000,
  });
  assert.deepEqual(states(ends), ['a GaveUp']);
  assert.ok(times(sent).filter((ms) => ms > 60_000).length <= 1, `${times(sent)}`);
});

test('a pod that only the new policy wants is tried at once', () => {
  const web = { podSelector: { matchLabels: { app: 'web' } } };
  const { sent, ends } = playDrain({
    orders: [order({ ...LONG, ...web })],
    changes: [{ atMs: 20_000, orders: [order({ ...LONG, ...web }), order(LONG, { policy: 'b' })] }],
    pods: [pod('web', { labels: { app: 'web' } }), pod('db')],
    reply: (call) => (call.kind === 'Evict' && call.pod.name === 'web' ? BUDGET : {}),
    forMs: 30_000,
  });
  assert.equal(times(sent)[names(sent).indexOf('db')], 20_000);
  assert.deepEqual(states(ends), []);
});
