import type { ApiClient, KubeObject } from './api-client.ts';

export interface NewPod {
  readonly namespace?: string;
  readonly name: string;
  /** Binds it; absent: it stays pending and unbound. */
  readonly nodeName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly object[];
  /** Written through the status subresource; Running (and then Ready) when absent. Pending is what creation leaves. */
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  /** More of the pod's spec: volumes, serviceAccountName, tolerations, … */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Creates a pod and sets its phase as a kubelet would. Without kwok nothing else ever changes it. */
export async function createPod(api: ApiClient, pod: NewPod): Promise<KubeObject> {
  const { namespace = 'default', name, nodeName, labels, annotations, ownerReferences, phase = 'Running' } = pod;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels, annotations, ownerReferences },
    spec: { nodeName, containers: [{ name: 'main', image: 'registry.example/none' }], ...pod.spec },
  };
  const created = await api.requestOk('POST', path, { body });
  return phase === 'Pending' ? created : setPodPhase(api, namespace, name, phase);
}

/** Sets a pod's phase; a Running one is Ready too, which disruption budgets count. */
export function setPodPhase(api: ApiClient, namespace: string, name: string, phase: string): Promise<KubeObject> {
  const conditions = [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False' }];
  const body = { status: { phase, conditions } };
  return api.requestOk('PATCH', `/api/v1/namespaces/${namespace}/pods/${name}/status`, { body });
}

/** Ends a pod at once, as the kubelet does when its containers are gone. */
export async function endPod(api: ApiClient, namespace: string, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`;
  const { status, body } = await api.request('DELETE', path);
  if (status >= 300 && status !== 404) throw new Error(`ending pod ${name}: ${status} ${JSON.stringify(body)}`);
}

/** Creates a namespace with the service account that admission wants for pods; one that is there already is fine. */
export async function createNamespace(api: ApiClient, name: string): Promise<void> {
  await createUnlessThere(api, '/api/v1/namespaces', { metadata: { name } });
  await createServiceAccount(api, name, 'default');
}

/** Creates a service account; one that is there already is fine. */
export async function createServiceAccount(api: ApiClient, namespace: string, name: string): Promise<void> {
  await createUnlessThere(api, `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
}

async function createUnlessThere(api: ApiClient, path: string, body: object): Promise<void> {
  const { status, body: answer } = await api.request('POST', path, { body });
  if (status !== 201 && status !== 409) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
}
