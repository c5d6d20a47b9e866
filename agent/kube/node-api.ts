import type { ConditionsPatch, NodePatch, NodeView } from '../core/node.ts';
import type { NodeTaint, Toleration } from '../core/taint.ts';
import type { Transport } from './transport.ts';

/** What the agent reads and writes of its own Node. */
export type NodeApi = {
  /** @throws KubeError, status 404 when there is no such Node */
  read(): Promise<NodeView>;
  /**
   * One merge patch, refused with 409 unless the Node still has the patch's resourceVersion.
   *
   * @returns the Node as it is after the patch
   */
  patch(patch: NodePatch): Promise<NodeView>;
  /** Sets one annotation on the Node with this UID, whatever its version. */
  annotate(uid: string, name: string, value: string): Promise<NodeView>;
  /**
   * One strategic merge patch of the Node's status, refused with 409 unless the Node still has the patch's
   * resourceVersion. Conditions of other types, such as the kubelet's, stay as they are.
   *
   * @returns the Node as it is after the patch
   */
  patchConditions(patch: ConditionsPatch): Promise<NodeView>;
};

export function createNodeApi(transport: Transport, nodeName: string): NodeApi {
  const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
  const patchNode = async (attempt: string, body: unknown) =>
    toNodeView(
      await transport.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json', attempt }),
    );
  return {
    async read() {
      return toNodeView(await transport.request({ method: 'GET', path, attempt: `read node ${nodeName}` }));
    },
    patch: (patch) => patchNode(`change node ${nodeName}`, toMergePatch(patch)),
    annotate: (uid, name, value) =>
      patchNode(`annotate node ${nodeName}`, { metadata: { uid, annotations: { [name]: value } } }),
    async patchConditions(patch) {
      const body = toStatusPatch(patch);
      const contentType = 'application/strategic-merge-patch+json';
      const attempt = `write the conditions of node ${nodeName}`;
      const request = { method: 'PATCH', path: `${path}/status`, body, contentType, attempt } as const;
      return toNodeView(await transport.request(request));
    },
  };
}

/** The API server merges conditions by their type, so a field left out stays as it is. */
function toStatusPatch({ uid, resourceVersion, set, remove }: ConditionsPatch): unknown {
  const conditions = [
    ...set.map(({ type, status, reason, message, now, isTransition }) => {
      const times = { lastHeartbeatTime: now, ...(isTransition && { lastTransitionTime: now }) };
      return { type, status, reason, message, ...times };
    }),
    ...remove.map((type) => ({ $patch: 'delete', type })),
  ];
  return { metadata: { uid, resourceVersion }, status: { conditions } };
}

function toMergePatch({ resourceVersion, annotations, unschedulable, taints }: NodePatch): unknown {
  return {
    metadata: { resourceVersion, ...(Object.keys(annotations).length > 0 && { annotations }) },
    ...((unschedulable !== undefined || taints !== undefined) && {
      // undefined leaves a field out of the JSON; an empty list is written as null, as kubectl does.
      spec: { unschedulable, taints: taints?.length === 0 ? null : taints },
    }),
  };
}

type NodeObject = {
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: { unschedulable?: boolean; taints?: NodeTaint[] | null };
  status?: { conditions?: { type: string; status: string; reason?: string }[] | null };
};

/** @throws Error when the object is not a Node as the API serves it */
export function toNodeView(object: unknown): NodeView {
  const { metadata, spec, status } = object as NodeObject;
  if (typeof metadata?.uid !== 'string' || typeof metadata.resourceVersion !== 'string') {
    throw new Error('the API server must answer with a Node, found an object without metadata.uid and resourceVersion');
  }
  const conditions = status?.conditions ?? [];
  return {
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    unschedulable: spec?.unschedulable === true,
    taints: spec?.taints ?? [],
    ready: conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    conditions: conditions.map(({ type, status: value, reason = '' }) => ({ type, status: value, reason })),
  };
}

/** Reads the tolerations of the agent's own pod. */
export async function readTolerations(
  transport: Transport,
  pod: { namespace: string; name: string },
): Promise<readonly Toleration[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}`;
  const attempt = `read the agent's own pod ${pod.namespace}/${pod.name}`;
  const object = (await transport.request({ method: 'GET', path, attempt })) as {
    spec?: { tolerations?: Toleration[] };
  };
  return object.spec?.tolerations ?? [];
}
