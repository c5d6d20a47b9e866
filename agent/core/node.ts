import type { NodeTaint } from './taint.ts';

export const DRAIN_STATE_ANNOTATION = 'node-svc-checker-drain-state';
export const LEDGER_ANNOTATION = 'node-svc-checker/ledger';
export const POLICY_ANNOTATION = 'node-svc-checker/policy';
export const CONDITIONS_ANNOTATION = 'node-svc-checker/conditions';
/** Whatever begins so is ours, in every version; DRAIN_STATE_ANNOTATION alone is older than the prefix. */
const OWN_PREFIX = 'node-svc-checker/';

/** What we read of a Node. */
export type NodeView = {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly unschedulable: boolean;
  readonly taints: readonly NodeTaint[];
  /** The Node's Ready condition says True; anything else, or no condition, is not ready. */
  readonly ready: boolean;
  /** In the Node's order. */
  readonly conditions: readonly NodeCondition[];
};

/** Of a condition only what is compared: its times change with every heartbeat of the kubelet. */
export type NodeCondition = { readonly type: string; readonly status: string; readonly reason: string };

/** One write to a Node, refused by the API server unless the Node still is at `resourceVersion`. */
export type NodePatch = {
  readonly resourceVersion: string;
  /** true cordons, null uncordons. */
  readonly unschedulable?: true | null;
  /** The whole list, because the API treats it as atomic. */
  readonly taints?: readonly NodeTaint[];
  /** null removes an annotation. */
  readonly annotations: Readonly<Record<string, string | null>>;
};

/** One write to a Node's conditions, refused unless the Node still is at `resourceVersion`. All others stay as they are. */
export type ConditionsPatch = {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly set: readonly ConditionChange[];
  /** Types of conditions to remove. */
  readonly remove: readonly string[];
};

/** A condition as it should be. */
export type ConditionChange = {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly now: string;
  /** Whether the status changes: as Kubernetes does, only that moves lastTransitionTime. */
  readonly isTransition: boolean;
};
/** Of a Node's annotations the names of those that only agents write, sorted. */
export function ownAnnotations({ annotations }: Pick<NodeView, 'annotations'>): string[] {
  return Object.keys(annotations)
    .filter((name) => name === DRAIN_STATE_ANNOTATION || name.startsWith(OWN_PREFIX))
    .sort();
}
