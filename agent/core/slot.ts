import { labelOf, selectorMatches } from './label-selector.ts';
import type { NodeDisruptionBudget } from './policy.ts';
import { isOlderVersion } from './resource-version.ts';

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
  /** `used` of `limit` disruptions are taken by others; who only asks for one is not among them. */
  | { readonly kind: 'Full'; readonly used: number; readonly limit: number }
  /** The node cannot be counted, so nobody can say whether there is room. */
  | { readonly kind: 'Uncountable'; readonly problem: string };

export type SlotDenial = Exclude<SlotAnswer, { kind: 'Granted' }>;

/** A budget that says no. */
export type BudgetDenial = { readonly budget: string; readonly answer: SlotDenial };

/** What was last heard of this node's slots. */
export type SlotsAnswer = {
  /** UID of the Node that was asked for; null before the first answer. */
  readonly nodeUid: string | null;
  /** Names of the budgets of which there is a Lease of ours. */
  readonly held: readonly string[];
  /** Of these the ones that let the node be disrupted. */
  readonly granted: readonly string[];
  /** The first budget that denies; null while none does, or none was asked. */
  readonly denial: BudgetDenial | null;
};

export const NO_SLOTS_ANSWER: SlotsAnswer = { nodeUid: null, held: [], granted: [], denial: null };

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

/** Whether the budgets of a node let it be disrupted more than it is; with who says no, where one does. */
export function slotStateOf(
  node: Pick<SlotNode, 'uid' | 'labels'>,
  budgets: readonly NodeDisruptionBudget[],
  { nodeUid, granted, denial }: SlotsAnswer,
): { readonly state: SlotState; readonly denial: BudgetDenial | null } {
  const matching = budgets.filter((budget) => budgetSelects(budget, node));
  const stopping = matching.find(stopsEverything);
  if (stopping !== undefined) {
    const answer = { kind: 'Full', used: 0, limit: 0 } as const;
    return { state: 'Denied', denial: { budget: stopping.metadata.name, answer } };
  }
  const names = matching.map(({ metadata }) => metadata.name);
  if (names.length === 0 || (nodeUid === node.uid && names.every((name) => granted.includes(name)))) {
    return { state: 'Granted', denial: null };
  }
  const isOfThese = denial !== null && nodeUid === node.uid && names.includes(denial.budget);
  return isOfThese ? { state: 'Denied', denial } : { state: 'Pending', denial: null };
}

/** What a budget that says no would have somebody know. */
export function describeDenial({ budget, answer }: BudgetDenial): string {
  if (answer.kind === 'Uncountable') return `budget ${budget}: ${answer.problem}`;
  if (answer.limit === 0) return `budget ${budget} lets no node be disrupted (its limit is 0)`;
  return `budget ${budget} is full, ${answer.used} of ${answer.limit} disrupted`;
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
  const byKey = key === undefined ? null : `${key}=`;
  const before = leases.filter(
    (other) =>
      other.name !== lease?.name &&
      mayShare(byKey, mine, other.topology) &&
      (lease === null || comesBefore(other, lease)),
  );
  const cordonedHere = cordoned.filter(
    (other) => budgetSelects(budget, other) && mayShare(byKey, mine, topologyOf(budget, other)),
  );
  // By node, so that one that is cordoned and has a Lease counts once.
  const disrupted = new Set(cordonedHere.map((other) => other.name));
  const taken = new Set([...disrupted, ...before.map((other) => other.holder || `Lease ${other.name}`)]);
  taken.delete(node.name);
  disrupted.delete(node.name);
  const limit = limitOf(budget.spec.maxUnavailable, countBeside(node, key, selected ?? []));
  // Of the Leases that are too many, the later ones only ask.
  const used = Math.max(disrupted.size, Math.min(taken.size, limit));
  return taken.size < limit ? { kind: 'Granted' } : { kind: 'Full', used, limit };
}

/** What a Lease says of its holder's place; null for a budget without topologyKey and for a node without that label. */
export function topologyOf({ spec: { topologyKey } }: NodeDisruptionBudget, { labels }: LabelledNode): string | null {
  const value = topologyKey === undefined ? undefined : labelOf(labels, topologyKey);
  return value === undefined ? null : `${topologyKey}=${value}`;
}

/**
 * What does not say its place, or says it by another key, may stand anywhere, so it counts everywhere.
 *
 * @param byKey what a place by the budget's key begins with; null: it has none
 */
function mayShare(byKey: string | null, mine: string | null, other: string | null): boolean {
  return byKey === null || other === null || other === mine || !other.startsWith(byKey);
}

/** How many of these nodes have the same value of the label; who waits counts a whole cluster at each change of a Lease. */
function countBeside({ labels }: LabelledNode, key: string | undefined, nodes: readonly LabelledNode[]): number {
  if (key === undefined) return nodes.length;
  const value = labelOf(labels, key);
  return nodes.reduce((count, other) => (labelOf(other.labels, key) === value ? count + 1 : count), 0);
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
  // One whose place cannot be told is counted.
  return isOlderVersion(other.resourceVersion, mine.resourceVersion, true) || other.createdAt < mine.createdAt;
}
