import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { FaultRule } from '../../simulator/faults.ts';
import type { LoggedRequest } from '../../simulator/server.ts';
import { type EditableObject, type SimulatorOptions, startSimulator } from '../../simulator/simulator.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Real agents drain a node while the API server, the cluster or a person gets in the way. */

const LEDGER = 'node-svc-checker/ledger';
const DRAIN_STATE = 'node-svc-checker-drain-state';
const READY = { conditions: [{ type: 'Ready', status: 'True' }] };
const NODE = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' }, status: READY };
const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1', controller: true };
const TAINT = { key: 'sick', value: 'true', effect: 'NoSchedule' };
/** Longer than the 3 s that the drains of these tests have, and much shorter than any time-out of a single call. */
const GIVEN_UP_WITHIN_MS = 8_000;

type SceneOptions = {
  readonly drain?: object;
  readonly actions?: object;
  readonly failureThreshold?: number;
  readonly controllers?: SimulatorOptions['controllers'];
};

type PodOptions = { readonly metadata?: object; readonly spec?: object; readonly phase?: string };

/** One simulator with one Node, and one agent with a check that can be broken; each test has its own. */
async function setScene(t: TestContext, options: SceneOptions = {}) {
  const { drain = {}, actions = { taint: TAINT }, failureThreshold = 1, controllers = {} } = options;
  const dir = mkdtempSync(join(tmpdir(), 'nsc-drain-'));
  const check = createSickCheck({ check: { failureThreshold }, actions: { ...actions, drain } });
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
    return text === undefined ? undefined : JSON.parse(text);
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

type Scene = Awaited<ReturnType<typeof setScene>>;

const until = (what: string, condition: () => boolean, deadlineMs = 30_000) => waitFor(condition, { what, deadlineMs });
const runs = (agent: AgentProcess) => agent.lines.filter((line) => /\[(✅OK|💥FAIL)\]/.test(line)).length;

/** Whether evictions go on is seen after three more runs of the check: a blocked pod is tried again within two seconds. */
async function assertNoMoreEvictions(scene: Scene, agent: AgentProcess) {
  const [tried, ran] = [scene.evictions().length, runs(agent)];
  await until('three runs', () => runs(agent) >= ran + 3);
  assert.equal(scene.evictions().length, tried, 'nothing is evicted any more');
}

/** A drain under way that cannot end, because a budget protects its only pod. */
async function blockedDrain(t: TestContext, options: SceneOptions = {}) {
  const scene = await setScene(t, options);
  scene.pod('web');
  scene.protect('web');
  scene.check.breakIt();
  const agent = await scene.start();
  await until('a first eviction', () => scene.evictions().length > 0);
  return { scene, agent };
}

describe('before the first eviction', { concurrency: 4 }, () => {
  test('a cordon that is refused means that nothing is evicted', async (t) => {
    const scene = await setScene(t);
    scene.pod('web');
    const agent = await scene.start();
    const refused = scene.simulator.faults.add({
      method: 'PATCH',
      path: /nodes\/node-1/,
      fault: { kind: 'status', code: 403 },
    });
    scene.check.breakIt();
    await agent.waitForLine(/could not change node node-1: 403/);
    await until('the cordon to be refused again', () => refused.hits > 1);
    assert.deepEqual(scene.evictions(), []);
    refused.remove();
    await scene.ended('Drained');
    assert.equal(scene.evictions().length, 1);
  });

  test('a node that vanishes ends the drain', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.simulator.remove('Node', 'node-1');
    await agent.waitForLine(/there is no node node-1/);
    await assertNoMoreEvictions(scene, agent);
  });

  test('a node of another UID ends the drain, and is drained for failures counted anew only', async (t) => {
    const { scene, agent } = await blockedDrain(t, { failureThreshold: 5 });
    scene.simulator.seed(NODE);
    await agent.waitForLine(/another Node of our name/);
    await agent.waitForLine(/Noticed 1 times/, { from: agent.lines.findIndex((line) => /another Node/.test(line)) });
    await assertNoMoreEvictions(scene, agent);
    assert.equal(scene.cordoned(), false);
    const tried = scene.evictions().length;
    await until('the next drain', () => scene.cordoned() && scene.evictions().length > tried);
  });
});

describe('choosing', { concurrency: 4 }, () => {
  test('pods are listed in chunks of 500, and a chunk that has expired begins the list anew', async (t) => {
    const scene = await setScene(t);
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
    for (let i = 0; i < 510; i++) scene.pod(`mirror-${i}`, { metadata: mirror });
    scene.pod('web');
    const expired = scene.simulator.faults.add({
      method: 'GET',
      path: /\/pods\?.*continue=/,
      times: 2,
      fault: { kind: 'status', code: 410 },
    });
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('Drained');
    assert.equal(expired.hits, 2);
    assert.ok(!agent.lines.some((line) => /could not read pods/.test(line)), 'which is no problem');
    assert.equal(scene.hasPod('web'), false);
    assert.equal(scene.simulator.list('Pod').length, 510);
    const lists = scene.requests('GET', /\/pods\?(?!.*watch=)/);
    const chunks = lists.slice(0, 6).map(({ path }) => path.includes('continue='));
    assert.deepEqual(chunks, [false, true, false, true, false, true]);
    assert.ok(lists.every(({ path }) => path.includes('limit=500')));
  });

  test('DaemonSet pods, mirror pods, the own pod and pods of other nodes stay, and no eviction is tried', async (t) => {
    const scene = await setScene(t);
    const owned = (uid: string) => [{ ...REPLICA_SET, kind: 'DaemonSet', name: 'logs', uid }];
    scene.simulator.seed({ kind: 'DaemonSet', metadata: { name: 'logs', uid: 'ds-1' }, spec: {} });
    scene.pod('logs', { metadata: { ownerReferences: owned('ds-1') } });
    scene.pod('logs-orphan', { metadata: { ownerReferences: owned('ds-0') } });
    scene.pod('mirror', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } });
    scene.pod('agent');
    scene.pod('elsewhere', { spec: { nodeName: 'node-2' } });
    scene.check.breakIt();
    await scene.start({ POD_NAME: 'agent', POD_NAMESPACE: 'default' });
    await scene.ended('Drained');
    const tried = scene.evictions().map(({ path }) => path.split('/').at(-2));
    assert.deepEqual(tried, ['logs-orphan']);
    assert.equal(scene.simulator.list('Pod').length, 4);
  });

  test('pods whose DaemonSet cannot be looked up stay, with a warning, and the drain goes on', async (t) => {
    const scene = await setScene(t);
    scene.pod('logs', { metadata: { ownerReferences: [{ ...REPLICA_SET, kind: 'DaemonSet', name: 'logs' }] } });
    scene.pod('web');
    scene.simulator.faults.add({ path: /daemonsets/, fault: { kind: 'status', code: 403 } });
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('Drained');
    await agent.waitForLine(/WARN: drain goes on after a problem.*could not read DaemonSet default\/logs: 403/);
    await agent.waitForLine(/drain leaves pods on the node.*DaemonSetUnknown=1/);
    assert.deepEqual([scene.hasPod('logs'), scene.hasPod('web')], [true, false]);
  });

  test('one refused pod means that nothing is evicted; every pod is named with reason and what to change', async (t) => {
    const scene = await setScene(t);
    scene.pod('web');
    scene.pod('bare', { metadata: { ownerReferences: [] }, spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    scene.pod('data', { spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('GaveUp');
    const bare = /default\/bare: no controller .*evictUnmanagedPods: true.*emptyDir data .*deleteEmptyDirData: true/;
    const data = /default\/data: its emptyDir data .*deleteEmptyDirData: true/;
    for (const pattern of [bare, data]) {
      await agent.waitForLine(pattern);
      await until('the Event', () => scene.events('DrainFailed').some(({ message }) => pattern.test(message)));
    }
    assert.deepEqual(scene.evictions(), []);
    assert.equal(scene.cordoned(), true);
    scene.check.write({ actions: { drain: { evictUnmanagedPods: true, deleteEmptyDirData: true } } });
    await scene.ended('Drained');
    assert.deepEqual(scene.simulator.list('Pod'), []);
  });

  test('a pod that has ended is off the node, whatever finalizer holds its object', async (t) => {
    const scene = await setScene(t);
    const held = { finalizers: ['example.com/job'] };
    scene.pod('ended', { metadata: { ...held, deletionTimestamp: '2025-01-01T00:00:00Z' }, phase: 'Succeeded' });
    scene.pod('ending', { metadata: held });
    scene.check.breakIt();
    await scene.start();
    await until('the eviction', () => scene.simulator.read('Pod', 'ending')?.metadata.deletionTimestamp !== undefined);
    assert.equal(scene.ledger()?.drain?.state, 'Draining');
    scene.simulator.edit('Pod', 'ending', (draft) => {
      draft.status.phase = 'Failed';
    });
    await scene.ended('Drained');
    assert.deepEqual([scene.hasPod('ended'), scene.hasPod('ending')], [true, true]);
    assert.equal(scene.evictions().length, 1);
  });
});

describe('evicting', { concurrency: 4 }, () => {
  test('an eviction is of policy/v1, guarded by UID, and leaves the grace period to the pod', async (t) => {
    const scene = await setScene(t);
    scene.pod('web', { metadata: { uid: 'uid-of-web' } });
    scene.check.breakIt();
    await scene.start();
    await scene.ended('Drained');
    const [eviction] = scene.evictions().map(({ body }) => JSON.parse(body));
    assert.equal(eviction.apiVersion, 'policy/v1');
    assert.deepEqual(eviction.deleteOptions, { preconditions: { uid: 'uid-of-web' } });
    assert.deepEqual(scene.requests('DELETE', /pods/), []);
    await until('the Event', () => scene.events('DrainSucceeded').length === 1);
  });

  test('a grace period of the policy goes with every eviction', async (t) => {
    const scene = await setScene(t, { drain: { gracePeriodSeconds: 7 } });
    scene.pod('web');
    scene.check.breakIt();
    await scene.start();
    await scene.ended('Drained');
    assert.equal(JSON.parse(scene.evictions()[0]?.body ?? '{}').deleteOptions.gracePeriodSeconds, 7);
  });

  test('a protected pod goes as soon as its budget is freed; nothing but evictions is asked meanwhile', async (t) => {
    const { scene } = await blockedDrain(t);
    await until('a second try', () => scene.evictions().length > 1);
    assert.ok(scene.evictions().every(({ status }) => status === 429));
    assert.equal(scene.requests('GET', /\/pods/).length, 2, 'one list and one watch');
    scene.free('web');
    await scene.ended('Drained');
    assert.equal(scene.hasPod('web'), false);
  });

  test('pods that wait for a budget hold no other pod up', async (t) => {
    const scene = await setScene(t);
    for (let i = 0; i < 30; i++) scene.pod(`db-${i}`, { metadata: { labels: { app: 'db' } } });
    scene.protect('db');
    for (let i = 0; i < 30; i++) scene.pod(`web-${i}`);
    scene.check.breakIt();
    await scene.start();
    const left = () => scene.simulator.list('Pod').filter(({ metadata: { name } }) => name.startsWith('web')).length;
    await until('the others to go', () => left() === 0);
    assert.equal(scene.simulator.list('Pod').length, 30);
  });

  test('an eviction that RBAC forbids ends the drain at once, and says what to check', async (t) => {
    const scene = await setScene(t, { drain: { timeoutSeconds: 600 } });
    scene.pod('web');
    scene.simulator.faults.add({ path: /\/eviction/, fault: { kind: 'status', code: 403 } });
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('GaveUp');
    await agent.waitForLine(/drain gave up.*default\/web: 403 .*check the ClusterRole/);
    assert.equal(scene.evictions().length, 1);
  });

  test('in a terminating namespace the pod is waited for', async (t) => {
    const scene = await setScene(t);
    scene.pod('last', { metadata: { namespace: 'doomed', ownerReferences: [REPLICA_SET] } });
    scene.simulator.edit('Namespace', 'doomed', (draft) => {
      draft.metadata.deletionTimestamp = '2025-01-01T00:00:00Z';
      draft.status.phase = 'Terminating';
    });
    scene.check.breakIt();
    await scene.start();
    await until('a second try', () => scene.evictions().length > 1);
    assert.ok(scene.evictions().every(({ status }) => status === 403));
    scene.simulator.remove('Pod', 'last', 'doomed');
    await scene.ended('Drained');
  });

  test('a pod made anew elsewhere under the same name is left alone', async (t) => {
    const { scene } = await blockedDrain(t);
    scene.pod('web', { metadata: { uid: 'uid-of-the-next' }, spec: { nodeName: 'node-2' } });
    await scene.ended('Drained');
    assert.equal(scene.simulator.read('Pod', 'web')?.metadata.deletionTimestamp, undefined);
  });

  test('a pod that arrives late is evicted too', async (t) => {
    const scene = await setScene(t, { controllers: { podTerminationMs: 1_500 } });
    scene.pod('web');
    scene.check.breakIt();
    await scene.start();
    await until('the eviction', () => scene.evictions().length === 1);
    scene.pod('late');
    await scene.ended('Drained');
    assert.equal(scene.evictions().length, 2);
    assert.deepEqual(scene.simulator.list('Pod'), []);
  });
});

const EVICTION = { method: 'POST', path: /\/eviction$/ };
const noEnd: [rule: string, fault: FaultRule | null, says: RegExp, controllers?: SceneOptions['controllers']][] = [
  ['a budget that is never freed', null, /default\/web: .*disruption budget/],
  ['evictions that stall', { ...EVICTION, fault: { kind: 'stall' } }, /default\/web: .*(no whole answer|not answered)/],
  [
    'throttled evictions, whatever Retry-After asks for',
    { ...EVICTION, fault: { kind: 'status', code: 429, plainText: true, retryAfterSeconds: 3600 } },
    /default\/web: the API server asks for patience: .*Too many requests/,
  ],
  ['evictions that fail', { ...EVICTION, fault: { kind: 'status', code: 500 } }, /default\/web: .*500 .*etcdserver/],
  [
    'evictions whose connection breaks',
    { ...EVICTION, fault: { kind: 'refuse' } },
    /default\/web: .*connection was cut/,
  ],
  [
    'evictions answered by half',
    { ...EVICTION, fault: { kind: 'stallBody' } },
    /default\/free: it is terminating still/,
    { podTerminationMs: null },
  ],
  ['pods that cannot be read', { method: 'GET', path: /\/pods\?/, fault: { kind: 'stall' } }, /could not be read/],
  [
    'a server that stalls all but the Node',
    { path: /pods|daemonsets|policy/, fault: { kind: 'stall' } },
    /could not be read/,
  ],
];

describe('a drain keeps its deadline', { concurrency: 4 }, () => {
  for (const [rule, fault, says, controllers] of noEnd) {
    test(`under ${rule}, and names the pod and the reason`, async (t) => {
      const scene = await setScene(t, { drain: { timeoutSeconds: 3 }, ...(controllers && { controllers }) });
      scene.pod('web');
      scene.pod('free');
      scene.protect('web');
      if (fault) scene.simulator.faults.add(fault);
      const agent = await scene.start();
      scene.check.breakIt();
      await until('the cordon', scene.cordoned);
      await until('the drain to give up', () => scene.ledger()?.drain?.state === 'GaveUp', GIVEN_UP_WITHIN_MS);
      await agent.waitForLine(new RegExp(`drain gave up.*${says.source}`));
      await until('the Event', () => scene.events('DrainFailed').some(({ message }) => says.test(message)));
      assert.equal(scene.cordoned(), true, 'it stays cordoned');
      assert.deepEqual(scene.requests('DELETE', /pods/), [], 'nothing is deleted instead');
      scene.simulator.faults.clear();
      scene.check.heal();
      await until('the node to be given back', () => scene.ledger() === undefined && !scene.cordoned());
    });
  }

  test('under a last list that stalls, and says so', async (t) => {
    const { scene, agent } = await blockedDrain(t, { drain: { timeoutSeconds: 6 } });
    scene.simulator.faults.add({ method: 'GET', path: /\/pods\?.*limit=/, fault: { kind: 'stall' } });
    scene.free('web');
    await until('the pod to go', () => !scene.hasPod('web'));
    await until('the drain to give up', () => scene.ledger()?.drain?.state === 'GaveUp', 6_000 + GIVEN_UP_WITHIN_MS);
    await agent.waitForLine(/drain gave up.*could not be read in time/);
  });

  test('and under two budgets over one pod names the misconfiguration', async (t) => {
    const scene = await setScene(t, { drain: { timeoutSeconds: 3 } });
    scene.pod('web');
    scene.protect('web');
    scene.protect('web', 'overlap');
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('GaveUp');
    await agent.waitForLine(/drain gave up.*default\/web: more than one PodDisruptionBudget selects it/);
    assert.equal(scene.evictions().length, 1, 'it is tried slowly');
  });

  test('under onTimeout Delete what is left is deleted then, guarded by UID, and tried again if that fails', async (t) => {
    const { scene, agent } = await blockedDrain(t, { drain: { timeoutSeconds: 3, onTimeout: 'Delete' } });
    const uid = scene.simulator.read('Pod', 'web')?.metadata.uid;
    scene.simulator.faults.add({ method: 'DELETE', times: 1, fault: { kind: 'status', code: 500 } });
    await until('a second try', () => scene.evictions().length > 1);
    assert.deepEqual(scene.requests('DELETE', /pods/), [], 'not before the deadline');
    await scene.ended('Drained');
    await agent.waitForLine(/deleting pod, the deadline of the drain has passed pod=default\/web/);
    const deletes = scene.requests('DELETE', /\/pods\/web$/);
    assert.equal(deletes.length, 2);
    for (const { body } of deletes) assert.deepEqual(JSON.parse(body).preconditions, { uid });
  });
});

describe('what ends a drain', { concurrency: 4 }, () => {
  test('recovery stops it within a second, and the node is given back', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.check.heal();
    await agent.waitForLine(/The monitored service is up again/);
    await until('the node to be given back', () => scene.ledger() === undefined && !scene.cordoned(), 1_000);
    assert.equal(scene.node()?.metadata.annotations?.[DRAIN_STATE], 'drainNotActive');
    await assertNoMoreEvictions(scene, agent);
    assert.equal(scene.hasPod('web'), true);
  });

  test('recovery does not wait for evictions that stall', async (t) => {
    const scene = await setScene(t);
    for (let i = 0; i < 30; i++) scene.pod(`web-${i}`);
    scene.simulator.faults.add({ ...EVICTION, fault: { kind: 'stall' } });
    scene.check.breakIt();
    const agent = await scene.start();
    await until('ten evictions', () => scene.evictions().length === 10);
    scene.check.heal();
    await agent.waitForLine(/The monitored service is up again/);
    await until('the node to be given back', () => scene.ledger() === undefined && !scene.cordoned(), 1_000);
    await assertNoMoreEvictions(scene, agent);
  });

  test('recovery stops it also while writes to the node fail and are waited out', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.simulator.faults.add({ method: 'PATCH', path: /nodes/, fault: { kind: 'status', code: 500 } });
    scene.check.write({ check: { failureThreshold: 3 } });
    // From the fourth failure in a row on, the back-off is longer than the second that a stop may take.
    const failedWrites = () => agent.lines.filter((line) => /could not annotate node/.test(line)).length;
    await until('four failed writes', () => failedWrites() >= 4);
    const from = agent.lines.length;
    scene.check.heal();
    await agent.waitForLine(/The monitored service is up again/, { from });
    await agent.waitForLine(/drain stopped/, { from, deadlineMs: 1_500 });
  });

  test("a person's uncordon stops it while the taint stays", async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.editNode((draft) => {
      delete draft.spec.unschedulable;
    });
    await agent.waitForLine(/Somebody uncordoned node node-1/);
    await assertNoMoreEvictions(scene, agent);
    assert.deepEqual([scene.cordoned(), scene.hasTaint('NoSchedule')], [false, true]);
    assert.equal(scene.node()?.metadata.annotations?.[DRAIN_STATE], 'drainActive');
  });

  test('a paused policy evicts nothing, and goes on where it was', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.check.write({ paused: true });
    await agent.waitForLine(/the policy is paused/);
    await assertNoMoreEvictions(scene, agent);
    assert.equal(scene.cordoned(), true);
    scene.free('web');
    scene.check.write({ paused: false });
    await scene.ended('Drained');
  });

  test('an unready kubelet cannot end pods, so nothing is evicted until it is ready again', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.editNode((draft) => {
      draft.status.conditions = [{ type: 'Ready', status: 'Unknown' }];
    });
    await agent.waitForLine(/drain stopped/);
    await assertNoMoreEvictions(scene, agent);
    scene.free('web');
    scene.editNode((draft) => {
      draft.status = READY;
    });
    await scene.ended('Drained');
  });
});

describe('a restarted agent', { concurrency: 4 }, () => {
  test('resumes an unfinished drain, whose deadline still runs from the cordon', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    const before = scene.ledger()?.drain;
    agent.kill('SIGKILL');
    await agent.exit;
    const tried = scene.evictions().length;
    await scene.start();
    await until('an eviction', () => scene.evictions().length > tried);
    assert.deepEqual(scene.ledger()?.drain, before);
    scene.free('web');
    await scene.ended('Drained');
  });

  test('that comes after the deadline finds what is left and says why', async (t) => {
    const { scene, agent } = await blockedDrain(t, { drain: { timeoutSeconds: 600 } });
    agent.kill('SIGKILL');
    await agent.exit;
    scene.editNode((draft) => {
      const ledger = JSON.parse(draft.metadata.annotations[LEDGER]);
      ledger.drain.since = '2025-01-01T00:00:00Z';
      draft.metadata.annotations[LEDGER] = JSON.stringify(ledger);
    });
    const second = await scene.start();
    await scene.ended('GaveUp');
    await second.waitForLine(/drain gave up.*default\/web: .*disruption budget/);
  });

  test('does not repeat a finished drain', async (t) => {
    const scene = await setScene(t);
    scene.pod('web');
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('Drained');
    agent.kill('SIGKILL');
    await agent.exit;
    scene.pod('tolerant');
    await assertNoMoreEvictions(scene, await scene.start());
    assert.equal(scene.hasPod('tolerant'), true);
  });
});

describe('a NoExecute taint', { concurrency: 4 }, () => {
  const actions = { taint: { ...TAINT, effect: 'NoExecute' } };

  test('comes after the drain, in the one write that says it has ended', async (t) => {
    const { scene } = await blockedDrain(t, { actions });
    await until('a second try', () => scene.evictions().length > 1);
    assert.equal(scene.hasTaint('NoExecute'), false);
    scene.free('web');
    await scene.ended('Drained');
    const writes = scene.requests('PATCH', /nodes\/node-1/).map(({ body }) => JSON.parse(body));
    const tainting = writes.filter(({ spec }) => JSON.stringify(spec?.taints ?? []).includes('"NoExecute"'));
    assert.equal(tainting.length, 1);
    assert.equal(JSON.parse(tainting[0].metadata.annotations[LEDGER]).drain.state, 'Drained');
    assert.ok(tainting[0].metadata.resourceVersion);
  });

  test('does not come after a drain that gave up', async (t) => {
    const { scene, agent } = await blockedDrain(t, { actions, drain: { timeoutSeconds: 3 } });
    await scene.ended('GaveUp');
    await assertNoMoreEvictions(scene, agent);
    assert.deepEqual([scene.cordoned(), scene.hasTaint('NoExecute')], [true, false]);
  });
});

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
