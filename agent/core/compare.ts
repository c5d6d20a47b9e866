import { compareMarks } from './effects/compare-marks.ts';
import { type DrainEnds, drainOrders, drainStateChange, whyDrainsRest } from './effects/drain.ts';
import type { GateView } from './gates/gate.ts';
import { holdsOf, type Withheld } from './holds.ts';
import { type Ledger, readLedger, writeLedger } from './ledger.ts';
import { isEmptyChange, joinChanges, LEDGER_ANNOTATION, type NodeChange, type NodeView } from './node.ts';
import type { DrainOrder } from './orders/drain-order.ts';
import type { Roster } from './roster.ts';

export type Situation = Omit<GateView, 'ledger'> & {
  readonly roster: Roster;
  readonly drainEnds: DrainEnds;
  /** RFC 3339; stands in the ledger where something new begins. */
  readonly now: string;
};

export type Comparison =
  | { readonly kind: 'Unreadable'; readonly problem: string }
  | {
      readonly kind: 'Compared';
      /** null when the node is as it should be. */
      readonly change: NodeChange | null;
      readonly withheld: readonly Withheld[];
      /** As it is once the change has landed. */
      readonly ledger: Ledger | null;
      /** What should be drained once the change has landed. */
      readonly drains: readonly DrainOrder[];
      /** Why a drain that has begun is not among them; null: there is none, or its policy recovered. */
      readonly drainsRest: string | null;
    };

/**
 * Compares what should hold on the node with what does, and returns the one write that closes the gap.
 *
 * Level-triggered: it looks at the Node and its ledger only, so it does the same after a verdict, a reload, a restart,
 * a lost answer or a person's edit.
 */
export function compareNode({ roster, drainEnds, now, ...gates }: Situation): Comparison {
  const { node } = gates;
  const reading = readLedger(node);
  if (!reading.readable) return { kind: 'Unreadable', problem: reading.problem };
  const before = reading.ledger;
  const { policies: holds, frozen, withheld } = holdsOf(roster, { ...gates, ledger: before }, drainEnds, now);
  const { marks, change } = compareMarks(node, before, holds, frozen);
  const ledger: Ledger | null =
    Object.keys(holds).length === 0 ? null : { nodeUid: node.uid, since: before?.since ?? now, policies: holds, marks };
  const whole = joinChanges([change, ledgerChange(node, before, ledger), drainStateChange(node, before, ledger)]);
  return {
    kind: 'Compared',
    change: isEmptyChange(whole) ? null : whole,
    withheld,
    ledger,
    drains: drainOrders(node, ledger, roster),
    drainsRest: whyDrainsRest(node, ledger, roster),
  };
}

function ledgerChange(node: NodeView, before: Ledger | null, after: Ledger | null): NodeChange {
  const text = after === null ? null : writeLedger(after);
  // Another program may have written the same in other words.
  const isThere = () =>
    text === node.annotations[LEDGER_ANNOTATION] || (before !== null && writeLedger(before) === text);
  // One of another Node with our name counts as none, and is written over only when there is something to say.
  const isKnown = text === null ? before === null : isThere();
  return isKnown ? {} : { metadata: { annotations: { [LEDGER_ANNOTATION]: text } } };
}
