import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LoggedRequest } from '../../simulator/exchange.ts';
import { type EditableObject, type SimulatorOptions, startSimulator } from '../../simulator/simulator.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { LEDGER, readLedgerText } from '../harness/held-node.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

/** A status of Nodes and pods alike. */
export const READY = { conditions: [{ type: 'Ready', status: 'True' }] };
/** The one Node of each scene, which is Ready. */
export const NODE = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' }, status: READY };
/** The owner of every pod that names no other. */
export const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1', controller: true };
/** Of every policy that says no other actions. */
export const TAINT = { key: 'sick', value: 'true', effect: 'NoSchedule' };

/** Of the agent's one policy, and of the simulator. */
export type SceneOptions = {
  readonly drain?: object;
  readonly actions?: object;
  /** More fields of the policy. */
  readonly spec?: object;
  readonly failureThreshold?: number;
  readonly controllers?: SimulatorOptions['controllers'];
};

type PodOptions = { readonly metadata?: object; readonly spec?: object; readonly phase?: string };

/** One simulator with one Node, and one agent with a check that can be broken; each test has its own. */
export async function setScene(t: TestContext, options: SceneOptions = {}) {
  const { drain = {}, actions = { taint: TAINT }, spec = {}, failureThreshold = 1, controllers = {} } = options;
  const dir = mkdtempSync(join(tmpdir(), 'nsc-drain-'));
  const check = createSickCheck({ ...spec, check: { failureThreshold }, actions: { ...actions, drain } });
  const simulator = await startSimulator({ controllers });
  simulator.seed(NODE);
  const agents: AgentProcess[] = [];
  t.after(async () => {
    for (const agent of agents) agent.kill('SIGKILL');
    await Promise.all(agents.map(({ exit }) => exit));
    await simulator.close();
    check.remove();
    rmSync(dir, { recursive: true });
  });

  const requests = (method: string, path: RegExp) =>
    simulator.requests.filter((request) => request.method === method && path.test(request.path));
  const node = () => simulator.read('Node', 'node-1') as unknown as NodeObject | undefined;
  const ledger = (): LedgerObject | undefined => {
    const text = node()?.metadata.annotations?.[LEDGER];
    return text === undefined ? undefined : readLedgerText(text);
  };
  return {
    check,
    simulator,
    node,
    ledger,
    requests,
    evictions: (): LoggedRequest[] => requests('POST', /\/eviction$/),
    cordoned: () => node()?.spec?.unschedulable === true,
    hasTaint: (effect: string) =>
      (node()?.spec?.taints ?? []).some((taint) => taint.key === 'sick' && taint.effect === effect),
    /** A ready pod of a ReplicaSet on the node, unless it says otherwise. */
    pod(name: string, { metadata, spec, phase = 'Running' }: PodOptions = {}) {
      simulator.seed({
        kind: 'Pod',
        metadata: { name, labels: { app: name }, ownerReferences: [REPLICA_SET], ...metadata },
        spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'registry.example/none' }], ...spec },
        status: { phase, ...(phase === 'Running' ? READY : {}) },
      });
    },
    hasPod: (name: string) => simulator.read('Pod', name) !== undefined,
    /** Keeps every pod with this app label from being evicted until it is freed. */
    protect(app: string, name = app) {
      const spec = { maxUnavailable: 0, selector: { matchLabels: { app } } };
      simulator.seed({ kind: 'PodDisruptionBudget', metadata: { name }, spec });
    },
    free: (name: string) =>
      simulator.edit('PodDisruptionBudget', name, (draft) => {
        draft.spec.maxUnavailable = 1;
        draft.metadata.generation += 1;
      }),
    editNode: (change: (draft: EditableObject) => void) => simulator.edit('Node', 'node-1', change),
    events: (reason: string) =>
      simulator.list('Event').filter((event) => event.reason === reason) as unknown as { message: string }[],
    async start(env: Record<string, string> = {}): Promise<AgentProcess> {
      const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
      const agent = startAgent({ nodeName: 'node-1', policyDir: check.policyDir, kubeconfig, env });
      agents.push(agent);
      await agent.waitForLine(/\[✅OK\]|\[💥FAIL\]/);
      await until('the report', () => node()?.metadata.annotations?.['node-svc-checker/policy'] !== undefined);
      return agent;
    },
    /** The end of the drain as the ledger has it. */
    ended: (state: 'Drained' | 'GaveUp') =>
      until(`the drain to end as ${state}`, () => ledger()?.drain?.state === state),
  };
}

/** What `setScene` sets. */
export type Scene = Awaited<ReturnType<typeof setScene>>;

export const until = (what: string, condition: () => boolean) => waitFor(condition, { what });
const runs = (agent: AgentProcess) => agent.lines.filter((line) => /\[(✅OK|💥FAIL)\]/.test(line)).length;

/** Whether evictions go on is seen after three more runs of the check: a blocked pod is tried again within two seconds. */
export async function assertNoMoreEvictions(scene: Scene, agent: AgentProcess) {
  const [tried, ran] = [scene.evictions().length, runs(agent)];
  await until('three runs', () => runs(agent) >= ran + 3);
  assert.equal(scene.evictions().length, tried, 'nothing is evicted any more');
}

/** A drain under way that cannot end, because a budget protects its only pod. */
export async function blockedDrain(t: TestContext, options: SceneOptions = {}) {
  const scene = await setScene(t, options);
  scene.pod('web');
  scene.protect('web');
  scene.check.breakIt();
  const agent = await scene.start();
  await until('a first eviction', () => scene.evictions().length > 0);
  return { scene, agent };
}

/** Where pods are evicted. */
export const EVICTION = { method: 'POST', path: /\/eviction$/ };

interface NodeObject {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key: string; readonly effect: string }[];
  };
}

interface LedgerObject {
  readonly drain: { readonly state: string; readonly since: string } | null;
}
