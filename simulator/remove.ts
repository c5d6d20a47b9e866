import { notFound, preconditionFailed } from './api-error.ts';
import { type Cluster, type Target, timestamp } from './cluster.ts';
import { NAMESPACES, PODS, type Resource } from './resources.ts';
import type { KubeObject, KubeStatus } from './types.ts';

/** metav1.DeleteOptions, as far as it is served. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/**
 * DELETE. A pod on a node, a namespace and anything with finalizers only start to terminate.
 * @returns the object where it is still there or is a pod, else a Status, as the real server does.
 * @throws ApiError 404; 409 when a precondition does not hold.
 */
export function deleteObject(cluster: Cluster, target: Target, options: DeleteOptions): KubeObject | KubeStatus {
  const { resource, namespace, name } = target;
  const current = cluster.store.get(resource, namespace, name);
  if (!current) throw notFound(resource, name);
  checkPreconditions(target, current, options);
  if (resource === NAMESPACES) return terminateNamespace(cluster, current);
  const graceSeconds = resource === PODS ? podGraceSeconds(current, options) : 0;
  const marked = markTerminating(cluster, resource, current, graceSeconds);
  const left = finishDeletion(cluster, target, marked);
  const isThere = cluster.store.get(resource, namespace, name) !== undefined;
  return isThere || resource === PODS ? left : success(resource, current);
}

/** Removes an object that is terminating and that nothing holds any more. Returns it as it last was. */
export function finishDeletion(cluster: Cluster, { resource }: Target, object: KubeObject): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds > 0 || finalizers.length > 0) return object;
  if (resource === NAMESPACES) return object;
  cluster.store.remove(resource, object);
  return object;
}

function checkPreconditions({ resource }: Target, current: KubeObject, { preconditions = {} }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions;
  const actual = current.metadata;
  if (uid !== undefined && uid !== actual.uid) {
    throw preconditionFailed(
      resource,
      actual.name,
      `the UID in the precondition (${uid})`,
      `UID in record (${actual.uid})`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== actual.resourceVersion) {
    const asked = `the ResourceVersion in the precondition (${resourceVersion})`;
    throw preconditionFailed(resource, actual.name, asked, `ResourceVersion in record (${actual.resourceVersion})`);
  }
}

/** A pod that no kubelet runs goes at once. */
function podGraceSeconds(pod: KubeObject, { gracePeriodSeconds }: DeleteOptions): number {
  const { nodeName, terminationGracePeriodSeconds } = pod.spec ?? {};
  const phase = pod.status?.phase;
  if (!nodeName || phase === 'Succeeded' || phase === 'Failed') return 0;
  return Math.max(0, gracePeriodSeconds ?? Number(terminationGracePeriodSeconds ?? 30));
}

/** Sets the deletionTimestamp; a second deletion can only shorten the grace. */
function markTerminating(cluster: Cluster, resource: Resource, current: KubeObject, graceSeconds: number): KubeObject {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = current.metadata;
  if (deletionTimestamp !== undefined && graceSeconds >= deletionGracePeriodSeconds) return current;
  const metadata = {
    ...current.metadata,
    deletionTimestamp: timestamp(cluster, graceSeconds * 1000),
    deletionGracePeriodSeconds: graceSeconds,
  };
  const marked = { ...current, metadata };
  const goesAtOnce = graceSeconds === 0 && finalizers.length === 0;
  return goesAtOnce ? marked : cluster.store.put(resource, marked);
}

function terminateNamespace(cluster: Cluster, namespace: KubeObject): KubeObject {
  if (namespace.metadata.deletionTimestamp !== undefined) return namespace;
  const metadata = { ...namespace.metadata, deletionTimestamp: timestamp(cluster) };
  return cluster.store.put(NAMESPACES, {
    ...namespace,
    metadata,
    status: { ...namespace.status, phase: 'Terminating' },
  });
}

function success({ plural, group }: Resource, { metadata: { name, uid } }: KubeObject): KubeStatus {
  const details = { name, ...(group === '' ? {} : { group }), kind: plural, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}
