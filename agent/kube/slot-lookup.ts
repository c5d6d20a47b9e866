import { BUDGET_LABEL, type SlotLease } from '../core/slot.ts';
import { hasStatus, isRefusal } from './kube-error.ts';
import { listAll } from './list-watch.ts';
import { createSlotApi } from './slot-api.ts';
import type { Transport } from './transport.ts';

/** All slots; or, in one line, why they are not known. */
export type SlotLookup =
  | { readonly leases: readonly SlotLease[]; readonly problem: null }
  | { readonly leases: null; readonly problem: string };

/**
 * The slots of all budgets, for a person who may not be allowed to see them, or looks in the wrong namespace.
 *
 * @param namespace where the agents run
 * @param isCertain the namespace is right, so where it has none nobody looks elsewhere
 * @throws KubeError when the API server does not answer
 */
export async function lookUpSlots(transport: Transport, namespace: string, isCertain: boolean): Promise<SlotLookup> {
  try {
    const leases = await createSlotApi(transport, namespace).list();
    const elsewhere = leases.length > 0 || isCertain ? [] : await namespacesWithSlots(transport);
    if (elsewhere.length === 0) return { leases, problem: null };
    const problem = `there are no slots in namespace ${namespace}, but in ${elsewhere.join(', ')}: name it with --namespace`;
    return { leases: null, problem };
  } catch (error) {
    if (isRefusal(error)) return { leases: null, problem: (error as Error).message };
    throw error;
  }
}

/** None when the credentials do not reach beyond a namespace. */
async function namespacesWithSlots(transport: Transport): Promise<string[]> {
  const leases = {
    path: '/apis/coordination.k8s.io/v1/leases',
    labelSelector: BUDGET_LABEL,
    metadataOnly: true,
    kind: 'Lease',
    what: 'Leases in all namespaces',
  };
  try {
    const { items } = await listAll(transport, leases);
    const namespaces = items.map((item) => (item as { metadata: { namespace: string } }).metadata.namespace);
    return [...new Set(namespaces)].sort();
  } catch (error) {
    if (hasStatus(error, 403)) return [];
    throw error;
  }
}
