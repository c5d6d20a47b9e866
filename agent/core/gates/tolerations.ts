import { holdUnlessEmpty } from '../ledger.ts';
import type { Taint } from '../policy.ts';
import { type Toleration, toleratesForGood } from '../taint.ts';
import type { Gate } from './gate.ts';

/** A NoExecute taint may not evict the agent, which alone gives the node back. All else may go on. */
export const tolerationsGate: Gate = (wanted, kept, { ownTolerations }) => {
  const { taint, ...others } = wanted.marks;
  if (taint === undefined || ownTolerations === null || !mayEvict(taint as Taint, ownTolerations)) return null;
  const marks = kept?.marks.taint === undefined ? others : { ...others, taint: kept.marks.taint };
  const why = ownTolerations === 'Unread' ? 'TolerationsPending' : 'WouldEvictAgent';
  return { why, because: null, hold: holdUnlessEmpty({ ...wanted, marks }) };
};

function mayEvict(taint: Taint, tolerations: readonly Toleration[] | 'Unread'): boolean {
  return taint.effect === 'NoExecute' && (tolerations === 'Unread' || !toleratesForGood(tolerations, taint));
}
