import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { LabelSelector, NodeCheckPolicy, NodeDisruptionBudget, PolicySet } from '../../agent/core/policy.ts';
import { budgetSelects, stopsEverything } from '../../agent/core/slot.ts';
import type { NodeStatus } from '../../agent/core/status.ts';
import { formatPolicyErrors } from '../../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import {
  conditionOf,
  DRAIN_STATE,
  isCordoned,
  type NodeObject,
  POLICY_REPORT,
  taintsOf,
} from '../harness/held-node.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSickScript } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { PolicyFiles } from './shipped-policies.ts';

const NAME = 'node-1';
/** With ours it is ten, so that a percentage is of more than one. */
const OTHERS = 9;
const READY = { conditions: [{ type: 'Ready', status: 'True' }] };
const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1', controller: true };
const DEADLINE_MS = 20_000;
/** What no agent may say while nothing is wrong with the API server. */
const TROUBLE = /trying again|internal error|⛔|\b(Type|Reference|Range)Error\b/i;

/** What is done to the node, as far as a policy can order it. */
type Effects = {
  readonly cordon: boolean;
  /** As `key=value:effect`, sorted. */
  readonly taints: readonly string[];
  readonly drainState: string | undefined;
  readonly podEvicted: boolean;
  /** By type, of the conditions that policies ask for. */
  readonly conditions: Readonly<Record<string, string | undefined>>;
  readonly slots: readonly string[];
};

/**
 * Runs a real agent with a set of policies as it is shipped, lets every check fail and recover, and asserts all that is
 * promised: what is enforced is done and undone, what observes writes nothing, and nobody is told of trouble.
 *
 * Only this is not as shipped, by a patch that comes last: the checks are a script of ours in the agent's own
 * container, every second, and the second failure counts. A set without policies gets one, that cordons.
 */
export async function playSet(t: TestContext, shipped: PolicyFiles): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-played-'));
  const script = createSickScript(dir);
  const { files, set } = playable(shipped, script.path);
  const policyDir = join(dir, 'policy');
  mkdirSync(policyDir);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(policyDir, name), text);
  const simulator = await startSimulator();
  seed(simulator, set);
  const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
  const agent = startAgent({ nodeName: NAME, policyDir, kubeconfig });
  t.after(async () => {
    agent.kill('SIGKILL');
    await agent.exit;
    await simulator.close();
    rmSync(dir, { recursive: true });
  });

  const see = () => effectsOn(simulator, set);
  await settles(agent, 'the healthy node', see, untouched(set));
  script.breakIt();
  await Promise.all(set.policies.map((policy) => failureIsTold(agent, simulator, policy)));
  await settles(agent, 'the sick node', see, ordered(set));
  await assertStatus(kubeconfig, { ...ordered(set), held: acting(set).length > 0 });
  script.heal();
  await settles(agent, 'the recovered node', see, recovered(set));
  await assertStatus(kubeconfig, { slots: [], held: false });

  assert.deepEqual(
    agent.lines.filter((line) => TROUBLE.test(line)),
    [],
  );
  if (acting(set).length === 0) assertOnlyReported(simulator);
}

/** The files with the patch on top, and the policies as they are in force then. */
function playable(shipped: PolicyFiles, command: string): { files: PolicyFiles; set: PolicySet } {
  const { policies, budgets } = load(shipped);
  const own: PolicyFiles = policies.length === 0 ? { 'zz-own.yaml': JSON.stringify(cordoning(budgets)) } : {};
  const files = { ...shipped, ...own };
  const check = { command: [command], runIn: 'Container', periodSeconds: 1, failureThreshold: 2 };
  const patches = load(files).policies.map(({ metadata: { name } }) =>
    JSON.stringify({
      apiVersion: 'node-svc-checker/v1',
      kind: 'NodeCheckPolicyPatch',
      metadata: { name },
      spec: { check },
    }),
  );
  const patched = { ...files, 'zzz-played.yaml': patches.join('\n---\n') };
  return { files: patched, set: load(patched) };
}

function load(files: PolicyFiles): PolicySet {
  const loaded = loadPolicyFiles(Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) })));
  if (!loaded.valid) throw new Error(formatPolicyErrors(loaded.errors).join('\n'));
  return loaded.set;
}

function cordoning(budgets: readonly NodeDisruptionBudget[]): object {
  const nodeSelector = budgets[0]?.spec.nodeSelector;
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeCheckPolicy',
    metadata: { name: 'own' },
    spec: { nodeSelector, check: { command: ['/replaced'] }, actions: { cordon: true } },
  };
}

function seed(simulator: Simulator, set: PolicySet): void {
  const labels = labelsFor(set);
  for (const name of [NAME, ...Array.from({ length: OTHERS }, (_, index) => `other-${index}`)]) {
    simulator.seed({ kind: 'Node', metadata: { name, labels: { ...labels, played: name } }, status: READY });
  }
  simulator.seed({
    kind: 'Pod',
    metadata: { name: 'web', ownerReferences: [OWNER] },
    spec: { nodeName: NAME, containers: [{ name: 'main', image: 'registry.example/none' }] },
    status: { phase: 'Running', ...READY },
  });
}

/** Of a node that every policy and budget selects. */
function labelsFor({ policies, budgets }: PolicySet): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const { nodeSelector } of [...policies, ...budgets].map(({ spec }) => spec)) {
    const { matchLabels = {}, matchExpressions = [] }: LabelSelector = nodeSelector ?? {};
    assert.deepEqual(matchExpressions, [], 'a node is made for matchLabels only: teach this function more');
    for (const [key, value] of Object.entries(matchLabels)) {
      assert.ok([undefined, value].includes(labels[key]), `one node cannot have ${key} as every selector wants it`);
      labels[key] = value;
    }
  }
  for (const { spec } of budgets) if (spec.topologyKey !== undefined) labels[spec.topologyKey] = 'a';
  return labels;
}

/** The policies that do something to the node when their check fails. */
function acting({ policies, budgets }: PolicySet): NodeCheckPolicy[] {
  if (budgets.some(stopsEverything)) return [];
  return policies.filter(({ spec: { mode, paused, actions } }) => {
    const acts = actions.cordon || actions.taint !== undefined || actions.drain !== undefined;
    return mode === 'Enforce' && !paused && acts;
  });
}

function ordered(set: PolicySet): Effects {
  const actions = acting(set).map(({ spec }) => spec.actions);
  const drains = actions.some(({ drain }) => drain !== undefined);
  const taints = actions.flatMap(({ taint }) => taint ?? []).map((taint) => describeTaint(taint));
  return {
    cordon: drains || actions.some(({ cordon }) => cordon),
    taints: [...new Set(taints)].sort(),
    drainState: drains ? 'drainActive' : undefined,
    podEvicted: drains,
    conditions: { ...healthConditions(set, 'False'), ...(drains && lifecycle(set, 'False', 'True')) },
    slots: actions.length === 0 ? [] : budgetNames(set),
  };
}

function untouched(set: PolicySet): Effects {
  const conditions = healthConditions(set, 'True');
  return { cordon: false, taints: [], drainState: undefined, podEvicted: false, conditions, slots: [] };
}

/** As untouched, but for what says that there was something. */
function recovered(set: PolicySet): Effects {
  const { podEvicted } = ordered(set);
  return { ...untouched(set), podEvicted, drainState: acting(set).length > 0 ? 'drainNotActive' : undefined };
}

function healthConditions({ policies }: PolicySet, status: string): Record<string, string> {
  const types = policies.filter(({ spec }) => spec.mode === 'Enforce').flatMap(({ spec }) => spec.nodeCondition ?? []);
  return Object.fromEntries(types.map((type) => [type, status]));
}

function lifecycle(set: PolicySet, inProgress: string, drained: string): Record<string, string> {
  const isWanted = acting(set).some(({ spec }) => spec.lifecycleConditions);
  return isWanted ? { DrainInProgress: inProgress, Drained: drained } : {};
}

function budgetNames(set: PolicySet): string[] {
  const node = { labels: labelsFor(set) };
  return set.budgets
    .filter((budget) => budgetSelects(budget, node))
    .map(({ metadata }) => metadata.name)
    .sort();
}

function effectsOn(simulator: Simulator, set: PolicySet): Effects {
  const node = simulator.read('Node', NAME) as unknown as NodeObject;
  const types = ['DrainInProgress', 'Drained', ...set.policies.flatMap(({ spec }) => spec.nodeCondition ?? [])];
  const conditions = types.map((type) => [type, conditionOf(node, type)?.status] as const);
  const leases = simulator.list('Lease').filter(({ spec }) => spec?.holderIdentity === NAME);
  return {
    cordon: isCordoned(node),
    taints: taintsOf(node).map(describeTaint).sort(),
    drainState: node.metadata.annotations?.[DRAIN_STATE],
    podEvicted: simulator.read('Pod', 'web') === undefined,
    conditions: Object.fromEntries(conditions.filter(([, status]) => status !== undefined)),
    slots: leases.map(({ metadata }) => metadata.labels?.['node-svc-checker/budget'] ?? '').sort(),
  };
}

function describeTaint({ key, value, effect }: { key: string; value?: string; effect: string }): string {
  return `${key}=${value}:${effect}`;
}

/** @throws AssertionError with what there is instead, and the agent's log */
async function settles(agent: AgentProcess, what: string, see: () => Effects, wanted: Effects): Promise<void> {
  try {
    await waitFor(() => isDeepStrictEqual(see(), wanted), { what, deadlineMs: DEADLINE_MS });
  } catch {
    assert.deepEqual(see(), wanted, `${what}; the log:\n${agent.lines.slice(-60).join('\n')}`);
  }
}

/** An observing one says in the log what it would do. */
async function failureIsTold(agent: AgentProcess, simulator: Simulator, policy: NodeCheckPolicy): Promise<void> {
  const { name } = policy.metadata;
  const isTold = () =>
    simulator
      .list('Event')
      .some(({ reason, message }) => reason === 'CheckFailing' && `${message}`.startsWith(`Policy ${name}:`));
  await waitFor(isTold, { what: `the Event that ${name} fails`, deadlineMs: DEADLINE_MS });
  if (policy.spec.mode !== 'Observe') return;
  await agent.waitForLine(new RegExp(`mode is Observe; would otherwise act on the node policy=${name} `));
}

/** The command itself, on our node, since no other has an agent. */
async function assertStatus(kubeconfig: string, wanted: { readonly slots: readonly string[]; readonly held: boolean }) {
  const flags = ['--kubeconfig', kubeconfig, '--selector', `played=${NAME}`, '--output', 'json'];
  const { exitCode, stdout, stderr } = await finished(runNsc(['status', ...flags]));
  assert.equal(stderr, '');
  const { nodes } = JSON.parse(stdout) as { readonly nodes: readonly NodeStatus[] };
  const shown = nodes.map(({ name, problems, slots, held }) => ({ name, problems, slots, held }));
  assert.deepEqual(shown, [{ name: NAME, problems: [], slots: wanted.slots, held: wanted.held }]);
  assert.equal(exitCode, wanted.held ? 1 : 0);
}

/** Its report, once, beside the Events. */
function assertOnlyReported(simulator: Simulator): void {
  const writes = simulator.requests.filter(({ method, path }) => method !== 'GET' && !/\/events(\/|\?|$)/.test(path));
  assert.deepEqual(
    writes.map(({ method, path }) => `${method} ${path.split('?')[0]}`),
    [`PATCH /api/v1/nodes/${NAME}`],
  );
  const { metadata } = simulator.read('Node', NAME) as unknown as NodeObject;
  assert.deepEqual(Object.keys(metadata.annotations ?? {}), [POLICY_REPORT]);
}
