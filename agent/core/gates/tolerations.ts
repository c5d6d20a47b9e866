import { holdUnlessEmpty } from '../ledger.ts';
import type { Taint } from '../policy.ts';
import { type Toleration, toleratesForGood } from '../taint.ts';
import type { Gate } from './gate.ts';

/** A NoExecute taint may not evict the agent, which alone gives the node back. All else may go on. */
export const tolerationsGate: Gate = (wanted, kept, { ownTolerations }) => {
  const { taint, ...others } = wanted.marks;
  if (taint === undefined || ownTolerations === null || !evicts(taint as Taint, ownTolerations)) return null;
  const marks = kept?.marks.taint === undefined ? others : { ...others, taint: kept.marks.taint };
  return { why: 'WouldEvictAgent', because: null, hold: holdUnlessEmpty({ ...wanted, marks }) };
};

function evicts(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return taint.effect === 'NoExecute' && !toleratesForGood(tolerations, taint);
}
