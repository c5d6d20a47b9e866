import type { Hold, Ledger } from '../ledger.ts';
import type { NodeView } from '../node.ts';
import type { NodeDisruptionBudget } from '../policy.ts';
import type { SlotsAnswer } from '../slot.ts';
import type { Toleration } from '../taint.ts';

/** What is looked at before anything is added to the node. */
export type GateView = {
  readonly node: NodeView;
  readonly ledger: Ledger | null;
  readonly budgets: readonly NodeDisruptionBudget[];
  /** What was last heard of the slots. */
  readonly slots: SlotsAnswer;
  /** Of the agent's own pod, which no NoExecute taint of ours may evict; null when it runs in none. */
  readonly ownTolerations: readonly Toleration[] | 'Unread' | null;
};

/** A gate that is closed. */
export type Closed = {
  readonly why: 'KubeletNotReady' | 'BudgetDenied' | 'SlotPending' | 'TolerationsPending' | 'WouldEvictAgent';
  /** In words, what the gate found; null where `why` says it all. */
  readonly because: string | null;
  /** What may be held all the same. */
  readonly hold: Hold | null;
};

/** What is being found out is no news yet. */
export function isPending(why: string): boolean {
  return why === 'SlotPending' || why === 'TolerationsPending';
}

/**
 * Whether what a policy wants may be added. Undoing passes no gate.
 *
 * @param kept what is both held and still wanted: it may stay whatever a gate says
 * @returns null when the gate is open
 */
export type Gate = (wanted: Hold, kept: Hold | null, view: GateView) => Closed | null;
