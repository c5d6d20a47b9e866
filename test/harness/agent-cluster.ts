import { fileURLToPath } from 'node:url';
import { AGENT_ACCOUNT, applyAdmissionPolicy } from './admission.ts';
import { type AgentProcess, startAgent } from './agent-process.ts';
import type { AuditEntry } from './audit.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
import { isCordoned, isReleased, type NodeObject } from './held-node.ts';
import { readNode } from './nodes.ts';
import type { Runtime } from './nsc-command.ts';
import type { SickCheck } from './sick-check.ts';
import { createPodBoundToken } from './tokens.ts';
import { waitFor } from './wait-for.ts';

/** Where the agents and their service account are. */
export const NAMESPACE = 'node-svc-checker';
/** The shipped rights of the agents. */
export const RBAC = fileURLToPath(new URL('../../deploy/kustomize/base/rbac.yaml', import.meta.url));
/** How long a Node may take to become what is awaited, in milliseconds, unless a test says otherwise. */
const NODE_DEADLINE_MS = 30_000;

/** The pod an agent counts as running in, and what it gets of it; agents of one seat are restarts of one another. */
export interface AgentSeat {
  readonly nodeName: string;
  readonly pod: string;
  readonly token: string;
  readonly kubeconfig: string;
}

/** A real control plane with the shipped RBAC and admission policy, and agents on it as they are shipped. */
export interface AgentCluster {
  readonly plane: ControlPlane;
  /** Makes the pod of an agent on a Node that is there; with `tolerates` it tolerates every taint. */
  seat(nodeName: string, options?: { readonly tolerates?: boolean }): Promise<AgentSeat>;
  /** Starts one in a process of its own, with the token bound to its pod. */
  start(seat: AgentSeat, check: SickCheck, runtime?: Runtime): AgentProcess;
  /** Has `stop` end this agent, too, and remove its check. */
  keep(agent: AgentProcess, check: SickCheck): void;
  node(name: string): Promise<NodeObject>;
  until(name: string, what: string, condition: (node: NodeObject) => boolean, deadlineMs?: number): Promise<boolean>;
  cordoned(name: string): Promise<boolean>;
  released(name: string, deadlineMs?: number): Promise<boolean>;
  /** What the agents of a Node asked for since the mark. */
  requests(name: string, mark: number): AuditEntry[];
  /** Ends the agents and the control plane. */
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

/** Starts one; call `stop` in `after`. */
export async function startAgentCluster(options?: ControlPlaneOptions): Promise<AgentCluster> {
  const plane = await startControlPlane(options);
  const started: StartedAgent[] = [];
  try {
    await plane.kubectl(['create', 'namespace', NAMESPACE]);
    await plane.kubectl(['apply', '-f', RBAC]);
    await applyAdmissionPolicy(plane, NAMESPACE);
  } catch (error) {
    await plane.stop();
    throw error;
  }
  const node = (name: string) => readNode(plane.api, name) as Promise<NodeObject>;
  const until: AgentCluster['until'] = (name, what, condition, deadlineMs = NODE_DEADLINE_MS) =>
    waitFor(async () => condition(await node(name)), { what: `node ${name} to be ${what}`, deadlineMs });
  const keep: AgentCluster['keep'] = (agent, check) => void started.push({ agent, check });
  return {
    plane,
    seat: (nodeName, { tolerates = false } = {}) => createSeat(plane, nodeName, tolerates),
    start({ nodeName, pod, kubeconfig }, check, runtime) {
      const env = { POD_NAME: pod, POD_NAMESPACE: NAMESPACE };
      const agent = startAgent({ nodeName, policyDir: check.policyDir, kubeconfig, runtime, env });
      keep(agent, check);
      return agent;
    },
    keep,
    node,
    until,
    cordoned: (name) => until(name, 'cordoned', isCordoned),
    released: (name, deadlineMs) => until(name, 'given back', isReleased, deadlineMs),
    requests: (name, mark) => plane.audit.since(mark, { nodeName: name }),
    async stop() {
      await endAgents(started);
      await plane.stop();
    },
  };
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
