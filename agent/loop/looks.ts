import type { AgentEvent } from '../core/agent-event.ts';
import { backoffMs } from '../core/backoff.ts';
import type { Claim } from '../core/claim.ts';
import type { Orders } from '../core/orders/orders.ts';
import { type PodName, podKey } from '../core/orders/pod.ts';
import type { AgentPodApi, Clock, HasEnded, NodeApi } from '../core/ports.ts';
import { readNode } from './read-node.ts';

const RETRY = { baseMs: 1_000, maxMs: 60_000 };

export type LooksOptions = {
  readonly nodeApi: Pick<NodeApi, 'read' | 'isGone'>;
  /** The version of the Node that is known now; null: it was never read. */
  known(): string | null;
  readonly podApi: AgentPodApi;
  readonly hasEnded: HasEnded;
  /** null when the agent runs in no pod. */
  readonly ownPod: PodName | null;
  readonly clock: Clock;
  send(event: AgentEvent): void;
  onProblem(error: unknown): void;
};

/** Reads what is ordered to be read, each thing once at a time, and tells what was found. */
export function createLooks({ nodeApi, known, podApi, hasEnded, ownPod, clock, send, onProblem }: LooksOptions) {
  const stopping = new AbortController();
  const underWay = new Set<string>();

  function once(what: string, look: () => Promise<void>): void {
    if (underWay.has(what) || stopping.signal.aborted) return;
    underWay.add(what);
    look()
      .catch(onProblem)
      .finally(() => underWay.delete(what));
  }

  async function lookAtNode(): Promise<void> {
    try {
      await readNode(nodeApi, known, send);
    } catch (error) {
      if (nodeApi.isGone(error)) return send({ kind: 'NodeGone' });
      send({ kind: 'LookFailed' });
      onProblem(error);
    }
  }

  /**
   * The process of another pod has numbers of its own; that of ours, or of none, may be asked for. Of our own pod whatever is
   * not among our processes was a container that ended before ours began.
   */
  async function lookFor({ id, pod, ...process }: Claim): Promise<void> {
    const isOurPod = pod !== null && ownPod !== null && podKey(pod) === podKey(ownPod);
    let isGone = false;
    try {
      if (isOurPod) isGone = hasEnded(process) !== false;
      else isGone = pod === null ? hasEnded(process) === true : await podApi.isGone(pod);
    } catch (error) {
      onProblem(error);
    }
    send({ kind: 'RivalLooked', id, isGone });
  }

  /** They are needed before the first NoExecute taint, and do not change. */
  async function readTolerations(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        send({ kind: 'TolerationsRead', tolerations: await podApi.readOwnTolerations() });
        return;
      } catch (error) {
        onProblem(error);
        await clock.sleep(backoffMs(attempt, RETRY, clock.random()), stopping.signal);
      }
    }
  }

  return {
    obey(orders: Pick<Orders, 'readNode' | 'lookFor' | 'readTolerations'>): void {
      const other = orders.lookFor;
      if (orders.readNode) once('node', lookAtNode);
      if (other !== null) once(other.id, () => lookFor(other));
      if (orders.readTolerations) once('tolerations', readTolerations);
    },
    stop(): void {
      stopping.abort();
    },
  };
}
