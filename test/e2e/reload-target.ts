import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../../simulator/simulator.ts';
import { endAgents, joinAgentCluster, type StartedAgent } from '../harness/agent-cluster.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import type { NodeObject } from '../harness/held-node.ts';
import { createNode } from '../harness/nodes.ts';
import type { SickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

/** The merge patch an agent sent for its Node. */
export interface NodeWrite {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string | null>> };
  readonly spec?: Partial<NodeObject['spec']>;
}

/** An API server, and agents on its Nodes. */
export interface ReloadTarget {
  /** Creates a ready Node with the label role=storage, and starts an agent on it that `stop` ends. */
  start(nodeName: string, check: SickCheck): Promise<AgentProcess>;
  node(name: string): Promise<NodeObject>;
  /** Changes the label `role`, as a person would. */
  setRole(name: string, role: string): Promise<void>;
  /** Now, to be given to `writes`. */
  mark(): number;
  /** What was written to the Node itself by its agent since the mark, oldest first, as the API server logged it. */
  writes(name: string, mark: number): Promise<readonly NodeWrite[]>;
  stop(): Promise<void>;
}

/** The simulator in this process. */
export async function startOnSimulator(): Promise<ReloadTarget> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-reload-'));
  const simulator = await startSimulator();
  const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
  const started: StartedAgent[] = [];
  return {
    async start(nodeName, check) {
      const status = { conditions: [{ type: 'Ready', status: 'True' }] };
      simulator.seed({ kind: 'Node', metadata: { name: nodeName, labels: { role: 'storage' } }, spec: {}, status });
      const agent = startAgent({ nodeName, policyDir: check.policyDir, kubeconfig });
      started.push({ agent, check });
      return agent;
    },
    node: async (name) => simulator.read('Node', name) as unknown as NodeObject,
    async setRole(name, role) {
      simulator.edit('Node', name, (draft) => {
        draft.metadata.labels.role = role;
      });
    },
    mark: () => simulator.requests.length,
    async writes(name, mark) {
      const since = simulator.requests.slice(mark);
      const patches = since.filter(({ method, path }) => method === 'PATCH' && path === `/api/v1/nodes/${name}`);
      return patches.map(({ body }) => JSON.parse(body));
    },
    async stop() {
      await endAgents(started);
      await simulator.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** A real API server, with the shipped RBAC and a token bound to each agent's pod. */
export async function startOnControlPlane(): Promise<ReloadTarget> {
  const cluster = await joinAgentCluster();
  const { api, audit } = cluster.plane;
  return {
    async start(nodeName, check) {
      await createNode(api, nodeName, { labels: { role: 'storage' } });
      return cluster.start(await cluster.seat(nodeName), check);
    },
    node: cluster.node,
    async setRole(name, role) {
      await api.requestOk('PATCH', `/api/v1/nodes/${name}`, { body: { metadata: { labels: { role } } } });
    },
    mark: audit.mark,
    async writes(name, mark) {
      const entries = () => audit.since(mark, { nodeName: name, verb: 'patch', resource: 'nodes' });
      // Only what has been answered carries its body.
      const answered = () => {
        const all = entries();
        return all.every(({ stage }) => stage === 'ResponseComplete') ? all : null;
      };
      const written = await waitFor(answered, { what: `every write to node ${name} to be answered` });
      return written.map(({ requestObject }) => requestObject as NodeWrite);
    },
    stop: cluster.stop,
  };
}
