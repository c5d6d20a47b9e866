import { createHash } from 'node:crypto';
import type { LabelSelector, NodeDisruptionBudget } from '../core/policy.ts';
import type { SlotApi } from '../core/ports.ts';
import { BUDGET_LABEL, type SlotLease, type SlotNode, TOPOLOGY_ANNOTATION, topologyOf } from '../core/slot.ts';
import { hasStatus, isNotFound, isPreconditionFailed } from './kube-error.ts';
import { listAll, listAndWatch } from './list-watch.ts';
import { type Metadata, requireDone, requireList, requireNamed, requireObject } from './shape.ts';
import type { Transport } from './transport.ts';
import { toNodeMetadata } from './watch-nodes.ts';

/** The longest name of a Lease. */
const MAX_NAME_CHARACTERS = 253;
const HASH_CHARACTERS = 12;

/** Calls throw KubeError. @param namespace where the Leases are: the agent's own */
export function createSlotApi(transport: Transport, namespace: string): SlotApi {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  const pathOf = (name: string) => `${path}/${encodeURIComponent(name)}`;
  const leasesOf = (budget: string | undefined) => ({
    path,
    kind: 'Lease',
    labelSelector: budget === undefined ? BUDGET_LABEL : `${BUDGET_LABEL}=${budget}`,
    what: budget === undefined ? `Leases in ${namespace}` : `Leases of budget ${budget} in ${namespace}`,
  });
  const listNodes = async (selection: { fieldSelector?: string; labelSelector?: string; what: string }) =>
    (await listAll(transport, { path: '/api/v1/nodes', kind: 'Node', metadataOnly: true, ...selection })).items.map(
      toNodeMetadata,
    );
  return {
    nameOf: slotLeaseName,
    isConflict: (error) => hasStatus(error, 409),
    isForbidden: (error) => hasStatus(error, 403),
    async list(budget) {
      const { items } = await listAll(transport, leasesOf(budget));
      return items.map((lease) => toSlotLease(lease, `read ${leasesOf(budget).what}`));
    },
    async read(name) {
      try {
        const attempt = `read Lease ${namespace}/${name}`;
        const answer = await transport.request({ method: 'GET', path: pathOf(name), attempt });
        return toSlotLease(requireNamed(answer, 'Lease', name, attempt), attempt);
      } catch (error) {
        if (isNotFound(error, 'leases', name)) return null;
        throw error;
      }
    },
    async create(budget, holder) {
      const body = toLease(budget, holder);
      const { name } = body.metadata;
      const attempt = `create Lease ${namespace}/${name}`;
      const answer = await transport.request({ method: 'POST', path, body, attempt });
      return toSlotLease(requireNamed(answer, 'Lease', name, attempt), attempt);
    },
    async remove({ name, uid }) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
      try {
        const attempt = `delete Lease ${namespace}/${name}`;
        requireDone(
          await transport.request({ method: 'DELETE', path: pathOf(name), body, attempt }),
          'Lease',
          name,
          attempt,
        );
      } catch (error) {
        if (!isNotFound(error, 'leases', name) && !isPreconditionFailed(error, name)) throw error;
      }
    },
    listCordoned: () => listNodes({ fieldSelector: 'spec.unschedulable=true', what: 'cordoned nodes' }),
    listSelected: ({ metadata, spec }) =>
      listNodes({ labelSelector: toSelectorText(spec.nodeSelector), what: `nodes of budget ${metadata.name}` }),
    watch(budget, onLeases, signal) {
      const leases = new Map<string, SlotLease>();
      const attempt = `watch ${leasesOf(budget).what}`;
      const tell = () => onLeases([...leases.values()]);
      const listener = {
        onList(objects: readonly object[]) {
          leases.clear();
          for (const object of objects) {
            const lease = toSlotLease(object, attempt);
            leases.set(lease.name, lease);
          }
          tell();
        },
        onEvent(type: string, object: object) {
          const lease = toSlotLease(object, attempt);
          if (type === 'DELETED') leases.delete(lease.name);
          else leases.set(lease.name, lease);
          tell();
        },
        // A slot is asked for again after a while in any case.
        onProblem: () => {},
      };
      return listAndWatch(transport, leasesOf(budget), listener, signal);
    },
  };
}

/** `nsc-<budget>-<node>`; one that would be too long ends in a hash of all of it. */
export function slotLeaseName(budget: string, node: string): string {
  const name = `nsc-${budget}-${node}`;
  if (name.length <= MAX_NAME_CHARACTERS) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_CHARACTERS);
  return `${name.slice(0, MAX_NAME_CHARACTERS - HASH_CHARACTERS - 1).replace(/[-.]+$/, '')}-${hash}`;
}

function toLease(budget: NodeDisruptionBudget, holder: SlotNode) {
  const { metadata } = budget;
  const { name, uid } = holder;
  const topology = topologyOf(budget, holder);
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: slotLeaseName(metadata.name, name),
      labels: { [BUDGET_LABEL]: metadata.name, 'app.kubernetes.io/name': 'node-svc-checker' },
      ...(topology !== null && { annotations: { [TOPOLOGY_ANNOTATION]: topology } }),
      // The garbage collector takes the slot back with its Node.
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
    },
    spec: { holderIdentity: name },
  };
}

type LeaseObject = {
  metadata: Metadata & { creationTimestamp?: string; ownerReferences?: unknown };
  spec?: { holderIdentity?: string };
};

/** @throws KubeError when the object is no Lease */
function toSlotLease(object: unknown, attempt: string): SlotLease {
  const { metadata, spec } = requireObject<LeaseObject>(object, 'Lease', attempt);
  const owners = requireList<{ kind?: string; uid?: string }>(metadata.ownerReferences, 'ownerReferences', attempt);
  return {
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    createdAt: metadata.creationTimestamp ?? '',
    budget: metadata.labels?.[BUDGET_LABEL] ?? '',
    holder: spec?.holderIdentity ?? '',
    ownerUid: owners.find(({ kind }) => kind === 'Node')?.uid ?? '',
    topology: metadata.annotations?.[TOPOLOGY_ANNOTATION] ?? null,
  };
}

/** A metav1.LabelSelector as the query parameter labelSelector has it. */
function toSelectorText(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'In':
        return `${key} in (${values.join(',')})`;
      case 'NotIn':
        return `${key} notin (${values.join(',')})`;
      case 'Exists':
        return key;
      case 'DoesNotExist':
        return `!${key}`;
      default:
        return operator satisfies never;
    }
  });
  return [...equal, ...expressions].join(',');
}
