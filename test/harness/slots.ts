import { slotLeaseName } from '../../agent/kube/slot-api.ts';
import type { ApiClient, KubeObject } from './api-client.ts';

/** Creates the Lease by which a node holds a slot of a budget. */
export function createSlot(api: ApiClient, namespace: string, budget: string, node: KubeObject): Promise<KubeObject> {
  const { name, uid } = node.metadata;
  return api.requestOk('POST', slotsPath(namespace), {
    body: {
      metadata: {
        name: slotLeaseName(budget, name),
        labels: { 'node-svc-checker/budget': budget },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
      },
      spec: { holderIdentity: name },
    },
  });
}

/** Of the slots in a namespace, the holders. */
export async function slotHolders(api: ApiClient, namespace: string): Promise<string[]> {
  const { items } = await api.requestOk<{ items: { spec: { holderIdentity: string } }[] }>('GET', slotsPath(namespace));
  return items.map(({ spec }) => spec.holderIdentity).sort();
}

function slotsPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}
