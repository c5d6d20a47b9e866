import { type AgentProcess, startAgent } from './agent-process.ts';
import { AGENT_ACCOUNT, grantAgents, NAMESPACE } from './agent-rights.ts';
import type { ApiClient } from './api-client.ts';
import type { AuditEntry } from './audit.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  type OwnControlPlane,
  startControlPlane,
} from './control-plane.ts';
import { isCordoned, isReleased, type NodeObject } from './held-node.ts';
import { deleteNode, readNode } from './nodes.ts';
import type { Runtime } from './nsc-command.ts';
import { endPod } from './pods.ts';
import { joinControlPlane } from './shared-control-plane.ts';
import type { SickCheck } from './sick-check.ts';
import { createPodBoundToken } from './tokens.ts';
import { waitFor } from './wait-for.ts';
import type { WatchEvent } from './watch-stream.ts';

/** The pod an agent counts as running in, and what it gets of it; agents of one seat are restarts of one another. */
export interface AgentSeat {
  readonly nodeName: string;
  readonly pod: string;
  readonly token: string;
  readonly kubeconfig: string;
}

/** The states that a Node goes through, from the one it had when it was first followed. */
export interface FollowedNode {
  /** Returns once a state after the last one that was awaited meets the condition, however shortly. */
  until(what: string, condition: (node: NodeObject) => boolean): Promise<boolean>;
  close(): void;
}

/** A real control plane with the shipped RBAC and admission policy, and agents on it as they are shipped. */
export interface AgentCluster<Plane extends ControlPlane = ControlPlane> {
  readonly plane: Plane;
  /** Makes the pod of an agent on a Node that is there; with `tolerates` it tolerates every taint. */
  seat(nodeName: string, options?: { readonly tolerates?: boolean }): Promise<AgentSeat>;
  /** Starts one in a process of its own, with the token bound to its pod. */
  start(seat: AgentSeat, check: SickCheck, runtime?: Runtime): AgentProcess;
  /** Has `stop` end this agent, too, and remove its check. */
  keep(agent: AgentProcess, check: SickCheck): void;
  /** Ends the agents that were started on a node, and removes their checks, before `stop` does: those that run on cost. */
  endOn(nodeName: string): Promise<void>;
  node(name: string): Promise<NodeObject>;
  /** Returns once one of the states that the Node goes through from now on meets the condition. */
  until(name: string, what: string, condition: (node: NodeObject) => boolean): Promise<boolean>;
  /** For states that do not last: they may be over when `until` begins to look. The Node need not be there yet. */
  follow(name: string): Promise<FollowedNode>;
  cordoned(name: string): Promise<boolean>;
  released(name: string): Promise<boolean>;
  /** What the agents of a Node asked for since the mark. */
  requests(name: string, mark: number): AuditEntry[];
  /** Ends the agents, and the control plane unless others use it. */
  stop(): Promise<void>;
}

/** An agent, and the check it runs. */
export interface StartedAgent {
  readonly agent: AgentProcess;
  readonly check: SickCheck;
}

/** Kills agents and removes their checks. */
export async function endAgents(started: readonly StartedAgent[]): Promise<void> {
  for (const { agent, check } of started) {
    agent.kill('SIGKILL');
    await agent.exit;
    check.remove();
  }
}

/** Agents on the control plane that the files of a run share, see `joinControlPlane`. Call `stop` in `after`. */
export async function joinAgentCluster(): Promise<AgentCluster> {
  return agentsOn(await joinControlPlane());
}

/** Agents on a control plane of their own, for tests that disturb it or need another one. Call `stop` in `after`. */
export async function startAgentCluster(options?: ControlPlaneOptions): Promise<AgentCluster<OwnControlPlane>> {
  const plane = await startControlPlane(options);
  try {
    await grantAgents(plane);
    return agentsOn(plane);
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

function agentsOn<Plane extends ControlPlane>(plane: Plane): AgentCluster<Plane> {
  const started: (StartedAgent & { readonly nodeName?: string })[] = [];
  const seats: AgentSeat[] = [];
  const until: AgentCluster['until'] = async (name, what, condition) => {
    const followed = await follow(plane.api, name);
    try {
      return await followed.until(what, condition);
    } finally {
      followed.close();
    }
  };
  const keep: AgentCluster['keep'] = (agent, check) => void started.push({ agent, check });
  return {
    plane,
    async seat(nodeName, { tolerates = false } = {}) {
      const seat = await createSeat(plane, nodeName, tolerates);
      seats.push(seat);
      return seat;
    },
    start({ nodeName, pod, kubeconfig }, check, runtime) {
      const env = { POD_NAME: pod, POD_NAMESPACE: NAMESPACE };
      const agent = startAgent({ nodeName, policyDir: check.policyDir, kubeconfig, runtime, env });
      started.push({ agent, check, nodeName });
      return agent;
    },
    keep,
    endOn: (name) => endAgents(started.filter(({ nodeName }) => nodeName === name)),
    node: (name) => readNode(plane.api, name) as Promise<NodeObject>,
    until,
    follow: (name) => follow(plane.api, name),
    cordoned: (name) => until(name, 'cordoned', isCordoned),
    released: (name) => until(name, 'given back', isReleased),
    requests: (name, mark) => plane.audit.since(mark, { nodeName: name }),
    async stop() {
      await endAgents(started);
      try {
        await Promise.all(seats.map((seat) => remove(plane.api, seat)));
      } finally {
        await plane.stop();
      }
    },
  };
}

/** A watch misses no state and costs one request. */
async function follow(api: ApiClient, name: string): Promise<FollowedNode> {
  const watch = await api.watch(`/api/v1/nodes?fieldSelector=metadata.name%3D${name}`);
  let seen = 0;
  return {
    async until(what, condition) {
      const isMet = () => {
        while (seen < watch.events.length) {
          const { type, object } = watch.events[seen++] as WatchEvent;
          if (type !== 'DELETED' && condition(object as unknown as NodeObject)) return true;
        }
        if (watch.hasEnded()) throw new Error('the watch has ended');
        return false;
      };
      return waitFor(isMet, { what: `node ${name} to be ${what}` });
    },
    close: () => watch.close(),
  };
}

async function remove(api: ApiClient, { nodeName, pod }: AgentSeat): Promise<void> {
  await endPod(api, NAMESPACE, pod);
  await deleteNode(api, nodeName);
}

async function createSeat(plane: ControlPlane, nodeName: string, tolerates: boolean): Promise<AgentSeat> {
  const pod = `agent-${nodeName}-${Math.random().toString(36).slice(2, 8)}`;
  const identity = { namespace: NAMESPACE, serviceAccount: AGENT_ACCOUNT, pod, node: nodeName };
  const { token } = await createPodBoundToken(plane.api, identity);
  if (tolerates) {
    const body = [{ op: 'add', path: '/spec/tolerations/-', value: { operator: 'Exists' } }];
    const contentType = 'application/json-patch+json';
    await plane.api.requestOk('PATCH', `/api/v1/namespaces/${NAMESPACE}/pods/${pod}`, { body, contentType });
  }
  return { nodeName, pod, token, kubeconfig: plane.writeKubeconfig(pod, { token, namespace: NAMESPACE }) };
}
