import { Counter, Gauge, type Registry } from 'prom-client';
import { MARK_EFFECTS, markEffect } from '../core/effects/list.ts';
import { isEqualMark } from '../core/effects/mark.ts';
import { drainsOf, type Ledger, ledgerOf, marksOf, readLedger } from '../core/ledger.ts';
import type { NodeView } from '../core/node.ts';
import { drainStatus } from '../core/status.ts';
import type { NodeTransition } from '../core/transition.ts';

/** Everything that a write can turn out to have done. */
const ACTIONS: readonly string[] = [
  ...MARK_EFFECTS.flatMap(({ words }) => Object.values(words).map(({ action }) => action)),
  'DrainStarted',
  'DrainSucceeded',
  'DrainFailed',
  'GivenBack',
];
const DRAIN_STATES = ['Draining', 'Drained', 'GaveUp'] as const;

export type NodeMetrics = ReturnType<typeof createNodeMetrics>;

/** What the ledger says of the node, and what was written to it. */
export function createNodeMetrics(registry: Registry) {
  const registers = [registry];
  const effect = new Gauge({
    name: 'nsc_node_effect',
    help: `1 while the ledger says that this effect on the node is ours: ${MARK_EFFECTS.map(({ name }) => name).join(', ')}, or drain from its start until it is undone.`,
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
    help: `What was done to the node, or found out about it, in one write, by whether that landed. Actions: ${ACTIONS.join(', ')}.`,
    labelNames: ['action', 'result'],
    registers,
  });
  for (const action of ACTIONS) {
    for (const result of ['Success', 'Error']) actions.inc({ action, result }, 0);
  }

  function show(ledger: Ledger | null): void {
    const drains = drainsOf(ledger).filter(({ state }) => state !== 'Stopped');
    for (const { name } of MARK_EFFECTS) {
      effect.set({ effect: name }, marksOf(ledger, name).some(({ owner }) => owner === 'Ours') ? 1 : 0);
    }
    effect.set({ effect: 'drain' }, drains.length === 0 ? 0 : 1);
    const reached = ledger && drainStatus(ledger)?.state;
    for (const state of DRAIN_STATES) drainState.set({ state }, state === reached ? 1 : 0);
    const startedMs = Math.min(...drains.map(({ since }) => Date.parse(since)));
    if (Number.isFinite(startedMs)) drainStarted.set(startedMs / 1000);
    else drainStarted.remove();
  }
  show(null);
  /** What the ledger of this Node said when it was last read. */
  let known: Ledger | null = null;

  return {
    /** The Node as it is now; null when there is none. */
    seen(node: NodeView | null): void {
      if (node && !readLedger(node).readable) {
        // Nothing is undone meanwhile, so what was ours and is still there goes on being ours.
        show(known?.nodeUid === node.uid ? stillOn(node, known) : null);
      } else {
        known = ledgerOf(node);
        show(known);
      }
    },

    wrote(transitions: readonly NodeTransition[], result: 'Success' | 'Error'): void {
      for (const transition of transitions) actions.inc({ action: actionOf(transition), result });
    },
  };
}

/** The ledger without the marks that are no longer on the node as they were. */
function stillOn(node: NodeView, ledger: Ledger): Ledger {
  const isThere = ({ effect, mark }: Ledger['marks'][number]) =>
    markEffect(effect)
      .found(node)
      .some((found) => isEqualMark(markEffect(effect), found, mark));
  return { ...ledger, marks: ledger.marks.filter(isThere) };
}

function actionOf(transition: NodeTransition): string {
  if (transition.kind !== 'MarkTurned') return transition.kind;
  return markEffect(transition.effect).words[transition.turn].action;
}
