import { isDisrupting } from '../ledger.ts';
import { describeDenial, slotStateOf } from '../slot.ts';
import type { Gate } from './gate.ts';

/** Every budget that selects the node has to grant it. */
export const budgetGate: Gate = (_wanted, kept, { node, ledger, budgets, slots }) => {
  const { state, denial } = slotStateOf(node, budgets, slots);
  // A disrupted node has its slots, or takes them, so one effect more need not wait for an answer. A budget that says no
  // all the same is one of nothing.
  if (state === 'Granted' || (state === 'Pending' && isDisrupting(ledger))) return null;
  if (denial === null) return { why: 'SlotPending', because: null, hold: kept };
  return { why: 'BudgetDenied', because: describeDenial(denial), hold: kept };
};
