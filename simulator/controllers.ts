import { isDeepStrictEqual } from 'node:util';
import { normalize, type Taint } from './admission.ts';
import { type Cluster, timestamp } from './cluster.ts';
import { type BudgetStatus, isReady } from './eviction.ts';
import { DISRUPTION_BUDGETS, NODES, PODS, RESOURCES } from './resources.ts';
import { type LabelSelector, matchesLabelSelector } from './selectors.ts';
import type { Change } from './store.ts';
import type { KubeObject } from './types.ts';

/** Which parts of the cluster beside the API server are played. All are, when absent. */
export interface Controllers {
  /** Milliseconds until a terminating pod on a node is gone; null: no kubelet, it stays. 50 when absent. */
  readonly podTerminationMs?: number | null;
  /** Objects whose owners are all gone go too. */
  readonly garbageCollection?: boolean;
  /** Nodes carry the unschedulable and not-ready taints that their spec and condition call for. */
  readonly nodeTaints?: boolean;
  /** Keeps the status of PodDisruptionBudgets. */
  readonly disruption?: boolean;
}

const POD_TERMINATION_MS = 50;

/** Who writes what the controllers write. */
export const CONTROLLERS = 'controllers';

/** Starts them. @returns how to stop them. */
export function startControllers(cluster: Cluster, wanted: Controllers): () => void {
  const {
    podTerminationMs = POD_TERMINATION_MS,
    garbageCollection = true,
    nodeTaints = true,
    disruption = true,
  } = wanted;
  const pending = new Set<() => void>();
  const later = (ms: number, act: () => void): void => {
    const cancel = cluster.clock.after(ms, () => {
      pending.delete(cancel);
      cluster.store.writeAs(CONTROLLERS, act);
    });
    pending.add(cancel);
  };
  /** UIDs of all that ever owned something: what owned nothing has no dependents to look for. */
  const owners = new Set<string>();
  // Writes come after the write they answer, never inside of it, as from another process.
  const unsubscribe = cluster.store.subscribe((change) => {
    if (podTerminationMs !== null && isTerminatingPod(change)) {
      later(podTerminationMs, () => endPod(cluster, change.object));
    }
    for (const { uid } of change.object.metadata.ownerReferences ?? []) owners.add(uid);
    if (garbageCollection && change.type === 'DELETED') {
      const { uid } = change.object.metadata;
      later(0, () => owners.has(uid) && collectDependents(cluster, change.object));
    }
    if (nodeTaints && change.resource === NODES) later(0, () => taintNode(cluster, change.object));
    if (disruption && [PODS, DISRUPTION_BUDGETS].includes(change.resource)) {
      later(0, () => updateBudgets(cluster, change.object.metadata.namespace));
    }
  });
  return () => {
    unsubscribe();
    for (const cancel of pending) cancel();
  };
}

function isTerminatingPod({ resource, type, object }: Change): boolean {
  return resource === PODS && type !== 'DELETED' && object.metadata.deletionTimestamp !== undefined;
}

function endPod({ store }: Cluster, { metadata: { namespace, name, uid } }: KubeObject): void {
  const pod = store.get(PODS, namespace, name);
  if (pod?.metadata.uid !== uid) return;
  if ((pod.metadata.finalizers ?? []).length === 0) store.remove(PODS, pod);
}

function collectDependents({ store }: Cluster, owner: KubeObject): void {
  const owned = RESOURCES.flatMap((resource) =>
    store
      .list(resource)
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid))
      .map((object) => ({ resource, object })),
  );
  if (owned.length === 0) return;
  const uids = new Set(RESOURCES.flatMap((resource) => store.list(resource).map(({ metadata }) => metadata.uid)));
  for (const { resource, object } of owned) {
    const owners = object.metadata.ownerReferences ?? [];
    if (!owners.some(({ uid }) => uids.has(uid))) store.remove(resource, object);
  }
}

function taintNode(cluster: Cluster, { metadata: { name } }: KubeObject): void {
  const { store } = cluster;
  const node = store.get(NODES, undefined, name);
  if (!node) return;
  let taints = (node.spec?.taints ?? []) as readonly Taint[];
  const before = taints;
  const keep = (key: string, isWanted: boolean): void => {
    const isIt = (taint: Taint) => taint.key === key && taint.effect === 'NoSchedule';
    if (taints.some(isIt) === isWanted) return;
    const added = { key, effect: 'NoSchedule', timeAdded: timestamp(cluster) };
    taints = isWanted ? [...taints, added] : taints.filter((taint) => !isIt(taint));
  };
  keep('node.kubernetes.io/unschedulable', node.spec?.unschedulable === true);
  keep('node.kubernetes.io/not-ready', !isReady(node));
  if (taints !== before) store.put(NODES, normalize(NODES, { ...node, spec: { ...node.spec, taints } }));
}

function updateBudgets({ store }: Cluster, namespace: string | undefined): void {
  for (const budget of store.list(DISRUPTION_BUDGETS, namespace)) {
    const pods = store.list(PODS, namespace).filter((pod) => counts(budget, pod));
    const status = { ...budget.status, ...budgetStatus(budget, pods) };
    if (!isDeepStrictEqual(status, budget.status)) store.put(DISRUPTION_BUDGETS, { ...budget, status });
  }
}

function counts({ spec }: KubeObject, { metadata, status }: KubeObject): boolean {
  const isOver = ['Succeeded', 'Failed'].includes(String(status?.phase)) || metadata.deletionTimestamp !== undefined;
  return !isOver && matchesLabelSelector(spec?.selector as LabelSelector | undefined, metadata.labels);
}

/** With no workload to ask, the pods that are there are the pods expected. */
function budgetStatus({ spec, status, metadata }: KubeObject, pods: readonly KubeObject[]): BudgetStatus {
  // Evicted, but not yet seen to terminate: spent already, so not healthy any more.
  const spent = Object.entries(((status ?? {}) as BudgetStatus).disruptedPods ?? {});
  const disruptedPods = Object.fromEntries(spent.filter(([name]) => pods.some((pod) => pod.metadata.name === name)));
  const expectedPods = pods.length;
  const currentHealthy = pods.filter((pod) => isReady(pod) && !(pod.metadata.name in disruptedPods)).length;
  const { minAvailable, maxUnavailable } = spec ?? {};
  const desiredHealthy =
    maxUnavailable === undefined
      ? amount(minAvailable ?? 1, expectedPods)
      : Math.max(0, expectedPods - amount(maxUnavailable, expectedPods));
  return {
    observedGeneration: Number(metadata.generation),
    expectedPods,
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed: Math.max(0, currentHealthy - desiredHealthy),
    disruptedPods,
  };
}

/** An integer, or a percentage of the total, rounded up. */
function amount(value: unknown, total: number): number {
  const text = String(value);
  return text.endsWith('%') ? Math.ceil((Number(text.slice(0, -1)) * total) / 100) : Number(text);
}
