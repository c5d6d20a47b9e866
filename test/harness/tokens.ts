import type { ApiClient, KubeObject } from './api-client.ts';
import { createNamespace, createPod, createServiceAccount } from './pods.ts';

export interface PodBoundTokenOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: string;
  /** The Node must exist for the token to carry its name. */
  readonly node: string;
}

export interface PodBoundToken {
  readonly token: string;
  /** The user name in RBAC subjects and in the audit log. */
  readonly username: string;
}

interface TokenRequest {
  readonly status: { readonly token: string };
}

/**
 * Creates namespace, service account and pod as needed, and returns the token the kubelet would project into that pod:
 * its user carries `authentication.kubernetes.io/node-name`. The real API server only.
 */
export async function createPodBoundToken(api: ApiClient, options: PodBoundTokenOptions): Promise<PodBoundToken> {
  const { namespace, serviceAccount, pod, node } = options;
  await createNamespace(api, namespace);
  await createServiceAccount(api, namespace, serviceAccount);
  const spec = { serviceAccountName: serviceAccount };
  const created = await createPod(api, { namespace, name: pod, nodeName: node, spec });
  const token = await createTokenOf(api, { namespace, serviceAccount, pod: created });
  return { token, username: `system:serviceaccount:${namespace}:${serviceAccount}` };
}

/** The token the kubelet would project into a pod that is there. The real API server only. */
export async function createTokenOf(
  api: ApiClient,
  options: { readonly namespace: string; readonly serviceAccount: string; readonly pod: KubeObject },
): Promise<string> {
  const { namespace, serviceAccount, pod } = options;
  const { name, uid } = pod.metadata;
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
  const { status } = await api.requestOk<TokenRequest>('POST', path, { body: { spec: { boundObjectRef } } });
  return status.token;
}
