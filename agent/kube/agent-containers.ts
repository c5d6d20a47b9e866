import type { AgentContainer } from '../core/agent-container.ts';
import { agentPods, namespacesWithAgents } from './agent-pods.ts';
import { isRefusal } from './kube-error.ts';
import { listAll, listAndWatch } from './list-watch.ts';
import { type Metadata, requireList } from './shape.ts';
import type { Transport } from './transport.ts';

/** As the manifests name it; whatever else runs in the pod is no agent. */
const CONTAINER = 'agent';

/** All agents' containers; or, in one line, why they are not known. */
export type AgentLookup =
  | { readonly agents: readonly AgentContainer[]; readonly problem: null }
  | { readonly agents: null; readonly problem: string };

/**
 * How the agents' containers are, for a person who may not be allowed to see them, or looks in the wrong namespace.
 *
 * @param namespace where the agents run
 * @param isCertain the namespace is right, so where it has none nobody looks elsewhere
 * @throws KubeError when the API server does not answer
 */
export async function lookUpAgents(transport: Transport, namespace: string, isCertain: boolean): Promise<AgentLookup> {
  try {
    const { items } = await listAll(transport, agentPods(namespace, null));
    const elsewhere = items.length > 0 || isCertain ? [] : await namespacesWithAgents(transport);
    if (elsewhere.length === 0) return { agents: items.flatMap(toContainers), problem: null };
    const problem = `there are none in namespace ${namespace}, but in ${elsewhere.join(', ')}: name it with --namespace`;
    return { agents: null, problem };
  } catch (error) {
    if (isRefusal(error)) return { agents: null, problem: (error as Error).message };
    throw error;
  }
}

/** Tells how the agents' containers are, at the beginning and after each change, until the signal. */
export function watchAgents(
  transport: Transport,
  namespace: string,
  onAgents: (agents: readonly AgentContainer[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const pods = new Map<string, readonly AgentContainer[]>();
  const nameOf = (object: object) => (object as { metadata: Metadata }).metadata.name;
  const tell = () => onAgents([...pods.values()].flat());
  const listener = {
    onList(objects: readonly object[]) {
      pods.clear();
      for (const object of objects) pods.set(nameOf(object), toContainers(object));
      tell();
    },
    onEvent(type: string, object: object) {
      if (type === 'DELETED') pods.delete(nameOf(object));
      else pods.set(nameOf(object), toContainers(object));
      tell();
    },
    // What was seen last is shown until it is seen anew; that the API server does not answer is told of the Nodes.
    onProblem: () => {},
  };
  return listAndWatch(transport, agentPods(namespace, null), listener, signal);
}

type PodObject = {
  metadata: Metadata & { creationTimestamp?: string; deletionTimestamp?: string };
  spec?: { nodeName?: string };
  status?: { containerStatuses?: unknown };
};
type Terminated = { reason?: string; exitCode?: number; finishedAt?: string; message?: string };
type ContainerStatus = {
  name?: string;
  state?: { waiting?: { reason?: string; message?: string }; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
};

/** None of a pod that has no node yet, whose kubelet has not told of it, or that is being deleted: another one comes. */
function toContainers(object: unknown): AgentContainer[] {
  const { metadata, spec, status } = object as PodObject;
  const nodeName = spec?.nodeName ?? '';
  if (nodeName === '' || metadata.deletionTimestamp !== undefined) return [];
  const what = `status.containerStatuses of pod ${metadata.name}`;
  const statuses = requireList<ContainerStatus>(status?.containerStatuses, what, "read the agents' pods");
  return statuses.flatMap(({ name, state, lastState }) => {
    if (name !== CONTAINER) return [];
    const terminated = state?.terminated ?? lastState?.terminated;
    const { reason = '', message = '' } = state?.waiting ?? state?.terminated ?? {};
    return [
      {
        nodeName,
        createdAt: metadata.creationTimestamp ?? '',
        waiting: state?.waiting || state?.terminated ? { reason, message } : null,
        ended: terminated
          ? {
              reason: terminated.reason ?? '',
              exitCode: terminated.exitCode ?? 0,
              finishedAt: terminated.finishedAt ?? '',
              message: terminated.message ?? '',
            }
          : null,
      },
    ];
  });
}
