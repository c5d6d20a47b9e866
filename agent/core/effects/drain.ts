import type { DrainMemory, Hold, Ledger } from '../ledger.ts';
import { cordonOwner, drainGoesOn, drainsOf } from '../ledger.ts';
import { DRAIN_STATE_ANNOTATION, type NodeChange, type NodeView } from '../node.ts';
import type { DrainEnd, DrainOrder } from '../orders/drain-order.ts';
import type { Roster } from '../roster.ts';

/** How the latest attempt at the drain of each policy ended. */
export type DrainEnds = Readonly<Record<string, DrainEnd>>;

/** What a policy holds, with the end of its drain. */
export function withDrainEnd(hold: Hold, policy: string, ends: DrainEnds): Hold {
  const end = Object.hasOwn(ends, policy) ? ends[policy] : undefined;
  return end && hold.drain ? { ...hold, drain: ended(hold.drain, end) } : hold;
}

/** Says whether pods are being taken from the node, for whoever looks at it; nothing before the first drain. */
export function drainStateChange(node: NodeView, before: Ledger | null, after: Ledger | null): NodeChange {
  // What a person took the ledger of is over, too.
  const isLeft = node.annotations[DRAIN_STATE_ANNOTATION] === 'drainActive';
  const wanted = drainState(before, after) ?? (isLeft ? 'drainNotActive' : null);
  if (wanted === null || node.annotations[DRAIN_STATE_ANNOTATION] === wanted) return {};
  return { metadata: { annotations: { [DRAIN_STATE_ANNOTATION]: wanted } } };
}

/** The drains that should be under way once the ledger is so. */
export function drainOrders(node: NodeView, ledger: Ledger | null, roster: Roster): readonly DrainOrder[] {
  // An unready kubelet could not end the pods.
  if (ledger === null || !node.ready) return [];
  return drainsOf(ledger).flatMap((drain) => {
    const { spec } = roster.get(drain.policy)?.policy ?? {};
    const rules = spec?.actions.drain;
    if (rules === undefined || spec?.paused || !drainGoesOn(ledger, drain)) return [];
    return [{ policy: drain.policy, since: drain.since, isRetry: drain.state === 'GaveUp', rules }];
  });
}

/** Why a drain that is remembered as going on is not under way; null when it is, or there is none. */
export function whyDrainsRest(node: NodeView, ledger: Ledger | null, roster: Roster): string | null {
  const drains = drainsOf(ledger).filter(({ state }) => state === 'Draining' || state === 'GaveUp');
  if (drains.length === 0) return null;
  if (cordonOwner(ledger) === 'TakenAway') return 'somebody uncordoned the node';
  if (!node.ready) return 'the kubelet is NotReady, which the control plane already handles';
  if (drains.every(({ policy }) => roster.get(policy)?.policy.spec.paused)) return 'the policy is paused';
  return null;
}

function ended(drain: DrainMemory, end: DrainEnd): DrainMemory {
  const isOver = drain.state === 'Drained' || drain.state === 'Stopped';
  return isOver || end.since !== drain.since ? drain : { ...drain, state: end.state };
}

function drainState(before: Ledger | null, after: Ledger | null): 'drainActive' | 'drainNotActive' | null {
  const drains = drainsOf(after);
  if (drains.some(({ state }) => state !== 'Stopped')) return 'drainActive';
  const isOver = before !== null && (after === null || drainsOf(before).length > 0);
  return isOver || drains.length > 0 ? 'drainNotActive' : null;
}
