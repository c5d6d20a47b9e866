import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import { createNode } from '../harness/nodes.ts';
import { type Prometheus, startPrometheus } from '../harness/prometheus.ts';
import { WITH_KUBELET } from '../harness/shared-control-plane.ts';

/** As the Prometheus operator names what our PodMonitor selects. */
export const JOB = `${NAMESPACE}/node-svc-checker`;

/** Of the nodes of a scene, and no others. */
const FLEET = { fleet: 'scene' } as const;

/** The documents of a policy directory, by file name. */
export type PolicyFiles = Readonly<Record<string, object>>;

/** Real agents of the same policies on a real control plane, and a real Prometheus that scrapes them. */
export interface Scene {
  readonly cluster: AgentCluster;
  /** What each of the checks runs; it takes as many seconds as its variable TAKES says. */
  readonly command: readonly string[];
  readonly prometheus: Prometheus;
  agent(nodeName: string): AgentProcess;
  /** What the check of a policy does on a node from now on: exit with 1, or never end. */
  fault(nodeName: string, policy: string, what: 'fails' | 'hangs'): void;
  heal(nodeName: string, policy: string): void;
  writePolicies(nodeName: string, files: PolicyFiles): void;
  stop(): Promise<void>;
}

export interface SceneOptions {
  readonly nodeNames: readonly string[];
  /** In force at first on every node, made with the command that each check must name. */
  readonly policies: (command: readonly string[]) => PolicyFiles;
  readonly scrapeSeconds?: number;
}

/** Starts all of it and waits until every agent has found its checks healthy; call `stop` in `after`. */
export async function startScene({ nodeNames, policies, scrapeSeconds }: SceneOptions): Promise<Scene> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-scene-'));
  const faultOf = (nodeName: string, policy: string) => join(dir, `${nodeName}.${policy}`);
  const script = join(dir, 'check.sh');
  const fault = `'${dir}'/"$NODE_NAME.$NSC_POLICY"`;
  const lines = [
    `sleep "\${TAKES:-0}"`,
    `[ -e ${fault} ] || exit 0`,
    `grep -q hangs ${fault} && exec sleep 60`,
    'exit 1',
  ];
  writeFileSync(script, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  const policyDirOf = (nodeName: string) => join(dir, `policy-${nodeName}`);
  const writePolicies: Scene['writePolicies'] = (nodeName, files) => {
    for (const [name, document] of Object.entries(files)) {
      writeFileSync(join(policyDirOf(nodeName), name), JSON.stringify(document));
    }
  };

  const cluster = await joinAgentCluster();
  const agents = new Map<string, AgentProcess>();
  let prometheus: Prometheus | undefined;
  const stop = async () => {
    for (const agent of agents.values()) {
      agent.kill('SIGKILL');
      await agent.exit;
    }
    await prometheus?.stop();
    await cluster.stop();
    rmSync(dir, { recursive: true });
  };
  try {
    for (const nodeName of nodeNames) {
      await createNode(cluster.plane.api, nodeName, { labels: { ...WITH_KUBELET, ...FLEET } });
      mkdirSync(policyDirOf(nodeName));
      writePolicies(nodeName, policies([script]));
      const { pod, kubeconfig } = await cluster.seat(nodeName, { tolerates: true });
      const env = { POD_NAME: pod, POD_NAMESPACE: NAMESPACE };
      agents.set(nodeName, startAgent({ nodeName, policyDir: policyDirOf(nodeName), kubeconfig, env }));
    }
    for (const agent of agents.values()) await agent.waitForLine(/OK/);
    prometheus = await startPrometheus(JOB, { intervalSeconds: scrapeSeconds });
    prometheus.setTargets(
      [...agents].map(([node, agent]) => ({ address: agent.httpAddress(), labels: { job: JOB, node } })),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    cluster,
    command: [script],
    prometheus,
    agent(nodeName) {
      const agent = agents.get(nodeName);
      if (agent === undefined) throw new Error(`no agent was started on node ${nodeName}`);
      return agent;
    },
    fault: (nodeName, policy, what) => writeFileSync(faultOf(nodeName, policy), what),
    heal: (nodeName, policy) => rmSync(faultOf(nodeName, policy), { force: true }),
    writePolicies,
    stop,
  };
}

/** A policy whose check runs every second and acts on the third failure in a row. */
export function policyOf(name: string, { check, ...spec }: { check: object; [field: string]: unknown }): object {
  const defaults = { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 3 };
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeCheckPolicy',
    metadata: { name },
    spec: { ...spec, check: { ...defaults, ...check } },
  };
}

/** A budget over every node of the scene. */
export function budgetOf(name: string, maxUnavailable: number): object {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name },
    spec: { nodeSelector: { matchLabels: FLEET }, maxUnavailable },
  };
}
