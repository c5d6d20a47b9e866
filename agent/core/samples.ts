import { type Comparison, compareNode, type Situation } from './compare.ts';
import type { DrainEnds } from './effects/drain.ts';
import { changedNode, type NodeChange, type NodePatch, type NodeView } from './node.ts';
import type { ConditionStep } from './node-conditions.ts';
import { factsOf, nodeTransitions } from './node-facts.ts';
import type { DrainEnd } from './orders/drain-order.ts';
import type { Actions, Check, Drain, NodeCheckPolicy, NodeDisruptionBudget, Taint } from './policy.ts';
import type { Roster } from './roster.ts';
import { NO_SLOTS_ANSWER, type SlotsAnswer } from './slot.ts';
import type { NodeTransition } from './transition.ts';
import type { Verdict } from './verdict.ts';

/** Values for tests: a policy and a Node as they are by default, changed where a test says so. */

export const SAMPLE_TAINT: Taint = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' };
export const SAMPLE_NOW = '2026-01-01T00:00:00Z';
export const SAMPLE_DRAIN: Drain = {
  timeoutSeconds: 600,
  gracePeriodSeconds: null,
  deleteEmptyDirData: false,
  evictUnmanagedPods: false,
  podSelector: {},
  namespaces: { exclude: [] },
  onTimeout: 'GiveUp',
};

/** A verdict without words. */
export function sampleVerdict(status: Verdict['status'], reason = 'because'): Verdict {
  return { status, reason, mapped: null, words: '' };
}

export function samplePolicy(
  name: string,
  overrides: { check?: Partial<Check>; actions?: Partial<Actions>; spec?: Partial<NodeCheckPolicy['spec']> } = {},
): NodeCheckPolicy {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeCheckPolicy',
    metadata: { name },
    spec: {
      mode: 'Enforce',
      paused: false,
      lifecycleConditions: false,
      check: {
        command: [`/opt/checks/${name}.sh`],
        env: [],
        runIn: 'Container',
        initialDelaySeconds: 0,
        periodSeconds: 5,
        timeoutSeconds: 5,
        failureThreshold: 4,
        successThreshold: 1,
        onStderr: 'Fatal',
        onTimeout: 'Unknown',
        exitCodes: { unknown: [126, 127], reasons: {} },
        words: 'FirstLine',
        ...overrides.check,
      },
      actions: { cordon: true, ...overrides.actions },
      ...overrides.spec,
    },
  };
}

export function sampleBudget(name: string, spec: Partial<NodeDisruptionBudget['spec']> = {}): NodeDisruptionBudget {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name },
    spec: { nodeSelector: {}, maxUnavailable: 1, ...spec },
  };
}

/** Of sampleNode: one budget selects it, and this is what was heard of it. */
export const SAMPLE_SLOTS: Readonly<
  Record<'Granted' | 'Denied' | 'Pending', { budgets: readonly NodeDisruptionBudget[]; slots: SlotsAnswer }>
> = {
  Granted: slotsOf({ held: ['cluster'], granted: ['cluster'] }),
  Denied: slotsOf({ denial: { budget: 'cluster', answer: { kind: 'Full', used: 1, limit: 1 } } }),
  Pending: slotsOf({}),
};

function slotsOf(answer: Partial<SlotsAnswer>) {
  return { budgets: [sampleBudget('cluster')], slots: { ...NO_SLOTS_ANSWER, nodeUid: 'uid-1', ...answer } };
}

/** That the drain of a policy ended so. */
export function sampleEnd(policy: string, state: DrainEnd['state'], since = SAMPLE_NOW): DrainEnds {
  return { [policy]: { policy, since, state, problems: ['pod a/b: why'] } };
}

export function sampleNode(overrides: Partial<NodeView> = {}): NodeView {
  return {
    name: 'node-1',
    uid: 'uid-1',
    resourceVersion: '1',
    labels: {},
    annotations: {},
    unschedulable: false,
    taints: [],
    ready: true,
    conditions: [],
    ...overrides,
  };
}

/** The comparison where no budget limits anything and the agent runs in no pod, unless a test says so; throws if unreadable. */
export function compareSample(
  node: NodeView,
  roster: Roster,
  overrides: Partial<Situation> = {},
): Extract<Comparison, { kind: 'Compared' }> {
  const usual = { budgets: [], slots: NO_SLOTS_ANSWER, ownTolerations: null, drainEnds: {}, now: SAMPLE_NOW } as const;
  const comparison = compareNode({ ...usual, ...overrides, node, roster });
  if (comparison.kind === 'Unreadable') throw new Error(comparison.problem);
  return comparison;
}

/** The node after the comparison's change, if any; throws unless a second comparison finds nothing left to do. */
export function settleSample(node: NodeView, roster: Roster, overrides: Partial<Situation> = {}): NodeView {
  const { change } = compareSample(node, roster, overrides);
  if (change === null) return node;
  const after = applyPatch(node, { resourceVersion: node.resourceVersion, change });
  const more = compareSample(after, roster, overrides).change;
  if (more !== null) throw new Error(`one write must be enough, found another: ${JSON.stringify(more)}`);
  return after;
}

/** What is told of the node once a change has landed. */
export function transitionsOf(node: NodeView, change: NodeChange | null, ends: DrainEnds = {}): NodeTransition[] {
  const after = changedNode(node, change ?? {});
  const [before, now] = [factsOf(node), factsOf(after)];
  if (before === null || now === null) throw new Error('the ledger must be readable');
  return nodeTransitions(before, now, after, ends);
}

/** What the API server makes of a patch; throws where it would answer 409. */
export function applyPatch(node: NodeView, { resourceVersion, change }: NodePatch): NodeView {
  if (resourceVersion !== node.resourceVersion) throw new Error('conflict');
  return { ...changedNode(node, change), resourceVersion: String(Number(node.resourceVersion) + 1) };
}

/** What the API server makes of a step towards the conditions; throws where it would answer 409. */
export function applyStep(node: NodeView, step: ConditionStep): NodeView {
  if (step.kind === 'Own') return applyPatch(node, step.patch);
  const { uid, resourceVersion, set, remove } = step.patch;
  if (uid !== node.uid || resourceVersion !== node.resourceVersion) throw new Error('conflict');
  const written = set.map(({ type, status, reason, message }) => ({ type, status, reason, message }));
  const gone = new Set([...remove, ...written.map(({ type }) => type)]);
  return {
    ...node,
    conditions: [...node.conditions.filter(({ type }) => !gone.has(type)), ...written],
    resourceVersion: String(Number(node.resourceVersion) + 1),
  };
}
