import { type Comparison, compareNode, type Situation } from './compare.ts';
import type { NodePatch, NodeView } from './node.ts';
import type { ConditionStep } from './node-conditions.ts';
import type { Actions, Check, Drain, NodeCheckPolicy, Taint } from './policy.ts';
import type { Roster } from './roster.ts';

/** Values for tests: a policy and a Node as they are by default, changed where a test says so. */

export const SAMPLE_TAINT: Taint = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' };
export const SAMPLE_NOW = '2026-01-01T00:00:00Z';
export const SAMPLE_DRAIN: Drain = {
  timeoutSeconds: 600,
  gracePeriodSeconds: null,
  deleteEmptyDirData: false,
  evictUnmanagedPods: false,
  podSelector: {},
  onTimeout: 'GiveUp',
};

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
        ...overrides.check,
      },
      actions: { cordon: true, ...overrides.actions },
      ...overrides.spec,
    },
  };
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

/** The comparison where every slot is granted and the agent runs in no pod, unless a test says so; throws if unreadable. */
export function compareSample(
  node: NodeView,
  roster: Roster,
  overrides: Partial<Situation> = {},
): Extract<Comparison, { kind: 'Compared' }> {
  const usual = { slot: 'Granted', ownTolerations: null, drainEnd: null, now: SAMPLE_NOW } as const;
  const comparison = compareNode({ node, roster, ...usual, ...overrides });
  if (comparison.kind === 'Unreadable') throw new Error(comparison.problem);
  return comparison;
}

/** The node after the comparison's patch, if any; throws unless a second comparison finds nothing left to do. */
export function settleSample(node: NodeView, roster: Roster, overrides: Partial<Situation> = {}): NodeView {
  const { patch } = compareSample(node, roster, overrides);
  if (patch === null) return node;
  const after = applyPatch(node, patch);
  const more = compareSample(after, roster, overrides).patch;
  if (more !== null) throw new Error(`one write must be enough, found another: ${JSON.stringify(more)}`);
  return after;
}

/** What the API server makes of a patch; throws where it would answer 409. */
export function applyPatch(node: NodeView, patch: NodePatch): NodeView {
  if (patch.resourceVersion !== node.resourceVersion) throw new Error('conflict');
  const annotations = { ...node.annotations };
  for (const [key, value] of Object.entries(patch.annotations)) {
    if (value === null) delete annotations[key];
    else annotations[key] = value;
  }
  return {
    ...node,
    annotations,
    unschedulable: patch.unschedulable === undefined ? node.unschedulable : patch.unschedulable === true,
    taints: patch.taints ?? node.taints,
    resourceVersion: String(Number(node.resourceVersion) + 1),
  };
}

/** What the API server makes of a step towards the conditions; throws where it would answer 409. */
export function applyStep(node: NodeView, step: ConditionStep): NodeView {
  if (step.kind === 'Own') return applyPatch(node, step.patch);
  const { uid, resourceVersion, set, remove } = step.patch;
  if (uid !== node.uid || resourceVersion !== node.resourceVersion) throw new Error('conflict');
  const written = set.map(({ type, status, reason }) => ({ type, status, reason }));
  const gone = new Set([...remove, ...written.map(({ type }) => type)]);
  return {
    ...node,
    conditions: [...node.conditions.filter(({ type }) => !gone.has(type)), ...written],
    resourceVersion: String(Number(node.resourceVersion) + 1),
  };
}
