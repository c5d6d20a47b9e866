import { fileURLToPath } from 'node:url';
import type { KubeStatus } from './api-client.ts';
import type { ControlPlane } from './control-plane.ts';
import { createNamespace, createServiceAccount } from './pods.ts';
import { waitFor } from './wait-for.ts';

/** Where the agents and their service account are. */
export const NAMESPACE = 'node-svc-checker';
/** The account of the agents. */
export const AGENT_ACCOUNT = 'node-svc-checker';
const RBAC = fileURLToPath(new URL('../../deploy/kustomize/base/rbac.yaml', import.meta.url));
const ADMISSION = fileURLToPath(new URL('../../deploy/kustomize/base/admission.yaml', import.meta.url));

/** Gives agents the rights that are shipped, under the admission policy that is shipped. */
export async function grantAgents(plane: ControlPlane): Promise<void> {
  await plane.kubectl(['create', 'namespace', NAMESPACE]);
  await plane.kubectl(['apply', '-f', RBAC]);
  await applyAdmissionPolicy(plane, NAMESPACE);
}

/** A token of an account that is bound to no pod, and so names no node. Creates namespace and account as needed. */
export async function createUnboundToken(plane: ControlPlane, namespace: string, account: string): Promise<string> {
  await createNamespace(plane.api, namespace);
  await createServiceAccount(plane.api, namespace, account);
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { status } = await plane.api.requestOk<{ status: { token: string } }>('POST', path, { body: { spec: {} } });
  return status.token;
}

/** Applies the admission policy as it is shipped. Returns once it is enforced; the shipped RBAC has to be there. */
export async function applyAdmissionPolicy(plane: ControlPlane, namespace: string): Promise<void> {
  await plane.kubectl(['apply', '-f', ADMISSION]);
  const agent = plane.connectAs(await createUnboundToken(plane, namespace, AGENT_ACCOUNT));
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases?dryRun=All`;
  const refused = async () => {
    const { body } = await agent.request<KubeStatus>('POST', path, { body: { metadata: { name: 'probe' } } });
    return body.message?.includes('ValidatingAdmissionPolicy');
  };
  try {
    await waitFor(refused, { what: 'the admission policy to be enforced' });
  } finally {
    agent.close();
  }
}
