import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import type { KubeObject } from '../harness/api-client.ts';
import type { ControlPlane } from '../harness/control-plane.ts';
import { endPod, setPodPhase } from '../harness/pods.ts';
import { createSickCheck, type SickCheck } from '../harness/sick-check.ts';
import { createTokenOf } from '../harness/tokens.ts';
import { waitFor } from '../harness/wait-for.ts';
import { NAMESPACE } from './helm-chart.ts';
import { podsOf } from './hook-jobs.ts';

/** What a seated agent says on its Node of its check. */
export const CONDITION = 'SeatIsHealthy';
const BUDGET = {
  apiVersion: 'node-svc-checker/v1',
  kind: 'NodeDisruptionBudget',
  metadata: { name: 'cluster' },
  spec: { nodeSelector: {}, maxUnavailable: '100%' },
};

/** A real agent in the seat of a pod of the DaemonSet. */
export interface SeatedAgent {
  readonly check: SickCheck;
  readonly process: AgentProcess;
  /** Does what the kubelet would once the pod is deleted: ends the agent, and then the pod. */
  endWithPod(): Promise<void>;
}

/**
 * Starts the agent of a node as the chart has it, with the pod that the DaemonSet controller made for it, and its account.
 * Its check, which `breakIt` lets fail, then cordons and taints.
 */
export async function seatAgent(plane: ControlPlane, nodeName: string): Promise<SeatedAgent> {
  const find = async () => (await podsOf(plane, 'node-svc-checker')).find((pod) => nodeOf(pod) === nodeName);
  const pod = await waitFor(find, { what: `the agent's pod of ${nodeName}` });
  const { name } = pod.metadata;
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}`;
  await plane.api.requestOk('POST', `${path}/binding`, {
    body: { metadata: { name }, target: { apiVersion: 'v1', kind: 'Node', name: nodeName } },
  });
  await setPodPhase(plane.api, NAMESPACE, name, 'Running');
  const { serviceAccountName: serviceAccount } = pod.spec as unknown as { serviceAccountName: string };
  const token = await createTokenOf(plane.api, { namespace: NAMESPACE, serviceAccount, pod });
  const check = createSickCheck({
    nodeCondition: CONDITION,
    check: { failureThreshold: 1 },
    actions: { cordon: true, taint: { key: 'sick', value: 'true', effect: 'NoSchedule' } },
  });
  writeFileSync(join(check.policyDir, 'budget.yaml'), JSON.stringify(BUDGET));
  const agent = startAgent({
    nodeName,
    policyDir: check.policyDir,
    kubeconfig: plane.writeKubeconfig(name, { token }),
    env: { POD_NAME: name, POD_NAMESPACE: NAMESPACE },
  });
  return {
    check,
    process: agent,
    async endWithPod() {
      const isDeleted = async () => (await plane.api.requestOk('GET', path)).metadata.deletionTimestamp !== undefined;
      await waitFor(isDeleted, { what: `the deletion of pod ${name}` });
      agent.kill('SIGTERM');
      await agent.exit;
      await endPod(plane.api, NAMESPACE, name);
    },
  };
}

/** The node that the DaemonSet controller made the pod for. */
function nodeOf({ spec }: KubeObject): string | undefined {
  const { affinity } = spec as unknown as {
    affinity?: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: NodeSelector } };
  };
  const [term] = affinity?.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms ?? [];
  return term?.matchFields?.find(({ key }) => key === 'metadata.name')?.values[0];
}

interface NodeSelector {
  readonly nodeSelectorTerms: readonly {
    readonly matchFields?: readonly { readonly key: string; readonly values: readonly string[] }[];
  }[];
}
