import { labelOf, selectorMatches } from '../label-selector.ts';
import type { NodeDisruptionBudget, PolicySet } from '../policy.ts';
import { budgetSelects, type LabelledNode, limitOf } from '../slot.ts';
import { acts, failureAhead } from './failure-ahead.ts';

/** As Kubernetes names it (core/v1, LabelTopologyZone). */
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** How many nodes of a zone may be out of service by our doing at one moment, should every check fail on each. */
export type ZoneOut = {
  /** Value of `topology.kubernetes.io/zone`; null: those that have none. */
  readonly zone: string | null;
  readonly nodes: number;
  /** Nodes on which some policy would act. */
  readonly actedOn: number;
  /** At most so many of these at once. */
  readonly atMost: number;
};

/** A budget, and of one with a topologyKey a value of that label: the nodes that share one limit. */
type Group = { readonly limit: number; readonly nodes: ReadonlySet<string> };

/** By zone, in their order by name. What was held before there was a budget is not counted. */
export function mostOut(set: PolicySet, nodes: readonly LabelledNode[]): ZoneOut[] {
  const acting = set.policies.filter((policy) => acts(failureAhead(policy)));
  const isActedOn = ({ labels }: LabelledNode) => acting.some(({ spec }) => selectorMatches(spec.nodeSelector, labels));
  const actedOn = new Set(nodes.filter(isActedOn).map(({ name }) => name));
  const groups = set.budgets.flatMap((budget) => groupsOf(budget, nodes));
  const zones = Map.groupBy(nodes, ({ labels }) => labelOf(labels, ZONE_LABEL) ?? null);
  return [...zones]
    .map(([zone, members]) => {
      const candidates = members.filter(({ name }) => actedOn.has(name)).map(({ name }) => name);
      return { zone, nodes: members.length, actedOn: candidates.length, atMost: bound(candidates, groups) };
    })
    .sort((a, b) => ((a.zone ?? '') < (b.zone ?? '') ? -1 : 1));
}

function groupsOf(budget: NodeDisruptionBudget, nodes: readonly LabelledNode[]): Group[] {
  const { topologyKey, maxUnavailable } = budget.spec;
  const selected = nodes.filter((node) => budgetSelects(budget, node));
  const topologyIn = ({ labels }: LabelledNode) =>
    topologyKey === undefined ? undefined : labelOf(labels, topologyKey);
  return [...Map.groupBy(selected, topologyIn).values()].map((members) => ({
    limit: limitOf(maxUnavailable, members.length),
    nodes: new Set(members.map(({ name }) => name)),
  }));
}

/**
 * Never too low, and seldom too high: nodes without a budget count in full; of the others, the tightest groups are taken first, and
 * each counts its limit or those of its nodes that no group before it has, whichever is less.
 */
function bound(candidates: readonly string[], groups: readonly Group[]): number {
  const left = new Set(candidates);
  let most = 0;
  for (const { limit, nodes } of [...groups].sort((a, b) => a.limit - b.limit)) {
    const members = [...left].filter((name) => nodes.has(name));
    for (const name of members) left.delete(name);
    most += Math.min(limit, members.length);
  }
  return most + left.size;
}
