import type { ApiClient, KubeObject } from './api-client.ts';

/** Admission puts it on every new Node; the node-lifecycle controller removes it once the Node is Ready. */
export const NOT_READY_TAINT = 'node.kubernetes.io/not-ready';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

export interface NewNode {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  /** The Ready condition: True (when absent), False, or none at all. */
  readonly ready?: boolean | 'none';
}

/**
 * Creates a Node as a kubelet and the node-lifecycle controller would leave it: a Ready one without the not-ready taint
 * that admission added, any other one with it. Returns it as it is then.
 */
export async function createNode(api: ApiClient, name: string, node: NewNode = {}): Promise<KubeObject> {
  const { labels = {}, annotations, taints = [], unschedulable, ready = true } = node;
  const body = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels }, annotations },
    spec: { taints, unschedulable },
  };
  const created = await api.requestOk('POST', '/api/v1/nodes', { body });
  if (ready === 'none') return created;
  const seen = await setNodeReady(api, name, ready);
  return ready ? api.requestOk('PATCH', `/api/v1/nodes/${name}`, { body: { spec: { taints } } }) : seen;
}

/** Sets the Ready condition through the status subresource, as a kubelet does. Taints stay as they are. */
export function setNodeReady(api: ApiClient, name: string, ready: boolean): Promise<KubeObject> {
  const condition = ready
    ? { type: 'Ready', status: 'True', reason: 'KubeletReady' }
    : { type: 'Ready', status: 'False', reason: 'KubeletNotReady' };
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const conditions = [{ ...condition, lastHeartbeatTime: now, lastTransitionTime: now }];
  return api.requestOk('PATCH', `/api/v1/nodes/${name}/status`, { body: { status: { conditions } } });
}

export function readNode(api: ApiClient, name: string): Promise<KubeObject> {
  return api.requestOk('GET', `/api/v1/nodes/${name}`);
}

/** Deletes a Node; one that is already gone is fine. */
export async function deleteNode(api: ApiClient, name: string): Promise<void> {
  const { status, body } = await api.request('DELETE', `/api/v1/nodes/${name}`);
  if (status >= 300 && status !== 404) throw new Error(`deleting Node ${name}: ${status} ${JSON.stringify(body)}`);
}
