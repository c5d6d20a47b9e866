import type { AgentPod } from '../core/agent-pod.ts';
import { hasStatus } from './kube-error.ts';
import { type Collection, listAll } from './list-watch.ts';
import type { Transport } from './transport.ts';

/** As the manifests label them. */
const AGENTS = 'app.kubernetes.io/name=node-svc-checker';
/** The containers of all others have ended. */
const UNFINISHED = 'status.phase!=Succeeded,status.phase!=Failed';

/**
 * The agents' pods whose containers may run, or may come to run.
 *
 * @param namespace where the agents run; null: anywhere
 * @param nodeName only those of this Node; empty: those of none yet; null: all
 * @throws KubeError
 */
export async function listAgentPods(
  transport: Transport,
  namespace: string | null,
  nodeName: string | null,
): Promise<AgentPod[]> {
  const pods = { ...agentPods(namespace, nodeName), metadataOnly: true };
  return (await listAll(transport, pods)).items.map(toAgentPod);
}

/** @see listAgentPods */
export function agentPods(namespace: string | null, nodeName: string | null): Collection {
  return {
    path: namespace === null ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
    labelSelector: AGENTS,
    fieldSelector: nodeName === null ? UNFINISHED : `spec.nodeName=${nodeName},${UNFINISHED}`,
    kind: 'Pod',
    what: `the agents' pods in ${namespace === null ? 'all namespaces' : `namespace ${namespace}`}`,
  };
}

/** Namespaces with agents' pods, sorted; none when the credentials do not reach so far. @throws KubeError */
export async function namespacesWithAgents(transport: Transport): Promise<string[]> {
  try {
    const pods = await listAgentPods(transport, null, null);
    return [...new Set(pods.map(({ namespace }) => namespace))].sort();
  } catch (error) {
    if (hasStatus(error, 403)) return [];
    throw error;
  }
}

function toAgentPod(object: unknown): AgentPod {
  const { metadata } = object as { metadata: { namespace: string; name: string; deletionTimestamp?: string } };
  const { namespace, name, deletionTimestamp = null } = metadata;
  return { namespace, name, deletionTimestamp };
}
