import type { KubeObject } from './types.ts';

/** One kind the simulator serves. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Its objects have a spec, if only an empty one. */
  readonly hasSpec: boolean;
  readonly hasStatus: boolean;
  /** A PUT without resourceVersion overwrites; where false it is refused. */
  readonly unconditionalUpdate: boolean;
  /** metadata.generation counts the changes of its spec. */
  readonly countsGenerations: boolean;
  /** Field selectors beside metadata.name and metadata.namespace: how to read the field, as a string. */
  readonly fields: Readonly<Record<string, (object: KubeObject) => string>>;
  /** For strategic merge patches: lists that are merged by a key, by path. Every other list is replaced. */
  readonly mergeKeys: Readonly<Record<string, string>>;
}

const COMMON = {
  group: '',
  version: 'v1',
  namespaced: true,
  hasSpec: true,
  hasStatus: false,
  unconditionalUpdate: true,
  countsGenerations: false,
  fields: {},
  mergeKeys: {},
};

const field =
  (section: string, name: string, absent = '') =>
  (object: KubeObject): string =>
    String((object[section] as Record<string, unknown> | undefined)?.[name] ?? absent);

export const NODES: Resource = {
  ...COMMON,
  plural: 'nodes',
  kind: 'Node',
  namespaced: false,
  hasStatus: true,
  fields: { 'spec.unschedulable': field('spec', 'unschedulable', 'false') },
  mergeKeys: { 'status.conditions': 'type', 'status.addresses': 'type' },
};

export const PODS: Resource = {
  ...COMMON,
  plural: 'pods',
  kind: 'Pod',
  hasStatus: true,
  fields: {
    'spec.nodeName': field('spec', 'nodeName'),
    'spec.restartPolicy': field('spec', 'restartPolicy'),
    'spec.schedulerName': field('spec', 'schedulerName'),
    'spec.serviceAccountName': field('spec', 'serviceAccountName'),
    'status.phase': field('status', 'phase'),
  },
  mergeKeys: { 'status.conditions': 'type', 'spec.containers': 'name', 'spec.volumes': 'name' },
};

export const NAMESPACES: Resource = {
  ...COMMON,
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
  hasStatus: true,
  fields: { 'status.phase': field('status', 'phase') },
};

export const EVENTS: Resource = {
  ...COMMON,
  plural: 'events',
  kind: 'Event',
  hasSpec: false,
  fields: {
    'involvedObject.kind': field('involvedObject', 'kind'),
    'involvedObject.name': field('involvedObject', 'name'),
    'involvedObject.namespace': field('involvedObject', 'namespace'),
    'involvedObject.uid': field('involvedObject', 'uid'),
    reason: (object) => String(object.reason ?? ''),
    type: (object) => String(object.type ?? ''),
  },
};

export const CONFIG_MAPS: Resource = { ...COMMON, plural: 'configmaps', kind: 'ConfigMap', hasSpec: false };

export const SERVICE_ACCOUNTS: Resource = {
  ...COMMON,
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  hasSpec: false,
};

export const LEASES: Resource = {
  ...COMMON,
  group: 'coordination.k8s.io',
  plural: 'leases',
  kind: 'Lease',
  unconditionalUpdate: false,
};

export const DAEMON_SETS: Resource = {
  ...COMMON,
  group: 'apps',
  plural: 'daemonsets',
  kind: 'DaemonSet',
  hasStatus: true,
  countsGenerations: true,
};

export const DISRUPTION_BUDGETS: Resource = {
  ...COMMON,
  group: 'policy',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  hasStatus: true,
  unconditionalUpdate: false,
  countsGenerations: true,
  mergeKeys: { 'status.conditions': 'type' },
};

/** Every kind the simulator serves. */
export const RESOURCES: readonly Resource[] = [
  NODES,
  PODS,
  NAMESPACES,
  EVENTS,
  CONFIG_MAPS,
  SERVICE_ACCOUNTS,
  LEASES,
  DAEMON_SETS,
  DISRUPTION_BUDGETS,
];

/** The apiVersion of a kind's objects: `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The resource of a kind. @throws Error when the simulator does not serve it. */
export function resourceOfKind(kind: string): Resource {
  const resource = RESOURCES.find((candidate) => candidate.kind === kind);
  if (!resource) throw new Error(`the simulator serves no ${kind}`);
  return resource;
}
