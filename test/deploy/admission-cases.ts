import type { Method } from '../harness/api-client.ts';
import { NAMESPACE } from './helm-chart.ts';

/** One write of an agent on node `own`. */
export interface Write {
  readonly rule: string;
  readonly method: Method;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** What the message says besides who attempted what; absent: it is allowed. */
  readonly refusal?: RegExp;
}

export const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
export const EVENTS = '/api/v1/namespaces/default/events';
const PODS = '/api/v1/namespaces/default/pods';
const STRATEGIC = 'application/strategic-merge-patch+json';
export const OWN = '/api/v1/nodes/own';
const KUBELET_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];
const SICK = { key: 'sick', value: 'true', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' };

/** An Event about a Node. */
export function eventOf(node: string, name = `about-${node}`) {
  const involvedObject = { apiVersion: 'v1', kind: 'Node', name: node };
  return { metadata: { name, namespace: 'default' }, involvedObject, reason: 'NodeCordoned', message: 'x' };
}

/** The Lease by which a node holds a slot, with other metadata or another holder if the case is about that. */
export function leaseOf(node: string, budget: string, metadata: object = {}, holderIdentity = node) {
  return {
    metadata: { name: `nsc-${budget}-${node}`, labels: label(budget), ownerReferences: [owner(node)], ...metadata },
    spec: { holderIdentity },
  };
}

function label(budget: string) {
  return { 'node-svc-checker/budget': budget };
}

function owner(node: string) {
  return { apiVersion: 'v1', kind: 'Node', name: node, uid: `uid-of-${node}` };
}

const patch = (rule: string, body: unknown, path = OWN) => ({ rule, method: 'PATCH', path, body }) as const;
const condition = (type: string, status = 'Unknown') => ({
  rule: `condition ${type}=${status}`,
  method: 'PATCH' as const,
  path: `${OWN}/status`,
  contentType: STRATEGIC,
  body: { status: { conditions: [{ type, status, reason: 'Test' }] } },
});
const createLease = (rule: string, ...of: Parameters<typeof leaseOf>) =>
  ({ rule, method: 'POST', path: LEASES, body: leaseOf(...of) }) as const;
const createEvent = (rule: string, body: unknown) => ({ rule, method: 'POST', path: EVENTS, body }) as const;
const deletion = (rule: string, path: string) => ({ rule, method: 'DELETE', path }) as const;
const eviction = (rule: string, name: string) => {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace: 'default', name } };
  return { rule, method: 'POST', path: `${PODS}/${name}/eviction`, body: { ...body, deleteOptions: DRY_RUN } } as const;
};
const DRY_RUN = { dryRun: ['All'] };

export const ALLOWED: readonly Write[] = [
  patch('cordon, taint and annotate', {
    metadata: { annotations: { 'node-svc-checker-drain-state': 'drainActive', 'node-svc-checker/ledger': '{"a":1}' } },
    spec: { unschedulable: true, taints: [SICK] },
  }),
  patch('uncordon, remove all taints and its annotations', {
    metadata: { annotations: { 'node-svc-checker/ledger': null } },
    spec: { unschedulable: null, taints: null },
  }),
  { ...patch('a strategic patch', { spec: { taints: [SICK] } }), contentType: STRATEGIC },
  condition('StorageHealthy', 'False'),
  condition('Another', 'True'),
  {
    ...patch('its condition removed', { status: { conditions: [{ type: 'StorageHealthy', $patch: 'delete' }] } }),
    path: `${OWN}/status`,
    contentType: STRATEGIC,
  },
  createEvent('an Event about the own node', eventOf('own', 'new')),
  patch('an Event counted up', { count: 2 }, `${EVENTS}/about-own`),
  createLease('a slot', 'own', 'new'),
  deletion('its slot', `${LEASES}/nsc-cluster-own`),
  deletion('its slot that a person gave another holder', `${LEASES}/nsc-edited-own`),
  deletion('a pod of the own node', `${PODS}/on-own`),
  eviction('the eviction of a pod of the own node', 'on-own'),
  // What docs/security.md says that it cannot prevent.
  eviction('the eviction of a pod of another node', 'on-other'),
];

const refusals = (refusal: RegExp, ...writes: readonly Write[]): Write[] =>
  writes.map((write) => ({ ...write, refusal }));

export const REFUSED: readonly Write[] = [
  ...refusals(
    /may change its own node only/,
    patch('another node cordoned', { spec: { unschedulable: true } }, '/api/v1/nodes/other'),
    patch(
      'another node annotated',
      { metadata: { annotations: { 'node-svc-checker/policy': 'x' } } },
      '/api/v1/nodes/other',
    ),
    {
      ...condition('StorageHealthy', 'False'),
      path: '/api/v1/nodes/other/status',
      rule: 'a condition of another node',
    },
  ),
  ...refusals(
    /of the metadata an agent may change annotations only, and none through nodes\/status/,
    patch('a label added', { metadata: { labels: { role: 'control-plane' } } }),
    patch('a label changed', { metadata: { labels: { theirs: 'b' } } }),
    patch('a label removed', { metadata: { labels: { theirs: null } } }),
    patch('all labels removed', { metadata: { labels: null } }),
    patch('a finalizer', { metadata: { finalizers: ['example.com/keep'] } }),
    patch('an owner', { metadata: { ownerReferences: [owner('other')] } }),
    patch('a label through status', { metadata: { labels: { role: 'x' } } }, `${OWN}/status`),
    patch(
      'an annotation through status',
      { metadata: { annotations: { 'node-svc-checker/x': 'x' } } },
      `${OWN}/status`,
    ),
  ),
  ...refusals(
    /may change node-svc-checker-drain-state and node-svc-checker\/\* only/,
    patch('an annotation added', { metadata: { annotations: { 'node-svc-checker': 'x' } } }),
    patch('an annotation changed', { metadata: { annotations: { theirs: 'b' } } }),
    patch('an annotation removed', { metadata: { annotations: { theirs: null } } }),
    patch('all annotations removed', { metadata: { annotations: null } }),
  ),
  ...refusals(
    /of the spec an agent may change unschedulable and taints only/,
    patch('providerID', { spec: { providerID: 'x://y' } }),
    patch('podCIDR', { spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] } }),
  ),
  ...refusals(
    /of the status an agent may change conditions only/,
    patch('addresses', { status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] } }, `${OWN}/status`),
    patch('capacity', { status: { capacity: { cpu: '64' } } }, `${OWN}/status`),
    patch('an address removed', { status: { addresses: null } }, `${OWN}/status`),
  ),
  ...refusals(
    /may change none of the kubelet: Ready, MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable/,
    ...KUBELET_CONDITIONS.map((type) => condition(type)),
    patch('all conditions removed', { status: { conditions: null } }, `${OWN}/status`),
  ),
  ...refusals(
    /may write Events about its own node only/,
    createEvent('an Event about another node', eventOf('other', 'new')),
    createEvent('an Event about a pod', { ...eventOf('own', 'new'), involvedObject: { kind: 'Pod', name: 'own' } }),
    createEvent('an Event about nothing', { ...eventOf('own', 'new'), involvedObject: {} }),
    patch("another node's Event counted up", { count: 2 }, `${EVENTS}/about-other`),
    patch('its Event made one about another node', { involvedObject: { name: 'other' } }, `${EVENTS}/about-own`),
    patch("another node's Event made its own", { involvedObject: { name: 'own' } }, `${EVENTS}/about-other`),
  ),
  ...refusals(
    /may create only the Lease nsc-BUDGET-NODE of its own node/,
    createLease("another node's slot", 'other', 'new'),
    createLease('a second slot of a budget', 'own', 'new', { name: 'nsc-new-own-2' }),
    createLease('a Lease of another kind', 'own', 'new', { name: 'kube-scheduler' }),
    createLease('a slot of no budget', 'own', 'new', { labels: {} }),
    createLease('a slot of a budget without a name', 'own', ''),
    createLease('a slot without a name', 'own', 'new', { name: undefined, generateName: 'nsc-new-own' }),
  ),
  ...refusals(
    /has to have the own node as spec.holderIdentity and as its only owner, and no finalizers/,
    createLease('a slot held by another node', 'own', 'new', {}, 'other'),
    createLease('a slot without an owner', 'own', 'new', { ownerReferences: [] }),
    createLease('a slot owned by another node', 'own', 'new', { ownerReferences: [owner('other')] }),
    createLease('a slot of two owners', 'own', 'new', { ownerReferences: [owner('own'), owner('other')] }),
    createLease('a slot that keeps its Node', 'own', 'new', {
      ownerReferences: [{ ...owner('own'), blockOwnerDeletion: true }],
    }),
    createLease('a slot that nobody can delete', 'own', 'new', { finalizers: ['example.com/keep'] }),
  ),
  ...refusals(
    /may delete only Leases nsc-\* of its own node/,
    deletion("another node's slot deleted", `${LEASES}/nsc-cluster-other`),
    deletion('a Lease of another kind deleted', `${LEASES}/leader`),
    deletion('all Leases deleted', LEASES),
  ),
  ...refusals(
    /may delete pods of its own node only, and this one is on (other|none)/,
    deletion('a pod of another node deleted', `${PODS}/on-other`),
    deletion('a pod of no node deleted', `${PODS}/on-none`),
  ),
  ...refusals(
    /an agent may update nodes and nodes\/status, create and update events/,
    { rule: 'a Node created', method: 'POST', path: '/api/v1/nodes', body: { metadata: { name: 'own-2' } } },
    deletion('its Node deleted', OWN),
    patch('a pod changed', { metadata: { labels: { a: 'b' } } }, `${PODS}/on-own`),
    patch('a status of a pod', { status: { phase: 'Failed' } }, `${PODS}/on-own/status`),
    deletion('an Event deleted', `${EVENTS}/about-own`),
    patch('a slot changed', { spec: { holderIdentity: 'other' } }, `${LEASES}/nsc-cluster-own`),
  ),
];
