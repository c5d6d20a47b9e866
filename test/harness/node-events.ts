import type { ApiClient, KubeList } from './api-client.ts';

const EVENTS = '/api/v1/namespaces/default/events';

/** An Event on a Node. */
export interface NodeEventObject {
  readonly reason: string;
  readonly type: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: { readonly uid: string };
}

/** Those that agents have written about a Node. */
export async function eventsOn(api: ApiClient, nodeName: string): Promise<readonly NodeEventObject[]> {
  const query = encodeURIComponent(`involvedObject.kind=Node,involvedObject.name=${nodeName},source=node-svc-checker`);
  const { items } = await api.requestOk<KubeList>('GET', `${EVENTS}?fieldSelector=${query}`);
  return (items ?? []) as unknown as readonly NodeEventObject[];
}
