import { type Claim, claimChange, claimOn, predecessorOn, rivalOn, standbyChange } from './claim.ts';
import { type Comparison, compareNode } from './compare.ts';
import { endOrder, fatalWaitsUntilMs } from './fatal.ts';
import type { Withheld } from './holds.ts';
import { drainsOf, isDisrupting, ledgerOf, readLedger, writeLedger } from './ledger.ts';
import {
  AGENT_ANNOTATION,
  changedNode,
  isEmptyChange,
  joinChanges,
  type NodeChange,
  type NodeView,
  POLICY_ANNOTATION,
} from './node.ts';
import { type ConditionComparison, compareConditions } from './node-conditions.ts';
import { factsOf, nodeTransitions } from './node-facts.ts';
import { spentOf } from './orders/attempts.ts';
import type { DrainOrder } from './orders/drain-order.ts';
import type { EffectsOrder, Orders, ReportOrder, SlotsOrder } from './orders/orders.ts';
import { podKey } from './orders/pod.ts';
import { formatPolicyReport } from './policy-report.ts';
import { silentPolicies } from './roster.ts';
import { type AgentState, BUG_LASTS_MS, lastingBugs, lastNodeOf, type Now, nodeOf, RELOOK_MS } from './state.ts';
import { timestamp } from './timestamp.ts';

/** Whether an agent that acts instead of this one is there still, when nobody says so. */
const RIVAL_LOOK_MS = 30_000;

/** So long before a drain deletes what is left. */
const LAST_LOOK_MS = 3_000;

/**
 * Whether an agent that ends acts until then, where another one was before it; null: not known yet. It claims nothing any more,
 * so one that is there acts on.
 */
const ACTS_AT_ITS_END = { None: true, Gone: true, There: false, Unknown: null } as const;

type DrainsOrder = Pick<Orders, 'drains' | 'drainsRest'>;

/** What follows from what is known. */
export type Decision = {
  readonly orders: Orders;
  /** When time alone changes the orders, on `Now.ms`; Infinity: never. */
  readonly wakeAtMs: number;
  /** null while nothing may be decided: no policy was ever in force, or there is no Node. */
  readonly comparison: Comparison | null;
  readonly conditions: ConditionComparison | null;
  /** Another agent acts; null: this one does. */
  readonly rival: Claim | null;
};

/** Level-triggered: looks at the state alone. */
export function decide(state: AgentState, now: Now): Decision {
  const node = nodeOf(state);
  const rival = node && rivalOn(node, state.own, state.standing);
  const comparison = node && compare(state, node, now);
  const conditions = node && state.inForce && compareConditions(node, state.roster, timestamp(now.wallMs));
  const isActing = node !== null && rival === null;
  const acts = isActing && state.fatal === null;
  const predecessor = node === null ? 'None' : predecessorOn(node, state.own, state.standing);
  const saysConditions = isActing && (state.fatal === null || ACTS_AT_ITS_END[predecessor]);
  const drains = acts ? drainsOrder(state, node, comparison) : restingDrains(state, rival);
  const relookAtMs = needsLook(state, comparison, drains) ? state.lookedAtMs + RELOOK_MS : Number.POSITIVE_INFINITY;
  const lastLookAtMs = lookBeforeDeletionsMs(state, drains, now);
  const readAtMs = Math.min(relookAtMs, lastLookAtMs, state.readAtMs ?? Number.POSITIVE_INFINITY);
  const rivalLookAtMs = rival === null ? Number.POSITIVE_INFINITY : state.rivalLookedAtMs + RIVAL_LOOK_MS;
  const unknownBefore = node !== null && predecessor === 'Unknown' ? claimOn(node) : null;
  const orders: Orders = {
    effects: acts ? effectsOrder(state, node, comparison) : null,
    report: node === null || state.fatal !== null ? null : reportOrder(state, node, rival, now),
    conditions:
      saysConditions && conditions?.kind === 'Compared' && conditions.step ? conditionsOrder(conditions.step) : null,
    ...drains,
    slots: slotsOrder(state, comparison, rival),
    checks: state.fatal === null ? [...state.roster.values()].map(({ policy }) => policy) : [],
    readNode: now.ms >= readAtMs,
    readTolerations: state.ownTolerations === 'Unread' && wantsNoExecute(state),
    lookFor: rival !== null && now.ms >= rivalLookAtMs ? rival : unknownBefore,
    end: state.fatal && endOrder(state.fatal, state.node, saysConditions, conditions, now),
  };
  const bugsEndAtMs = Math.min(...state.bugs.map(({ atMs }) => later(atMs + BUG_LASTS_MS, now)));
  const endsAtMs = state.fatal === null ? Number.POSITIVE_INFINITY : later(fatalWaitsUntilMs(state.fatal), now);
  const wakeAtMs = Math.min(later(readAtMs, now), later(rivalLookAtMs, now), bugsEndAtMs, endsAtMs);
  return { orders, wakeAtMs, comparison, conditions, rival };
}

/** What is due already waits for the answer to its order. */
function later(atMs: number, now: Now): number {
  return atMs > now.ms ? atMs : Number.POSITIVE_INFINITY;
}

function compare(state: AgentState, node: NodeView, now: Now): Comparison | null {
  // Without a policy ever in force nobody can say what should hold here, so nothing is added and nothing removed.
  if (state.inForce === null) return null;
  const { roster, slots, ownTolerations, drainEnds } = state;
  const { budgets } = state.inForce;
  return compareNode({ node, roster, budgets, slots, ownTolerations, drainEnds, now: timestamp(now.wallMs) });
}

/**
 * A Node that is said to be gone may not be: two writers cross, and a watch that missed its coming back tells of nothing. And
 * one that is drained may be another by now, whose pods are none of ours.
 */
function needsLook({ node, roster }: AgentState, comparison: Comparison | null, { drains }: DrainsOrder): boolean {
  if (node.kind === 'Gone' || drains.length > 0) return true;
  if (node.kind === 'Unread' || node.view.ready || comparison?.kind !== 'Compared') return false;
  return roster.size > 0 && (isWithheld(comparison.withheld, 'KubeletNotReady') || comparison.drainsRest !== null);
}

/** When to read the Node once more before a drain deletes what is left; Infinity: it was seen so late, or none will. */
function lookBeforeDeletionsMs({ lookedAtMs }: AgentState, { drains }: DrainsOrder, now: Now): number {
  const dueMs = drains
    .filter(({ rules }) => rules.onTimeout === 'Delete')
    .map((order) => now.ms - spentOf(order, now.ms, now.wallMs) + order.rules.timeoutSeconds * 1000 - LAST_LOOK_MS);
  return Math.min(...dueMs.filter((atMs) => lookedAtMs < atMs));
}

function isWithheld(withheld: readonly Withheld[], ...why: readonly Withheld['why'][]): boolean {
  return withheld.some((each) => why.includes(each.why));
}

/** Cordon, taints, ledger and all that belongs to them go out in one write, with our claim where it does not stand yet. */
function effectsOrder(state: AgentState, node: NodeView, comparison: Comparison | null): EffectsOrder | null {
  if (comparison?.kind !== 'Compared' || comparison.change === null) return null;
  const { ledger, change } = comparison;
  const before = factsOf(node);
  const after = changedNode(node, change);
  const facts = factsOf(after);
  const transitions = before && facts ? nodeTransitions(before, facts, after, state.drainEnds) : [];
  const patch = {
    resourceVersion: node.resourceVersion,
    change: joinChanges([change, claimChange(node, state.own)]),
  };
  // Without the times, which are those of the order.
  const key = JSON.stringify([ledger && writeLedger(ledger), change.spec]).replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, '');
  return { patch, key, transitions };
}

/** What this agent says of itself on the Node; who stands by says only that to the one that acts. */
function reportOrder(state: AgentState, node: NodeView, rival: Claim | null, now: Now): ReportOrder | null {
  const change = rival === null ? reportChange(state, node, now) : standbyChange(rival);
  if (isEmptyChange(change)) return null;
  const annotations = change.metadata?.annotations ?? {};
  // Of claims the last one counts, so none may land after one that it does not know of.
  const resourceVersion = annotations[AGENT_ANNOTATION] === undefined ? null : node.resourceVersion;
  return { uid: node.uid, resourceVersion, annotations, key: JSON.stringify(annotations) };
}

function reportChange(state: AgentState, node: NodeView, now: Now): NodeChange {
  const text = policyReport(state, now);
  const isNews = text !== null && node.annotations[POLICY_ANNOTATION] !== text;
  const report = isNews ? { metadata: { annotations: { [POLICY_ANNOTATION]: text } } } : {};
  const isUrgent = isClaimUrgent(node, state);
  return isNews || isUrgent ? joinChanges([report, claimChange(node, state.own)]) : {};
}

/**
 * Whether the claim has to be ours at once, and not only with the next write: others would take the node for nobody's, as one
 * that was handed over is. An earlier life in our own pod, or on our machine, needs no write.
 */
function isClaimUrgent(node: NodeView, { own, standing, newestErrors }: AgentState): boolean {
  const claim = claimOn(node);
  // At the beginning it comes with the first report.
  if (claim === null) return newestErrors !== null;
  const predecessor = predecessorOn(node, own, standing);
  if (predecessor === 'There') return true;
  const isAnotherPod = claim.pod !== null && (own.pod === null || podKey(claim.pod) !== podKey(own.pod));
  return predecessor === 'Gone' && isAnotherPod;
}

/** null while the directory was not read yet. */
function policyReport(state: AgentState, now: Now): string | null {
  if (state.newestErrors === null) return null;
  const bugs = lastingBugs(state, now).map(({ text }) => text);
  return formatPolicyReport(state.inForce?.revision ?? null, state.newestErrors, bugs, silentPolicies(state.roster));
}

function conditionsOrder(step: NonNullable<Extract<ConditionComparison, { kind: 'Compared' }>['step']>) {
  const key = JSON.stringify(step, (name, value) => (name === 'now' || name === 'resourceVersion' ? undefined : value));
  return { step, key };
}

/** A drain begins only after the cordon has landed, with the ledger that says so, and ends at once when it is not wanted. */
function drainsOrder({ landings }: AgentState, node: NodeView, comparison: Comparison | null): DrainsOrder {
  if (comparison?.kind !== 'Compared') {
    return { drains: [], drainsRest: comparison === null ? null : 'the ledger cannot be read' };
  }
  const landed = drainsOf(ledgerOf(node));
  const hasLanded = (order: DrainOrder) =>
    landed.some((drain) => drain.policy === order.policy && drain.since === order.since);
  const timed = (order: DrainOrder) => {
    const landing = landings.get(order.policy);
    return landing?.since === order.since ? { ...order, landedMs: landing.atMs } : order;
  };
  const drains = node.unschedulable ? comparison.drains.filter(hasLanded).map(timed) : [];
  return { drains, drainsRest: comparison.drainsRest };
}

function restingDrains({ node }: AgentState, rival: Claim | null): DrainsOrder {
  if (rival !== null) return { drains: [], drainsRest: 'another agent of this node started later, and acts' };
  return { drains: [], drainsRest: node.kind === 'Gone' ? 'the Node is gone' : null };
}

/** A slot is needed before anything is done to the node, and until all of it is undone. */
function slotsOrder(state: AgentState, comparison: Comparison | null, rival: Claim | null): SlotsOrder | null {
  const node = lastNodeOf(state);
  if (node === null || state.inForce === null) return null;
  const order = (need: SlotsOrder['need']): SlotsOrder => {
    const { name, uid, labels } = node;
    return { need, node: { name, uid, labels }, budgets: state.inForce?.budgets ?? [] };
  };
  // Nobody can say what is ours, or whether there is a Node, so slots stay as they are, too.
  const isUnknown = nodeOf(state) === null || comparison?.kind !== 'Compared' || !readLedger(node).readable;
  if (state.fatal !== null || isUnknown) return order('Leave');
  if (rival !== null)
    return order(isDisrupting(ledgerOf(node)) || !isOfAnotherInstall(rival, state.own) ? 'Leave' : 'None');
  if (isDisrupting(ledgerOf(node))) return order('Keep');
  const waits = isWithheld(comparison.withheld, 'BudgetDenied', 'SlotPending');
  // What was let in stays let in until it has landed, also where it comes to nothing but a word in the ledger: given back
  // before, it would be asked for again at once.
  const isLandingOnIt = state.slots.granted.length > 0 && comparison.change !== null;
  return order(waits || isLandingOnIt || isDisrupting(comparison.ledger) ? 'Want' : 'None');
}

/** Its Leases are in its own namespace, so ours are nobody's but ours to give back. Of what is in no pod nobody can say so. */
function isOfAnotherInstall({ pod }: Claim, own: Claim): boolean {
  return pod !== null && own.pod !== null && pod.namespace !== own.pod.namespace;
}

function wantsNoExecute({ inForce }: AgentState): boolean {
  return inForce?.policies.some(({ spec }) => spec.actions.taint?.effect === 'NoExecute') ?? false;
}
