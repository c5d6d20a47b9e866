import type { NodePatch, NodeView } from './node.ts';
import type { Actions, Check, NodeCheckPolicy, Taint } from './policy.ts';

/** Values for tests: a policy and a Node as they are by default, changed where a test says so. */

export const SAMPLE_TAINT: Taint = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' };

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
    ...overrides,
  };
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
