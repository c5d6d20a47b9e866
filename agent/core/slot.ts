import { labelOf, selectorMatches } from './label-selector.ts';
import type { NodeDisruptionBudget } from './policy.ts';

/** On every slot's Lease: the name of its budget. */
export const BUDGET_LABEL = 'node-svc-checker/budget';
/** On the Lease of a budget with a topologyKey: that label of the holder when it took the slot, as `key=value`. */
export const TOPOLOGY_ANNOTATION = 'node-svc-checker/topology';

/** A Lease that lets one node be disrupted under one budget. It is created and deleted, never updated. */
export type SlotLease = {
  readonly name: string;
  readonly uid: string;
  /** The one it was created with, which is its place in the queue. */
  readonly resourceVersion: string;
  /** RFC 3339, of the API server. */
  readonly createdAt: string;
  /** Its budget label; empty when there is none. */
  readonly budget: string;
  /** spec.holderIdentity: the node's name; empty when there is none. */
  readonly holder: string;
  /** UID of the Node that owns it; empty when none does. */
  readonly ownerUid: string;
  /** As in TOPOLOGY_ANNOTATION; null when it does not say. */
  readonly topology: string | null;
};

/** Whether the budgets let a node be disrupted. Pending: they were not asked yet, or could not be. */
export type SlotState = 'Granted' | 'Denied' | 'Pending';

/** What of another node matters to a budget. */
export type LabelledNode = { readonly name: string; readonly labels: Readonly<Record<string, string>> };

/** The node that takes a slot. */
export type SlotNode = LabelledNode & { readonly uid: string };

/** The cluster as one budget sees it: the Leases were read first, each list is a consistent one. */
export type BudgetView = {
  /** All Leases that carry the budget's label. */
  readonly leases: readonly SlotLease[];
  /** Every Node with spec.unschedulable, whoever cordoned it. */
  readonly cordoned: readonly LabelledNode[];
  /** Every Node that the budget selects; asked only for a percentage, else null. */
  readonly selected: readonly LabelledNode[] | null;
};

export type SlotAnswer =
  | { readonly kind: 'Granted' }
  /** `used` of `limit` disruptions are taken by others. */
  | { readonly kind: 'Full'; readonly used: number; readonly limit: number }
  /** The node cannot be counted, so nobody can say whether there is room. */
  | { readonly kind: 'Uncountable'; readonly problem: string };

export type SlotDenial = Exclude<SlotAnswer, { kind: 'Granted' }>;

/** Whether a budget has a say about a node at all. */
export function budgetSelects({ spec }: NodeDisruptionBudget, { labels }: Pick<LabelledNode, 'labels'>): boolean {
  return selectorMatches(spec.nodeSelector, labels);
}

/** A budget that is a percentage has to know how many nodes there are. */
export function isPercentage({ spec }: NodeDisruptionBudget): boolean {
  return typeof spec.maxUnavailable === 'string';
}

/** A budget of nothing stops every new action, also on a node that has a slot already. */
export function stopsEverything({ spec }: NodeDisruptionBudget): boolean {
  return Number.parseInt(String(spec.maxUnavailable), 10) === 0;
}

/**
 * Whether a node may be disrupted under a budget.
 *
 * Counted against it are the holders of the Leases that come before its own, and the cordoned nodes.
 * Of all holders acting at one moment, the one whose Lease was created last saw all the others, so there are never
 * more than the limit.
 *
 * @param lease the node's own, as it was created; null to ask whether it is worth creating one
 */
export function askForSlot(
  budget: NodeDisruptionBudget,
  node: LabelledNode,
  lease: SlotLease | null,
  { leases, cordoned, selected }: BudgetView,
): SlotAnswer {
  const key = budget.spec.topologyKey;
  const mine = topologyOf(budget, node);
  if (key !== undefined && mine === null) {
    const problem = `node ${node.name} must have the label ${key}, by whose values the budget counts`;
    return { kind: 'Uncountable', problem };
  }
  const before = leases.filter(
    (other) =>
      other.name !== lease?.name &&
      mayShare(key, mine, other.topology) &&
      (lease === null || comesBefore(other, lease)),
  );
  const cordonedHere = cordoned.filter(
    (other) => budgetSelects(budget, other) && mayShare(key, mine, topologyOf(budget, other)),
  );
  // By node, so that one that is cordoned and has a Lease counts once.
  const taken = new Set([
    ...before.map((other) => other.holder || `Lease ${other.name}`),
    ...cordonedHere.map((other) => other.name),
  ]);
  taken.delete(node.name);
  const nodes = selected?.filter((other) => topologyOf(budget, other) === mine).length ?? 0;
  const used = taken.size;
  const limit = limitOf(budget.spec.maxUnavailable, nodes);
  return used < limit ? { kind: 'Granted' } : { kind: 'Full', used, limit };
}

/** What a Lease says of its holder's place; null for a budget without topologyKey and for a node without that label. */
export function topologyOf({ spec: { topologyKey } }: NodeDisruptionBudget, { labels }: LabelledNode): string | null {
  const value = topologyKey === undefined ? undefined : labelOf(labels, topologyKey);
  return value === undefined ? null : `${topologyKey}=${value}`;
}

/** What does not say its place, or says it by another key, may stand anywhere, so it counts everywhere. */
function mayShare(key: string | undefined, mine: string | null, other: string | null): boolean {
  return key === undefined || other === null || !other.startsWith(`${key}=`) || other === mine;
}

/**
 * How many nodes may be disrupted: a number as it is, a percentage of `nodes` rounded up, as the Deployment controller
 * does with maxSurge; of no nodes, none.
 */
export function limitOf(maxUnavailable: number | string, nodes: number): number {
  if (typeof maxUnavailable === 'number') return maxUnavailable;
  return Math.ceil((Number.parseInt(maxUnavailable, 10) * nodes) / 100);
}

/**
 * Lease resourceVersions are in the order of creation, since a Lease is never updated. One that somebody edited by hand
 * has moved back in that order; its creationTimestamp has not, so it goes on being counted.
 */
function comesBefore(other: SlotLease, mine: SlotLease): boolean {
  return isOlderVersion(other.resourceVersion, mine.resourceVersion) || other.createdAt < mine.createdAt;
}

/** Integers of any length, as etcd's revisions are; what is none counts as older: in doubt it is counted. */
function isOlderVersion(a: string, b: string): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return true;
  return BigInt(a) < BigInt(b);
}
