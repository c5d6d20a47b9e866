import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playDrain } from './play-drain.ts';
import { BUDGET, names, order, times } from './play-words.ts';
import { samplePod as pod } from './sample-pod.ts';

/** What holds up a drain at its deadline, and for how long. */

test('a look-up that was under way before the deadline was known holds up deletions for two seconds at most', () => {
  const logs = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'logs', uid: 'ds-1' };
  const { sent } = playDrain({
    orders: [order({ timeoutSeconds: 600 })],
    pods: [pod('logs', { controller: logs }), pod('web')],
    listMs: 60_000,
    changes: [{ atMs: 60_500, orders: [order({ timeoutSeconds: 20, onTimeout: 'Delete' })] }],
    reply: ({ kind }) => (kind === 'FindDaemonSet' ? { afterMs: 30_000 } : kind === 'Evict' ? BUDGET : {}),
    forMs: 80_000,
  });
  assert.deepEqual([names(sent, 'Delete'), times(sent, 'Delete')], [['web'], [62_500]]);
});
