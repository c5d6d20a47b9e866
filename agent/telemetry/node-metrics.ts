import { Counter, Gauge, type Registry } from 'prom-client';
import type { Change } from '../core/compare.ts';
import { type Ledger, readLedger } from '../core/ledger.ts';
import type { NodeView } from '../core/node.ts';
import { drainStatus } from '../core/status.ts';

const ACTIONS: Readonly<Record<Change['kind'], true>> = {
  Cordoned: true,
  Uncordoned: true,
  CordonFound: true,
  CordonReleased: true,
  Tainted: true,
  Untainted: true,
  TaintFound: true,
  TaintReleased: true,
  DrainStarted: true,
  DrainSucceeded: true,
  DrainFailed: true,
  Released: true,
};
const DRAIN_STATES = ['Draining', 'Drained', 'GaveUp'] as const;

export type NodeMetrics = ReturnType<typeof createNodeMetrics>;

/** What the ledger says of the node, and what was written to it. */
export function createNodeMetrics(registry: Registry) {
  const registers = [registry];
  const effect = new Gauge({
    name: 'nsc_node_effect',
    help: '1 while the ledger says that this effect on the node is ours: cordon, taint, or drain from its start until it is undone.',
    labelNames: ['effect'],
    registers,
  });
  const drainState = new Gauge({
    name: 'nsc_drain_state',
    help: '1 for how far the drain of this episode is: Draining, Drained or GaveUp (tried again); none without a drain, or when a person stopped it.',
    labelNames: ['state'],
    registers,
  });
  const drainStarted = new Gauge({
    name: 'nsc_drain_started_timestamp_seconds',
    help: 'When the drain of this episode started; absent while there is none of ours.',
    registers,
  });
  const actions = new Counter({
    name: 'nsc_node_actions_total',
    help: `What was done to the node, or found out about it, in one write, by whether that landed. Actions: ${Object.keys(ACTIONS).join(', ')}.`,
    labelNames: ['action', 'result'],
    registers,
  });
  for (const action of Object.keys(ACTIONS)) {
    for (const result of ['Success', 'Error']) actions.inc({ action, result }, 0);
  }

  function show(ledger: Ledger | null): void {
    const drain = ledger?.drain == null || ledger.drain.state === 'Released' ? null : ledger.drain;
    effect.set({ effect: 'cordon' }, ledger?.cordon === 'Ours' ? 1 : 0);
    effect.set({ effect: 'taint' }, ledger?.taints.some(({ owner }) => owner === 'Ours') ? 1 : 0);
    effect.set({ effect: 'drain' }, drain === null ? 0 : 1);
    const reached = ledger && drainStatus(ledger)?.state;
    for (const state of DRAIN_STATES) drainState.set({ state }, state === reached ? 1 : 0);
    const startedMs = Date.parse(drain?.since ?? '');
    if (Number.isNaN(startedMs)) drainStarted.remove();
    else drainStarted.set(startedMs / 1000);
  }
  show(null);

  return {
    /** The Node as it is now; null when there is none. A ledger that cannot be read says of nothing that it is ours. */
    seen(node: NodeView | null): void {
      const reading = node && readLedger(node);
      show(reading?.readable ? reading.ledger : null);
    },

    wrote(changes: readonly Change[], result: 'Success' | 'Error'): void {
      for (const { kind } of changes) actions.inc({ action: kind, result });
    },
  };
}
