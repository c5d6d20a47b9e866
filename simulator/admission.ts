import { forbidden, notFound } from './api-error.ts';
import { NAMESPACES, NODES, PODS, type Resource } from './resources.ts';
import type { Store } from './store.ts';
import type { KubeObject } from './types.ts';

export const NOT_READY_TAINT = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** Lists and maps that the real server leaves out when they are empty. */
const OMITTED_WHEN_EMPTY = {
  metadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  spec: ['taints', 'unschedulable'],
};

/** What the server makes of an object before it stores it: nothing null, nothing needlessly empty. */
export function normalize(resource: Resource, object: KubeObject): KubeObject {
  const sections = { ...(resource.hasSpec ? { spec: {} } : {}), ...(resource.hasStatus ? { status: {} } : {}) };
  const result: Record<string, unknown> = { ...sections, ...(withoutNulls(object) as KubeObject) };
  for (const [section, names] of Object.entries(OMITTED_WHEN_EMPTY)) {
    const fields = result[section];
    if (typeof fields !== 'object' || fields === null) continue;
    const empty = names.filter((name) => name in fields && isEmpty((fields as Record<string, unknown>)[name]));
    if (empty.length > 0) result[section] = without(fields, (name) => empty.includes(name));
  }
  return result as unknown as KubeObject;
}

/** What admission adds to a new object. */
export function withDefaults(resource: Resource, object: KubeObject): KubeObject {
  if (resource === NODES) return withNotReadyTaint(object);
  if (resource === PODS) {
    const spec = { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, ...object.spec };
    return { ...object, spec, status: { phase: 'Pending', ...object.status } };
  }
  if (resource === NAMESPACES) return { ...object, status: { phase: 'Active', ...object.status } };
  return object;
}

/** @throws ApiError 404 when the namespace does not exist, 403 when it is being deleted. */
export function checkNamespace(store: Store, resource: Resource, namespace: string | undefined, name: string): void {
  if (namespace === undefined) return;
  const found = store.get(NAMESPACES, undefined, namespace);
  if (!found) throw notFound(NAMESPACES, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  throw forbidden(resource, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }]);
}

function withNotReadyTaint(node: KubeObject): KubeObject {
  const taints = (node.spec?.taints ?? []) as Taint[];
  const has = taints.some(({ key, effect }) => key === NOT_READY_TAINT.key && effect === NOT_READY_TAINT.effect);
  return has ? node : { ...node, spec: { ...node.spec, taints: [...taints, NOT_READY_TAINT] } };
}

function isEmpty(value: unknown): boolean {
  return value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function without(fields: object, isUnwanted: (name: string, value: unknown) => boolean): object {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => !isUnwanted(name, value)));
}

/** What has no nulls in it is the same object afterwards, so that what did not change is seen not to have. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const cleaned = value.map(withoutNulls);
    return cleaned.every((entry, index) => entry === value[index]) ? value : cleaned;
  }
  let result = value as Record<string, unknown>;
  for (const [name, field] of Object.entries(value)) {
    const cleaned = withoutNulls(field);
    if (cleaned === field && field !== null && field !== undefined) continue;
    if (result === value) result = { ...value };
    if (cleaned === null || cleaned === undefined) delete result[name];
    else result[name] = cleaned;
  }
  return result;
}
