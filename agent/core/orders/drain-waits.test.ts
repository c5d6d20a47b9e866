import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerKey } from './come-back.ts';
import { playDrain } from './play-drain.ts';
import { BUDGET, names, order, says, times } from './play-words.ts';
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

test('a last list before the deadline that fails is tried again, at growing intervals', () => {
  for (const failing of [1, Number.POSITIVE_INFINITY]) {
    let failed = 0;
    const { sent, ends } = playDrain({
      orders: [order({ timeoutSeconds: 60 })],
      pods: [pod('web'), pod('stuck')],
      // Its end is not seen otherwise.
      isSilent: true,
      terminationMs: () => 30_000,
      reply: (call) =>
        call.kind === 'List' && failed++ < failing ? { pods: new Error('503') } : says('stuck', BUDGET)(call),
      forMs: 61_000,
    });
    const lists = times(sent, 'List');
    if (failing === 1) {
      assert.deepEqual([lists.length, lists[0]], [2, 55_000]);
      assert.match(String(ends[0]?.end.problems), /^pod default\/stuck: [^,]*$/);
    }
    assert.ok(lists.length >= 2 && lists.length < 8, `${lists.length} lists`);
  }
});

test('a pod that is listed as if its eviction had not been accepted, and is evicted again, was sent away once', () => {
  const { sent, world } = playDrain({
    orders: [order()],
    pods: [pod('web')],
    isSilent: true,
    terminationMs: () => null,
    reply: ({ kind }) => (kind === 'List' ? { pods: [pod('web')] } : {}),
    forMs: 70_000,
  });
  assert.ok(times(sent).length > 1);
  assert.equal(world.state.owners.get(ownerKey(pod('web')))?.owed, 1);
});

test('a pod that is critical by its class alone, and waits, holds up none of a higher priority', () => {
  const { sent } = playDrain({
    orders: [order({ timeoutSeconds: 600 })],
    pods: [
      pod('dns', { priority: 0, priorityClassName: 'system-cluster-critical' }),
      pod('high', { priority: 100 }),
      pod('stuck', { priority: -5 }),
    ],
    reply: says('stuck', BUDGET),
    forMs: 10_000,
  });
  assert.deepEqual([...new Set(names(sent))], ['stuck', 'high']);
});
