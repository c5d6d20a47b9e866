import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { openCluster } from '../../agent/commands/cluster-options.ts';
import type { NodeCheckPolicy, NodeDisruptionBudget, PolicySet } from '../../agent/core/policy.ts';
import { clusterStatus } from '../../agent/core/status.ts';
import { lookUpSlots } from '../../agent/kube/slot-lookup.ts';
import { listNodes } from '../../agent/kube/watch-nodes.ts';
import { formatPolicyErrors } from '../../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { AGENT, type NodeObject, POLICY_REPORT } from '../harness/held-node.ts';
import { createSickScript, type SickScript } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';
import {
  acting,
  type Effects,
  effectsOn,
  labelsFor,
  NODE_NAME,
  ordered,
  POD_NAME,
  recovered,
  untouched,
} from './expected-effects.ts';
import type { PolicyFiles } from './shipped-policies.ts';

/** With ours it is ten, so that a percentage is of more than one. */
const OTHERS = 9;
const READY = { conditions: [{ type: 'Ready', status: 'True' }] };
const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1', controller: true };
const DEADLINE_MS = 20_000;
const OBSERVES = 'mode is Observe; would otherwise act on the node';
/** What no agent may say while nothing is wrong with the API server. */
const TROUBLE = /"level":"error"|trying again|internal error|\b(Type|Reference|Range)Error\b/i;

/**
 * Runs a real agent with a set of policies as it is shipped, lets every check fail and recover, and asserts all that is
 * promised: what is enforced is done and undone, what observes writes nothing, and nobody is told of trouble. Then the
 * same with every policy that observes set to Enforce, as its own comment invites people to.
 *
 * Only this is not as shipped, by a patch that comes last: the checks are a script of ours in the agent's own
 * container, every second, and the second failure counts. A set without policies gets one, that cordons.
 */
export async function playSet(t: TestContext, shipped: PolicyFiles): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-played-'));
  const script = createSickScript(dir);
  const policyDir = join(dir, 'policy');
  const put = (files: PolicyFiles): PolicySet => {
    mkdirSync(policyDir, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(policyDir, name), text);
    return load(files);
  };
  const set = put(playable(shipped, script.path));
  const simulator = await startSimulator();
  seed(simulator, set);
  const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
  const agent = startAgent({ nodeName: NODE_NAME, policyDir, kubeconfig, args: ['--log-format', 'json'] });
  t.after(async () => {
    agent.kill('SIGKILL');
    await agent.exit;
    await simulator.close();
    rmSync(dir, { recursive: true });
  });

  const scene = { script, simulator, agent, kubeconfig };
  await areTold(scene, set, () => ['check healthy']);
  await settles(scene, 'the healthy node', set, untouched(set));
  await playEpisode(scene, set);
  if (set.policies.every(observes)) assertOnlyReported(simulator);
  if (set.policies.some(observes)) {
    const enforcing = put(playable(shipped, script.path, { mode: 'Enforce' }));
    await agent.waitForLine(new RegExp(`"policy in force","revision":"${enforcing.revision}"`));
    await playEpisode(scene, enforcing);
  }
  assert.deepEqual(
    agent.lines.filter((line) => TROUBLE.test(line)),
    [],
  );
}

type Scene = {
  readonly script: SickScript;
  readonly simulator: Simulator;
  readonly agent: AgentProcess;
  readonly kubeconfig: string;
};

/** Every check fails, and recovers. */
async function playEpisode(scene: Scene, set: PolicySet): Promise<void> {
  const broken = areTold(scene, set, (policy) => ['policy failing', ...(observes(policy) ? [OBSERVES] : [])]);
  scene.script.breakIt();
  await broken;
  await settles(scene, 'the sick node', set, ordered(set));
  await assertStatus(scene.kubeconfig, { slots: ordered(set).slots, held: acting(set).length > 0 });
  const healed = areTold(scene, set, () => ['policy recovered']);
  scene.script.heal();
  await healed;
  await settles(scene, 'the recovered node', set, recovered(set));
  await assertStatus(scene.kubeconfig, { slots: [], held: false });
}

function observes({ spec }: NodeCheckPolicy): boolean {
  return spec.mode === 'Observe';
}

/** The files with the patch on top. */
function playable(shipped: PolicyFiles, command: string, more: object = {}): PolicyFiles {
  const { policies, budgets } = load(shipped);
  const own = policies.length === 0 ? [cordoning(budgets)] : [];
  const check = { command: [command], runIn: 'Container', periodSeconds: 1, failureThreshold: 2 };
  const patches = [...own, ...policies].map(({ metadata: { name } }) => ({
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeCheckPolicyPatch',
    metadata: { name },
    spec: { check, ...more },
  }));
  const text = [...own, ...patches].map((document) => JSON.stringify(document)).join('\n---\n');
  return { ...shipped, 'zzz-played.yaml': text };
}

function load(files: PolicyFiles): PolicySet {
  const loaded = loadPolicyFiles(Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) })));
  if (!loaded.valid) throw new Error(formatPolicyErrors(loaded.errors).join('\n'));
  return loaded.set;
}

function cordoning(budgets: readonly NodeDisruptionBudget[]) {
  const nodeSelector = budgets[0]?.spec.nodeSelector;
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeCheckPolicy',
    metadata: { name: 'own' },
    spec: { nodeSelector, check: { command: ['/by-the-patch'] }, actions: { cordon: true } },
  };
}

function seed(simulator: Simulator, set: PolicySet): void {
  const labels = labelsFor(set);
  for (const name of [NODE_NAME, ...Array.from({ length: OTHERS }, (_, index) => `other-${index}`)]) {
    simulator.seed({ kind: 'Node', metadata: { name, labels: { ...labels, played: name } }, status: READY });
  }
  simulator.seed({
    kind: 'Pod',
    metadata: { name: POD_NAME, ownerReferences: [OWNER] },
    spec: { nodeName: NODE_NAME, containers: [{ name: 'main', image: 'registry.example/none' }] },
    status: { phase: 'Running', ...READY },
  });
}

/** @throws AssertionError with what there is instead, and the agent's log */
async function settles({ simulator, agent }: Scene, what: string, set: PolicySet, wanted: Effects): Promise<void> {
  const see = () => effectsOn(simulator, set);
  try {
    await waitFor(() => isDeepStrictEqual(see(), wanted), { what, deadlineMs: DEADLINE_MS });
  } catch {
    assert.deepEqual(see(), wanted, `${what}; the log:\n${agent.lines.slice(-60).join('\n')}`);
  }
}

/** Awaits the messages in the log, from now on, of every policy. */
async function areTold({ agent }: Scene, set: PolicySet, messages: (policy: NodeCheckPolicy) => readonly string[]) {
  const from = agent.lines.length;
  const patterns = set.policies.flatMap((policy) =>
    messages(policy).map((message) => new RegExp(`"msg":"${message}",.*"policy":"${policy.metadata.name}"`)),
  );
  await Promise.all(patterns.map((pattern) => agent.waitForLine(pattern, { from })));
}

/** What `nsc status` finds out, of our node, since no other has an agent. */
async function assertStatus(kubeconfig: string, wanted: { readonly slots: readonly string[]; readonly held: boolean }) {
  const { transport, namespace, isOwnNamespace } = openCluster({ kubeconfig });
  const { leases, problem } = await lookUpSlots(transport, namespace, isOwnNamespace);
  assert.equal(problem, null);
  const { nodes } = clusterStatus(await listNodes(transport, `played=${NODE_NAME}`), leases);
  const shown = nodes.map(({ name, problems, slots, held }) => ({ name, problems, slots, held }));
  assert.deepEqual(shown, [{ name: NODE_NAME, problems: [], slots: wanted.slots, held: wanted.held }]);
}

/** Its report and its own name, once, beside the Events. */
function assertOnlyReported(simulator: Simulator): void {
  const writes = simulator.requests.filter(({ method, path }) => method !== 'GET' && !/\/events(\/|\?|$)/.test(path));
  assert.deepEqual(
    writes.map(({ method, path }) => `${method} ${path.split('?')[0]}`),
    [`PATCH /api/v1/nodes/${NODE_NAME}`],
  );
  const { metadata } = simulator.read('Node', NODE_NAME) as unknown as NodeObject;
  assert.deepEqual(Object.keys(metadata.annotations ?? {}).sort(), [AGENT, POLICY_REPORT]);
}
