import assert from 'node:assert/strict';
import type { LabelSelector, NodeCheckPolicy, PolicySet } from '../../agent/core/policy.ts';
import { budgetSelects, stopsEverything } from '../../agent/core/slot.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { conditionOf, DRAIN_STATE, isCordoned, type NodeObject, taintsOf } from '../harness/held-node.ts';

/** The node that the agent is for, and its pod. */
export const NODE_NAME = 'node-1';
export const POD_NAME = 'web';

/** What is done to the node, as far as a policy can order it. */
export type Effects = {
  readonly cordon: boolean;
  /** As `key=value:effect`, sorted. */
  readonly taints: readonly string[];
  readonly drainActive: boolean;
  readonly podEvicted: boolean;
  /** By type, of the conditions that policies ask for. */
  readonly conditions: Readonly<Record<string, string | undefined>>;
  readonly slots: readonly string[];
};

/** Of a node that every policy and budget selects. */
export function labelsFor({ policies, budgets }: PolicySet): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const { nodeSelector } of [...policies, ...budgets].map(({ spec }) => spec)) {
    const { matchLabels = {}, matchExpressions = [] }: LabelSelector = nodeSelector ?? {};
    assert.deepEqual(matchExpressions, [], 'a node is made for matchLabels only: teach this function more');
    for (const [key, value] of Object.entries(matchLabels)) {
      assert.ok([undefined, value].includes(labels[key]), `one node cannot have ${key} as every selector wants it`);
      labels[key] = value;
    }
  }
  for (const { spec } of budgets) if (spec.topologyKey !== undefined) labels[spec.topologyKey] = 'a';
  return labels;
}

/** The policies that do something to the node when their check fails. */
export function acting({ policies, budgets }: PolicySet): NodeCheckPolicy[] {
  if (budgets.some(stopsEverything)) return [];
  return policies.filter(({ spec: { mode, paused, actions } }) => {
    const acts = actions.cordon || actions.taint !== undefined || actions.drain !== undefined;
    return mode === 'Enforce' && !paused && acts;
  });
}

/** What a set has done to the node while every check fails, once that has come to its end. */
export function ordered(set: PolicySet): Effects {
  const actions = acting(set).map(({ spec }) => spec.actions);
  const drains = actions.some(({ drain }) => drain !== undefined);
  const taints = actions.flatMap(({ taint }) => taint ?? []).map((taint) => describeTaint(taint));
  return {
    cordon: drains || actions.some(({ cordon }) => cordon),
    taints: [...new Set(taints)].sort(),
    drainActive: drains,
    podEvicted: drains,
    conditions: { ...healthConditions(set, 'False'), ...(drains && lifecycle(set, 'False', 'True')) },
    slots: actions.length === 0 ? [] : budgetNames(set),
  };
}

/** What a set has on the node while every check is healthy. */
export function untouched(set: PolicySet): Effects {
  const conditions = healthConditions(set, 'True');
  return { cordon: false, taints: [], drainActive: false, podEvicted: false, conditions, slots: [] };
}

/** As untouched, but for the pods that are gone. */
export function recovered(set: PolicySet): Effects {
  return { ...untouched(set), podEvicted: ordered(set).podEvicted };
}

function healthConditions({ policies }: PolicySet, status: string): Record<string, string> {
  const types = policies.filter(({ spec }) => spec.mode === 'Enforce').flatMap(({ spec }) => spec.nodeCondition ?? []);
  return Object.fromEntries(types.map((type) => [type, status]));
}

function lifecycle(set: PolicySet, inProgress: string, drained: string): Record<string, string> {
  const isWanted = acting(set).some(({ spec }) => spec.lifecycleConditions);
  return isWanted ? { DrainInProgress: inProgress, Drained: drained } : {};
}

function budgetNames(set: PolicySet): string[] {
  const node = { labels: labelsFor(set) };
  return set.budgets
    .filter((budget) => budgetSelects(budget, node))
    .map(({ metadata }) => metadata.name)
    .sort();
}

/** What there is on the node now. */
export function effectsOn(simulator: Simulator, set: PolicySet): Effects {
  const node = simulator.read('Node', NODE_NAME) as unknown as NodeObject;
  const types = ['DrainInProgress', 'Drained', ...set.policies.flatMap(({ spec }) => spec.nodeCondition ?? [])];
  const conditions = types.map((type) => [type, conditionOf(node, type)?.status] as const);
  const leases = simulator.list('Lease').filter(({ spec }) => spec?.holderIdentity === NODE_NAME);
  return {
    cordon: isCordoned(node),
    taints: taintsOf(node).map(describeTaint).sort(),
    drainActive: node.metadata.annotations?.[DRAIN_STATE] === 'drainActive',
    podEvicted: simulator.read('Pod', POD_NAME) === undefined,
    conditions: Object.fromEntries(conditions.filter(([, status]) => status !== undefined)),
    slots: leases.map(({ metadata }) => metadata.labels?.['node-svc-checker/budget'] ?? '').sort(),
  };
}

function describeTaint({ key, value, effect }: { key: string; value?: string; effect: string }): string {
  return `${key}=${value}:${effect}`;
}
