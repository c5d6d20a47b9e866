import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** From an empty node to the longest grace periods people set. */
const SECONDS = [1, 10, 60, 300, 900, 3600];
const RESULTS = ['Drained', 'GaveUp', 'Aborted'] as const;

export type DrainMetrics = ReturnType<typeof createDrainMetrics>;

/** How the attempts to drain the node go. Nothing here names a pod. */
export function createDrainMetrics(registry: Registry) {
  const registers = [registry];
  const pods = new Gauge({
    name: 'nsc_drain_pods',
    help: 'During a drain, pods that still have to go (left), and those of them whose eviction the API server refuses at present (blocked).',
    labelNames: ['state'],
    registers,
  });
  const podsGone = new Counter({
    name: 'nsc_drain_pods_total',
    help: 'Pods whose eviction or deletion the API server accepted; a pod may be first evicted and later deleted.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['Evicted', 'Deleted']) podsGone.inc({ result }, 0);
  const seconds = new Histogram({
    name: 'nsc_drain_duration_seconds',
    help: 'How long an attempt to drain the node took, by how it ended.',
    labelNames: ['result'],
    buckets: SECONDS,
    registers,
  });
  for (const result of RESULTS) seconds.zero({ result });

  function podsLeft(left: number, blocked: number): void {
    pods.set({ state: 'left' }, left);
    pods.set({ state: 'blocked' }, blocked);
  }
  podsLeft(0, 0);

  return {
    podsLeft,

    podAccepted(how: 'Evicted' | 'Deleted'): void {
      podsGone.inc({ result: how });
    },

    attemptEnded(result: (typeof RESULTS)[number], tookSeconds: number): void {
      seconds.observe({ result }, tookSeconds);
    },
  };
}
