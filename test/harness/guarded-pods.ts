import type { ApiClient } from './api-client.ts';
import { createNamespace, createPod } from './pods.ts';

const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'replica-set', controller: true };
const GUARDED = { guarded: 'yes' };

export interface GuardedPods {
  /** Evictions of the guarded pods succeed from now on. */
  unguard(): Promise<void>;
}

/**
 * Puts pods on a node, in a namespace of its name, that go the moment their eviction is accepted. That of a guarded one is
 * refused with 429: its budget wants all of them.
 */
export async function addGuardedPods(
  api: ApiClient,
  node: string,
  { free, guarded }: { readonly free: number; readonly guarded: number },
): Promise<GuardedPods> {
  await createNamespace(api, node);
  const budgets = `/apis/policy/v1/namespaces/${node}/poddisruptionbudgets`;
  const body = { metadata: { name: 'guard' }, spec: { minAvailable: guarded, selector: { matchLabels: GUARDED } } };
  await api.requestOk('POST', budgets, { body });
  for (let n = 0; n < free + guarded; n++) {
    const labels = n < guarded ? GUARDED : {};
    const spec = { terminationGracePeriodSeconds: 0 };
    const pod = { namespace: node, name: `pod-${n}`, nodeName: node, labels, spec, ownerReferences: [OWNER] };
    await createPod(api, pod);
  }
  return {
    unguard: async () => void (await api.requestOk('DELETE', `${budgets}/guard`)),
  };
}
