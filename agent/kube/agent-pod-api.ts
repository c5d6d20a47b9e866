import { type PodName, podKey } from '../core/orders/pod.ts';
import type { AgentPodApi } from '../core/ports.ts';
import type { Toleration } from '../core/taint.ts';
import { isNotFound } from './kube-error.ts';
import { oddAnswer, requireList, requireNamed } from './shape.ts';
import type { Transport } from './transport.ts';

type PodObject = { spec?: { nodeName?: string; tolerations?: unknown }; status?: { phase?: string } };

/**
 * @param own the pod that this agent runs in; null when it runs in none
 * @param nodeName of the Node that the agents are of
 */
export function createAgentPodApi(transport: Transport, own: PodName | null, nodeName: string): AgentPodApi {
  const read = async ({ namespace, name }: PodName): Promise<PodObject> => {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
    const attempt = `read the agent's pod ${namespace}/${name}`;
    return requireNamed<PodObject>(await transport.request({ method: 'GET', path, attempt }), 'Pod', name, attempt);
  };
  return {
    async readOwnTolerations() {
      if (own === null) return [];
      const { spec } = await read(own);
      return requireList<Toleration>(spec?.tolerations, 'spec.tolerations', `read pod ${podKey(own)}`);
    },
    async isGone(pod) {
      try {
        const { spec, status } = await read(pod);
        if (spec === undefined) throw oddAnswer(`look for pod ${podKey(pod)}`, 'a Pod with a spec', status);
        // A Node that was cloned or restored, or a claim that was copied, names the agent of another one.
        if (spec.nodeName !== nodeName) return true;
        return status?.phase === 'Succeeded' || status?.phase === 'Failed';
      } catch (error) {
        if (isNotFound(error, 'pods', pod.name)) return true;
        throw error;
      }
    },
  };
}
