import { createHash } from 'node:crypto';
import type { LabelSelector, NodeDisruptionBudget } from '../core/policy.ts';
import {
  BUDGET_LABEL,
  type LabelledNode,
  type SlotLease,
  type SlotNode,
  TOPOLOGY_ANNOTATION,
  topologyOf,
} from '../core/slot.ts';
import { hasStatus } from './kube-error.ts';
import { listAll, listAndWatch } from './list-watch.ts';
import type { Transport } from './transport.ts';
import { toNodeMetadata } from './watch-nodes.ts';

/** The longest name of a Lease. */
const MAX_NAME_CHARACTERS = 253;
const HASH_CHARACTERS = 12;

/** The Leases that are slots, and what a budget counts besides. Every list is a consistent read; calls throw KubeError. */
export type SlotApi = {
  /** Those of one budget; of all budgets without a name. */
  list(budget?: string): Promise<SlotLease[]>;
  /** null when there is none of that name. */
  read(name: string): Promise<SlotLease | null>;
  /** 409 when there is one of its name already. */
  create(budget: NodeDisruptionBudget, holder: SlotNode): Promise<SlotLease>;
  /** Deletes exactly this Lease; one that is gone, or another of its name, is fine. */
  remove(lease: SlotLease): Promise<void>;
  /** Every Node with spec.unschedulable. */
  listCordoned(): Promise<LabelledNode[]>;
  /** Every Node that the budget selects. */
  listSelected(budget: NodeDisruptionBudget): Promise<LabelledNode[]>;
  /** Calls with the Leases of a budget (undefined: of all), at the beginning and after each change, until the signal. */
  watch(
    budget: string | undefined,
    onLeases: (leases: readonly SlotLease[]) => void,
    signal: AbortSignal,
  ): Promise<void>;
};

/** @param namespace where the Leases are: the agent's own */
export function createSlotApi(transport: Transport, namespace: string): SlotApi {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  const pathOf = (name: string) => `${path}/${encodeURIComponent(name)}`;
  const leasesOf = (budget: string | undefined) => ({
    path,
    labelSelector: budget === undefined ? BUDGET_LABEL : `${BUDGET_LABEL}=${budget}`,
    what: budget === undefined ? `Leases in ${namespace}` : `Leases of budget ${budget} in ${namespace}`,
  });
  const listNodes = async (selection: { fieldSelector?: string; labelSelector?: string; what: string }) =>
    (await listAll(transport, { path: '/api/v1/nodes', metadataOnly: true, ...selection })).items.map(toNodeMetadata);
  return {
    async list(budget) {
      return (await listAll(transport, leasesOf(budget))).items.map(toSlotLease);
    },
    async read(name) {
      try {
        const attempt = `read Lease ${namespace}/${name}`;
        return toSlotLease(await transport.request({ method: 'GET', path: pathOf(name), attempt }));
      } catch (error) {
        if (hasStatus(error, 404)) return null;
        throw error;
      }
    },
    async create(budget, holder) {
      const body = toLease(budget, holder);
      const attempt = `create Lease ${namespace}/${body.metadata.name}`;
      return toSlotLease(await transport.request({ method: 'POST', path, body, attempt }));
    },
    async remove({ name, uid }) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
      try {
        const attempt = `delete Lease ${namespace}/${name}`;
        await transport.request({ method: 'DELETE', path: pathOf(name), body, attempt });
      } catch (error) {
        // 409: the UID is another one's.
        if (!hasStatus(error, 404) && !hasStatus(error, 409)) throw error;
      }
    },
    listCordoned: () => listNodes({ fieldSelector: 'spec.unschedulable=true', what: 'cordoned nodes' }),
    listSelected: ({ metadata, spec }) =>
      listNodes({ labelSelector: toSelectorText(spec.nodeSelector), what: `nodes of budget ${metadata.name}` }),
    watch(budget, onLeases, signal) {
      const leases = new Map<string, SlotLease>();
      const tell = () => onLeases([...leases.values()]);
      const listener = {
        onList(objects: readonly unknown[]) {
          leases.clear();
          for (const lease of objects.map(toSlotLease)) leases.set(lease.name, lease);
          tell();
        },
        onEvent(type: string, object: unknown) {
          const lease = toSlotLease(object);
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
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { kind: string; uid: string }[];
  };
  spec?: { holderIdentity?: string };
};

function toSlotLease(object: unknown): SlotLease {
  const { metadata, spec } = object as LeaseObject;
  return {
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    createdAt: metadata.creationTimestamp ?? '',
    budget: metadata.labels?.[BUDGET_LABEL] ?? '',
    holder: spec?.holderIdentity ?? '',
    ownerUid: metadata.ownerReferences?.find(({ kind }) => kind === 'Node')?.uid ?? '',
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
