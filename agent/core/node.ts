import type { NodeTaint } from './taint.ts';

export const DRAIN_STATE_ANNOTATION = 'node-svc-checker-drain-state';
export const LEDGER_ANNOTATION = 'node-svc-checker/ledger';
export const POLICY_ANNOTATION = 'node-svc-checker/policy';
export const CONDITIONS_ANNOTATION = 'node-svc-checker/conditions';
export const AGENT_ANNOTATION = 'node-svc-checker/agent';
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

/** Of a condition what says how it is and who wrote it: its times change with every heartbeat of the kubelet. */
export type NodeCondition = {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
};

/** Values to set; null removes one. */
export type StringChanges = Readonly<Record<string, string | null>>;

/** What is changed of a Node, as a JSON merge patch (RFC 7386) has it: what is left out stays, null removes. */
export type NodeChange = {
  readonly metadata?: { readonly annotations?: StringChanges; readonly labels?: StringChanges };
  readonly spec?: {
    /** true cordons, null uncordons. */
    readonly unschedulable?: true | null;
    /** The whole list, because the API treats it as atomic; null is an empty one, as kubectl writes it. */
    readonly taints?: readonly NodeTaint[] | null;
  };
};

/** One write to a Node, refused by the API server unless the Node still is at `resourceVersion`. */
export type NodePatch = { readonly resourceVersion: string; readonly change: NodeChange };

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

/** One change that makes all of these; where two set the same field, the later one counts. */
export function joinChanges(changes: readonly NodeChange[]): NodeChange {
  const annotations = Object.assign({}, ...changes.map(({ metadata }) => metadata?.annotations));
  const labels = Object.assign({}, ...changes.map(({ metadata }) => metadata?.labels));
  const spec = Object.assign({}, ...changes.map((change) => change.spec));
  const metadata = {
    ...(Object.keys(annotations).length > 0 && { annotations }),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
  return {
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(Object.keys(spec).length > 0 && { spec }),
  };
}

/** Whether it changes nothing. */
export function isEmptyChange({ metadata, spec }: NodeChange): boolean {
  return metadata === undefined && spec === undefined;
}

/** The Node as it is once the change has landed, but for its version. */
export function changedNode(node: NodeView, { metadata, spec }: NodeChange): NodeView {
  return {
    ...node,
    annotations: changedStrings(node.annotations, metadata?.annotations),
    labels: changedStrings(node.labels, metadata?.labels),
    unschedulable: spec?.unschedulable === undefined ? node.unschedulable : spec.unschedulable === true,
    taints: spec?.taints === undefined ? node.taints : (spec.taints ?? []),
  };
}

function changedStrings(before: NodeView['labels'], changes: StringChanges = {}): NodeView['labels'] {
  const after = Object.entries({ ...before, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return Object.fromEntries(after);
}
