import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentPod, canStillWrite } from '../core/agent-pod.ts';
import { listAgentPods, namespacesWithAgents } from '../kube/agent-pods.ts';
import { isRefusal } from '../kube/kube-error.ts';
import type { Transport } from '../kube/transport.ts';
import type { Cluster } from './cluster-options.ts';
import { parseDuration } from './duration.ts';
import { inParallel } from './in-parallel.ts';
import { createLatestText } from './latest-text.ts';

const LOOK_EVERY_MS = 2_000;
/** Whoever waits for less needs no word about it. */
const SILENT_MS = 2_000;
const PROGRESS_EVERY_MS = 5_000;
const MAX_LOOKS_IN_FLIGHT = 10;
const MAX_PODS_NAMED = 5;

/**
 * Waits until no agent is left that could write to these nodes.
 *
 * @param nodes null: all nodes
 * @param timeout a duration
 * @throws Error that names the pods that are left then; or says that nobody may tell, or that the agents are elsewhere
 */
export async function awaitAgentsGone(
  cluster: Cluster,
  nodes: readonly string[] | null,
  timeout: string,
): Promise<void> {
  const beganAt = performance.now();
  const deadlineMs = parseDuration('--timeout', timeout);
  const progress = createLatestText(PROGRESS_EVERY_MS, (text) => process.stderr.write(`${text}\n`));
  try {
    for (;;) {
      const left = await look(cluster, nodes);
      if (left.kind === 'Pods' && left.pods.length === 0) return;
      const what = left.kind === 'Pods' ? describePods(left.pods) : left.error.message;
      const waitedMs = performance.now() - beganAt;
      if (waitedMs >= deadlineMs) throw new Error(problemOf(left, what, cluster.namespace, timeout));
      if (waitedMs >= SILENT_MS) {
        const text = left.kind === 'Pods' ? `waiting for agents to end: ${what}` : `${what}; trying again`;
        progress.show(() => ({ state: what, text }));
      }
      await sleep(Math.min(LOOK_EVERY_MS, deadlineMs - waitedMs));
    }
  } finally {
    progress.stop();
  }
}

/** In one line, the agents' pods that are waited for as things are now; null when there are none. */
export async function agentsInTheWay(cluster: Cluster, nodes: readonly string[] | null): Promise<string | null> {
  const left = await look(cluster, nodes);
  if (left.kind === 'Problem') throw left.error;
  return left.pods.length === 0 ? null : describePods(left.pods);
}

type Look =
  | { readonly kind: 'Pods'; readonly pods: readonly AgentPod[] }
  /** It may pass. */
  | { readonly kind: 'Problem'; readonly error: Error };

/** @throws Error for what will not pass */
async function look({ transport, namespace, isOwnNamespace }: Cluster, nodes: readonly string[] | null): Promise<Look> {
  try {
    const all = await listPods(transport, namespace, nodes);
    if (all.length === 0 && !isOwnNamespace) {
      const elsewhere = await namespacesWithAgents(transport);
      if (elsewhere.length > 0 && !elsewhere.includes(namespace)) {
        const there = `there are no agents in namespace ${namespace}, but in ${elsewhere.join(', ')}`;
        throw new WrongNamespace(`${there}: name it with --namespace; nothing was forgotten`);
      }
    }
    return { kind: 'Pods', pods: all.filter((pod) => canStillWrite(pod, Date.now())) };
  } catch (error) {
    if (error instanceof WrongNamespace || !(error instanceof Error)) throw error;
    if (!isRefusal(error)) return { kind: 'Problem', error };
    const reason = '--forget has to list them, to know that no agent writes anew what it removes';
    throw new Error(`${error.message}; ${reason}; nothing was forgotten`, { cause: error });
  }
}

class WrongNamespace extends Error {}

async function listPods(
  transport: Transport,
  namespace: string,
  nodes: readonly string[] | null,
): Promise<readonly AgentPod[]> {
  if (nodes === null) return listAgentPods(transport, namespace, null);
  const pods: AgentPod[] = [];
  // A pod that has no node yet may come to any.
  await inParallel([...nodes, ''], MAX_LOOKS_IN_FLIGHT, async (node) => {
    pods.push(...(await listAgentPods(transport, namespace, node)));
  });
  return pods;
}

function problemOf(left: Look, what: string, namespace: string, timeout: string): string {
  if (left.kind === 'Problem') return `${what}; gave up after ${timeout}, nothing was forgotten`;
  const isEnding = left.pods.every(({ deletionTimestamp }) => deletionTimestamp !== null);
  const advice = isEnding
    ? 'they are being deleted: try again, with a longer --timeout'
    : `delete their DaemonSet first (kubectl -n ${namespace} delete daemonset node-svc-checker)`;
  return `after ${timeout} there are agents in namespace ${namespace} that may still write: ${what}; nothing was forgotten; ${advice}`;
}

function describePods(pods: readonly AgentPod[]): string {
  const named = pods.slice(0, MAX_PODS_NAMED).map(({ name, deletionTimestamp }) => {
    return `pod ${name}${deletionTimestamp === null ? '' : ' (terminating)'}`;
  });
  const more = pods.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
