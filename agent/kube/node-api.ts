import type { ConditionsPatch, NodePatch, NodeView } from '../core/node.ts';
import type { NodeApi } from '../core/ports.ts';
import type { NodeTaint } from '../core/taint.ts';
import { hasStatus, isNotFound } from './kube-error.ts';
import { type Metadata, requireList, requireNamed, requireObject } from './shape.ts';
import type { KubeRequest, Transport } from './transport.ts';

export function createNodeApi(transport: Transport, nodeName: string): NodeApi {
  const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
  const call = async (request: KubeRequest) => {
    const { attempt } = request;
    return toNodeView(requireNamed(await transport.request(request), 'Node', nodeName, attempt), attempt);
  };
  const patchNode = (attempt: string, body: unknown) =>
    call({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json', attempt });
  return {
    read: () => call({ method: 'GET', path, attempt: `read node ${nodeName}` }),
    patch: (patch) => patchNode(`change node ${nodeName}`, toMergePatch(patch)),
    annotate: (uid, resourceVersion, annotations) =>
      patchNode(`annotate node ${nodeName}`, {
        metadata: { uid, ...(resourceVersion !== null && { resourceVersion }), annotations },
      }),
    patchConditions: (patch) =>
      call({
        method: 'PATCH',
        path: `${path}/status`,
        body: toStatusPatch(patch),
        contentType: 'application/strategic-merge-patch+json',
        attempt: `write the conditions of node ${nodeName}`,
      }),
    isConflict: (error) => hasStatus(error, 409),
    isGone: (error) => isNotFound(error, 'nodes', nodeName),
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

function toMergePatch({ resourceVersion, change }: NodePatch): unknown {
  return { ...change, metadata: { ...change.metadata, resourceVersion } };
}

type NodeObject = {
  metadata: Metadata;
  spec?: { unschedulable?: boolean; taints?: unknown };
  status?: { conditions?: unknown };
};

type ConditionObject = { type: string; status: string; reason?: string; message?: string };

/** @throws KubeError when the object is not a Node as the API serves it */
export function toNodeView(object: unknown, attempt: string): NodeView {
  const { metadata, spec, status } = requireObject<NodeObject>(object, 'Node', attempt);
  const conditions = requireList<ConditionObject>(status?.conditions, 'status.conditions', attempt);
  return {
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    unschedulable: spec?.unschedulable === true,
    taints: requireList<NodeTaint>(spec?.taints, 'spec.taints', attempt),
    ready: conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    conditions: conditions.map(({ type, status: value, reason = '', message = '' }) => ({
      type,
      status: value,
      reason,
      message,
    })),
  };
}
