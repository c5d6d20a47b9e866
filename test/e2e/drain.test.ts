import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { secondsBetween } from '../harness/agent-clock.ts';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import type { AgentProcess } from '../harness/agent-process.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import { countRequests } from '../harness/audit.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import type { ControlPlane } from '../harness/control-plane.ts';
import { DRAIN_STATE, isReportedOn, ledgerOf, type NodeObject } from '../harness/held-node.ts';
import { createNode, deleteNode } from '../harness/nodes.ts';
import { createNamespace, createPod, endPod, type NewPod, setPodPhase } from '../harness/pods.ts';
import { WITH_KUBELET } from '../harness/shared-control-plane.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const NO_EXECUTE = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoExecute' } as const;
const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'replica-set', controller: true };
/** The deadline of drains that do not end: time for all that a busy machine has to do before. */
const SOON_S = 8;
/** What a busy machine may add to a deadline that virtual time holds to the millisecond. */
const BUSY_S = 10;
/** What a PodDisruptionBudget here selects. */
const GUARDED = { guarded: 'yes' };
const SKIP = skipWithoutControlPlane('kube-controller-manager', 'kwok');

/**
 * The agent as it is shipped, with a token bound to its pod and the RBAC it ships with, drains nodes of a real API
 * server; the real disruption controller keeps the budgets, and kwok plays the kubelet that ends pods. Every test has a
 * node of its own, and a namespace of the same name.
 */
describe('a drain on a real API server', { skip: SKIP, concurrency: 6 }, () => {
  let cluster: AgentCluster;
  let plane: ControlPlane;
  before(async () => {
    cluster = await joinAgentCluster();
    plane = cluster.plane;
  });
  after(() => cluster?.stop());

  async function setUp(name: string, pods: readonly Partial<NewPod>[]) {
    await createNode(plane.api, name, { labels: WITH_KUBELET });
    await createNamespace(plane.api, name);
    for (const [i, pod] of pods.entries()) await addPod(name, { name: `pod-${i}`, ...pod });
  }
  const addPod = (name: string, pod: Partial<NewPod> & { name: string }) =>
    createPod(plane.api, { namespace: name, nodeName: name, ownerReferences: [REPLICA_SET], ...pod });
  /** Returns once the disruption controller has taken it in: evictions are refused until then, whatever it allows. */
  async function setBudget(name: string, minAvailable: number, budget = 'guard') {
    const path = `/apis/policy/v1/namespaces/${name}/poddisruptionbudgets`;
    const body = { metadata: { name: budget }, spec: { minAvailable, selector: { matchLabels: GUARDED } } };
    const { status } = await plane.api.request('POST', path, { body });
    if (status === 409) await plane.api.requestOk('PATCH', `${path}/${budget}`, { body });
    const seen = async () => {
      const { metadata, status } = (await plane.api.requestOk('GET', `${path}/${budget}`)) as unknown as Budget;
      return status?.observedGeneration === metadata.generation && status.desiredHealthy === minAvailable;
    };
    await waitFor(seen, { what: `the disruption controller to see ${budget}` });
  }

  /**
   * An agent on the node whose check is healthy still, for as long as the test lasts; `again` starts another one of the same
   * pod.
   */
  async function startOn(
    t: TestContext,
    name: string,
    drain: object,
    more: { taint?: object; tolerates?: boolean } = {},
  ) {
    const actions = { drain, ...(more.taint && { taint: more.taint }) };
    const check = createSickCheck({ check: { failureThreshold: 1 }, actions });
    const seat = await cluster.seat(name, more);
    const again = () => cluster.start(seat, check);
    t.after(() => cluster.endOn(name));
    const agent = again();
    await agent.waitForLine(/\[✅OK\]/);
    await cluster.until(name, 'reported on', isReportedOn);
    return { agent, check, pod: seat.pod, again };
  }

  const node = (name: string) => cluster.node(name);
  const podsOf = async (name: string) => {
    const { items } = (await plane.api.requestOk('GET', `/api/v1/namespaces/${name}/pods`)) as unknown as PodList;
    return items;
  };
  const podNames = async (name: string) => (await podsOf(name)).map(({ metadata }) => metadata.name).sort();
  const drained = (agent: AgentProcess) => agent.waitForLine(/is drained/);
  const released = (name: string) => cluster.released(name);
  const requests = (name: string, mark: number) => cluster.requests(name, mark);
  const evictions = (name: string, mark = 0) =>
    plane.audit.since(mark, { nodeName: name, resource: 'pods/eviction', verb: 'create' });
  /** Once a budget has refused an eviction with 429. */
  const blocked = (name: string) =>
    waitFor(() => evictions(name).some(({ responseStatus }) => responseStatus?.code === 429), {
      what: 'an eviction to be refused with 429',
    });
  const eventOf = (name: string, reason: string) =>
    waitFor(
      async () => {
        const query = encodeURIComponent(`involvedObject.name=${name},reason=${reason}`);
        const { items } = (await plane.api.requestOk(
          'GET',
          `/api/v1/namespaces/default/events?fieldSelector=${query}`,
        )) as unknown as { items: readonly { message: string }[] };
        return items[0]?.message;
      },
      { what: `an Event ${reason} on node ${name}` },
    );
  const ledger = async (name: string) => ledgerOf(await node(name));
  /** So many more runs of the check, one a second: time for anything that should not happen. */
  async function letRun(agent: AgentProcess, runs: number) {
    const count = () => agent.lines.filter((line) => /\[✅OK\]|\[💥FAIL\]/.test(line)).length;
    const before = count();
    await waitFor(() => count() >= before + runs, { what: `${runs} runs` });
  }

  test('a pod that an admission policy denies is named in its words, and all others go at once', async (t) => {
    const name = 'denied-by-admission';
    const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
    const resourceRules = [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] },
    ];
    const validations = [
      { expression: "object.metadata.name != 'a-primary'", message: 'its operator moves it by itself' },
    ];
    const matchConstraints = { resourceRules };
    await plane.api.requestOk('POST', policies, {
      body: { metadata: { name }, spec: { matchConstraints, validations, failurePolicy: 'Fail' } },
    });
    await plane.api.requestOk('POST', `${policies.slice(0, -3)}ybindings`, {
      body: { metadata: { name }, spec: { policyName: name, validationActions: ['Deny'] } },
    });
    await setUp(name, [...Array(40).fill({}), { name: 'a-primary' }]);
    const probe = { metadata: { name: 'a-primary', namespace: name }, deleteOptions: { dryRun: ['All'] } };
    const isInForce = async () =>
      (await plane.api.request('POST', `/api/v1/namespaces/${name}/pods/a-primary/eviction`, { body: probe }))
        .status === 422;
    await waitFor(isInForce, { what: 'the policy to be in force', deadlineMs: 30_000 });
    const { agent, check } = await startOn(t, name, { timeoutSeconds: 30 });
    check.breakIt();
    await waitFor(async () => (await podNames(name)).join() === 'a-primary', { what: 'all others to go' });
    assert.ok(!agent.lines.some((line) => /gave up/.test(line)), 'long before the deadline');
    await agent.waitForLine(/gave up; it stays cordoned/);
    assert.match(
      await eventOf(name, 'DrainFailed'),
      /pod denied-by-admission\/a-primary: .*its operator moves it by itself/,
    );
    const tries = evictions(name).filter(({ responseStatus }) => responseStatus?.code === 422);
    assert.ok(tries.length > 2, 'it is asked for again');
    assert.ok(!agent.lines.some((line) => line.includes('ClusterRole')), 'no right is missing');
  });

  test('all pods go but mirrors and those a DaemonSet would bring back, for one watch and one request a pod', async (t) => {
    const name = 'everything';
    await setUp(name, Array(5).fill({}));
    const template = {
      metadata: { labels: { app: 'ds' } },
      spec: { containers: [{ name: 'main', image: 'registry.example/none' }] },
    };
    const { metadata } = await plane.api.requestOk('POST', `/apis/apps/v1/namespaces/${name}/daemonsets`, {
      body: { metadata: { name: 'ds' }, spec: { selector: { matchLabels: { app: 'ds' } }, template } },
    });
    const daemonSet = { apiVersion: 'apps/v1', kind: 'DaemonSet', controller: true };
    await addPod(name, { name: 'of-daemonset', ownerReferences: [{ ...daemonSet, name: 'ds', uid: metadata.uid }] });
    await addPod(name, { name: 'orphan', ownerReferences: [{ ...daemonSet, name: 'no-such', uid: 'gone' }] });
    await addPod(name, { name: 'of-former', ownerReferences: [{ ...daemonSet, name: 'ds', uid: 'former' }] });
    await addPod(name, { name: 'mirror', annotations: { 'kubernetes.io/config.mirror': 'abc' }, ownerReferences: [] });
    await addPod(name, { name: 'finished', ownerReferences: [], phase: 'Pending' });
    // kwok starts a pending pod whenever it comes to it, so a phase set before that would not last.
    const phase = async () => {
      const { status } = await plane.api.requestOk('GET', `/api/v1/namespaces/${name}/pods/finished`);
      return status?.phase;
    };
    await waitFor(async () => (await phase()) === 'Running', { what: 'kwok to start the pod' });
    await setPodPhase(plane.api, name, 'finished', 'Succeeded');
    const { agent, check, pod } = await startOn(t, name, {});
    const mark = plane.audit.mark();
    check.breakIt();
    await drained(agent);
    assert.deepEqual(await podNames(name), ['mirror', 'of-daemonset']);
    const { spec } = await plane.api.requestOk('GET', `/api/v1/namespaces/${NAMESPACE}/pods/${pod}`);
    assert.ok(spec, "the agent's own pod is there");
    const counts = countRequests(requests(name, mark));
    assert.equal(counts['create pods/eviction'], 8);
    assert.equal(counts['watch pods'], 1);
    const lists = requests(name, mark).filter(
      ({ verb, objectRef }) => verb === 'list' && objectRef?.resource === 'pods',
    );
    const asked = lists.map((entry) => [entry.requestReceivedTimestamp, entry.requestURI, entry.responseStatus?.code]);
    assert.equal(
      lists.length,
      2,
      `one at the beginning, and one at the end that finds nothing left: ${asked.join('; ')}`,
    );
    assert.equal(counts['get daemonsets'], 3, 'each that a pod names, by its UID');
    assert.equal(counts['get pods'] ?? 0, 0);
    assert.equal(counts['patch nodes'], 2);
    await agent.waitForLine(/drain leaves pods.*DaemonSet=1/);
  });

  test('a budget that is not met holds up its own pods and no others; they go once it is, and so does a late pod', async (t) => {
    const name = 'budget';
    await setUp(name, [...Array(12).fill({ labels: GUARDED }), ...Array(5).fill({})]);
    await setBudget(name, 12);
    // An eviction that is cut in its midst keeps its pod counted as disrupted for two minutes.
    const { agent, check } = await startOn(t, name, { timeoutSeconds: 600 });
    check.breakIt();
    await blocked(name);
    const guarded = Array.from({ length: 12 }, (_, i) => `pod-${i}`).sort();
    await waitFor(async () => (await podNames(name)).join() === guarded.join(), { what: 'the other pods to go' });
    await addPod(name, { name: 'late' });
    await waitFor(async () => (await podNames(name)).join() === guarded.join(), { what: 'the late pod to go' });
    await agent.waitForLine(/drain waits.*pod budget\/pod-\d+: .*disruption budget/);
    await setBudget(name, 0);
    await drained(agent);
    assert.deepEqual(await podNames(name), []);
  });

  test('a pod of two budgets is named as the misconfiguration it is', async (t) => {
    const name = 'two-budgets';
    await setUp(name, [{ labels: GUARDED }, {}]);
    await setBudget(name, 0, 'one');
    await setBudget(name, 0, 'two');
    const { agent, check } = await startOn(t, name, { timeoutSeconds: SOON_S });
    check.breakIt();
    const why = /pod two-budgets\/pod-0: more than one PodDisruptionBudget selects it/;
    await agent.waitForLine(new RegExp(`drain gave up.*${why.source}`));
    assert.match(await eventOf(name, 'DrainFailed'), why);
    const refused = evictions(name).filter(({ responseStatus }) => responseStatus?.code === 500);
    assert.ok(refused.length <= 2, 'a mistake of people is asked for again after five seconds at the soonest');
    assert.deepEqual(await podNames(name), ['pod-0']);
  });

  test('a drain that cannot end gives up at its deadline, stays cordoned, and says which pod and why', async (t) => {
    const name = 'gives-up';
    await setUp(name, [{ labels: GUARDED }]);
    await setBudget(name, 1);
    const { agent, check } = await startOn(t, name, { timeoutSeconds: SOON_S }, { taint: NO_EXECUTE, tolerates: true });
    await cluster.until(name, 'reported on', isReportedOn);
    const mark = plane.audit.mark();
    check.breakIt();
    const tookSeconds = await secondsBetween(agent, /Draining node/, /gave up; it stays cordoned/);
    assert.ok(tookSeconds <= SOON_S + BUSY_S, `a drain of ${SOON_S} s gave up after ${tookSeconds} s`);
    const [begun = 0, ended = 0] = requests(name, mark)
      .filter(({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'nodes')
      .map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp));
    assert.ok(ended - begun > (SOON_S - 1) * 1_000, `a drain of ${SOON_S} s gave up after ${ended - begun} ms`);
    assert.match(await eventOf(name, 'DrainFailed'), /pod gives-up\/pod-0: .*disruption budget/);
    const { spec, metadata } = await node(name);
    assert.equal(spec.unschedulable, true);
    assert.equal(metadata.annotations?.[DRAIN_STATE], 'drainActive');
    assert.equal((await ledger(name)).drain.state, 'GaveUp');
    assert.ok(!spec.taints?.some(({ effect }) => effect === 'NoExecute'), 'it would have evicted the pod all the same');
    assert.deepEqual(await podNames(name), ['pod-0']);
  });

  test('a drain that gave up for a budget says which budget', async (t) => {
    const name = 'names-budget';
    await setUp(name, [{ labels: GUARDED }]);
    await setBudget(name, 1);
    const { agent, check } = await startOn(t, name, { timeoutSeconds: SOON_S });
    check.breakIt();
    await agent.waitForLine(/gave up; it stays cordoned/);
    assert.match(await eventOf(name, 'DrainFailed'), /pod names-budget\/pod-0: .*disruption budget guard/);
  });

  test('onTimeout Delete deletes at the deadline what is left, and only then', async (t) => {
    const name = 'deletes';
    await setUp(name, [{ labels: GUARDED }, {}]);
    await setBudget(name, 1);
    const { agent, check } = await startOn(t, name, { timeoutSeconds: SOON_S, onTimeout: 'Delete' });
    check.breakIt();
    await blocked(name);
    const deletions = () => plane.audit.since(0, { nodeName: name, verb: 'delete', resource: 'pods' });
    assert.equal(deletions().length, 0);
    await drained(agent);
    assert.deepEqual(
      deletions().map(({ objectRef }) => objectRef?.name),
      ['pod-0'],
    );
    assert.deepEqual(await podNames(name), []);
    await agent.waitForLine(/deleting pod, the deadline of the drain has passed.*deletes\/pod-0/);
  });

  test('a pod that may not be evicted keeps every pod on the node, and all reasons are told at once', async (t) => {
    const name = 'refused';
    await setUp(name, [
      { name: 'bare', ownerReferences: [] },
      { name: 'scratch', spec: { volumes: [{ name: 'tmp', emptyDir: {} }] } },
      { name: 'web' },
    ]);
    const { agent, check } = await startOn(t, name, {});
    check.breakIt();
    await agent.waitForLine(/gave up; it stays cordoned/);
    const message = await eventOf(name, 'DrainFailed');
    assert.match(message, /pod refused\/bare: .*actions\.drain\.evictUnmanagedPods: true/);
    assert.match(message, /pod refused\/scratch: .*actions\.drain\.deleteEmptyDirData: true/);
    assert.equal(evictions(name).length, 0);
    assert.equal((await node(name)).spec.unschedulable, true);
    // With both opt-ins the drain begins anew, at once.
    check.write({ actions: { drain: { evictUnmanagedPods: true, deleteEmptyDirData: true } } });
    await drained(agent);
    assert.deepEqual(await podNames(name), []);
  });

  test('a terminating pod that has finished is off the node, whatever finalizer keeps the object', async (t) => {
    const name = 'finalizer';
    await setUp(name, []);
    await plane.api.requestOk('POST', `/api/v1/namespaces/${name}/pods`, {
      body: {
        metadata: { name: 'kept', finalizers: ['example.com/keep'], ownerReferences: [REPLICA_SET] },
        spec: { nodeName: name, containers: [{ name: 'main', image: 'registry.example/none' }] },
      },
    });
    await setPodPhase(plane.api, name, 'kept', 'Running');
    const { agent, check } = await startOn(t, name, {});
    check.breakIt();
    await waitFor(async () => (await podsOf(name))[0]?.metadata.deletionTimestamp, { what: 'the pod to terminate' });
    await letRun(agent, 2);
    assert.equal((await ledger(name)).drain.state, 'Draining', 'its containers run still');
    await setPodPhase(plane.api, name, 'kept', 'Succeeded');
    await drained(agent);
    assert.deepEqual(await podNames(name), ['kept']);
    assert.equal(evictions(name).length, 1);
  });

  test('a pod in a terminating namespace is waited for, since its namespace ends it', async (t) => {
    const name = 'doomed-namespace';
    await setUp(name, [{}]);
    await plane.api.requestOk('DELETE', `/api/v1/namespaces/${name}`);
    const { agent, check } = await startOn(t, name, {});
    check.breakIt();
    await waitFor(() => evictions(name).some(({ responseStatus }) => responseStatus?.code === 403), {
      what: 'an eviction to be refused with 403',
    });
    await letRun(agent, 2);
    assert.equal((await ledger(name)).drain.state, 'Draining');
    await endPod(plane.api, name, 'pod-0');
    await drained(agent);
  });

  test('a pod left over by its deleted namespace is tried again slowly, until the deadline', async (t) => {
    const name = 'left-over';
    await setUp(name, [{}]);
    // As the namespace controller ends it, only sooner: the pod is there still.
    const path = `/api/v1/namespaces/${name}`;
    await plane.api.requestOk('DELETE', path);
    const { metadata } = await plane.api.requestOk('GET', path);
    await plane.api.requestOk('PUT', `${path}/finalize`, { body: { metadata, spec: { finalizers: [] } } });
    await waitFor(async () => (await plane.api.request('GET', path)).status === 404, { what: 'the namespace to go' });
    const { agent, check } = await startOn(t, name, { timeoutSeconds: 6 });
    const mark = plane.audit.mark();
    check.breakIt();
    await agent.waitForLine(/gave up; it stays cordoned/);
    assert.deepEqual(await podNames(name), ['pod-0']);
    assert.match(await eventOf(name, 'DrainFailed'), /pod left-over\/pod-0: 404 .*not found/);
    assert.ok(evictions(name).length <= 2, `${evictions(name).length} evictions`);
    const counts = countRequests(requests(name, mark));
    assert.ok((counts['get pods'] ?? 0) + (counts['list pods'] ?? 0) <= 6, JSON.stringify(counts));
  });

  test('a pod made anew under the same name on another node is none of the drain', async (t) => {
    const name = 'stateful';
    await setUp(name, [{ name: 'web-0', labels: GUARDED }]);
    await createNode(plane.api, 'elsewhere', { labels: WITH_KUBELET });
    await setBudget(name, 1);
    const { agent, check } = await startOn(t, name, {});
    check.breakIt();
    await blocked(name);
    const beforeItWent = plane.audit.mark();
    await endPod(plane.api, name, 'web-0');
    // Only created, since it may be gone the next moment.
    await addPod(name, { name: 'web-0', nodeName: 'elsewhere', labels: GUARDED, phase: 'Pending' });
    await drained(agent);
    const afterTheDrain = plane.audit.mark();
    await letRun(agent, 3);
    assert.equal(evictions(name, afterTheDrain).length, 0);
    // What the agent did counts, not whether the pod lasts: kwok ends pods by name, and may mistake it for the one before.
    const accepted = evictions(name, beforeItWent).filter(({ responseStatus }) => responseStatus?.code === 201);
    assert.deepEqual(accepted, []);
    assert.deepEqual(plane.audit.since(beforeItWent, { nodeName: name, verb: 'delete', resource: 'pods' }), []);
  });

  test('NoExecute is put on in the one write that ends the drain, and the drain state follows the episode', async (t) => {
    const name = 'drained-first';
    await setUp(name, [{}, {}]);
    const { agent, check } = await startOn(t, name, {}, { taint: NO_EXECUTE, tolerates: true });
    await cluster.until(name, 'reported on', isReportedOn);
    const { metadata } = await node(name);
    assert.equal(metadata.annotations?.[DRAIN_STATE], undefined, 'there was no drain yet');
    const query = `fieldSelector=metadata.name%3D${name}&resourceVersion=${metadata.resourceVersion}`;
    const watch = await plane.api.watch(`/api/v1/nodes?${query}`);
    check.breakIt();
    await drained(agent);
    check.heal();
    await released(name);
    const told = () =>
      (watch.events.at(-1)?.object as unknown as NodeObject | undefined)?.metadata.annotations?.[DRAIN_STATE];
    await waitFor(() => told() === 'drainNotActive', { what: 'the watch to tell of the release' });
    watch.close();
    const states = watch.events.map(({ object }) => {
      const seen = object as unknown as NodeObject;
      const { spec, metadata } = seen;
      return [
        ledgerOf(seen).drain?.state ?? 'none',
        metadata.annotations?.[DRAIN_STATE] ?? 'neverDrained',
        spec.unschedulable === true,
        spec.taints?.some(({ key, effect }) => key === NO_EXECUTE.key && effect === 'NoExecute') === true,
      ].join(' ');
    });
    const steps = states.filter((state, i) => state !== states[i - 1] && state !== 'none neverDrained false false');
    assert.deepEqual(steps, [
      'Draining drainActive true false',
      'Drained drainActive true true',
      'none drainNotActive false false',
    ]);
  });

  test('recovery stops a drain within a second and gives the node back', async (t) => {
    const name = 'recovers';
    await setUp(name, [{ labels: GUARDED }]);
    await setBudget(name, 1);
    const { agent, check } = await startOn(t, name, {});
    check.breakIt();
    await blocked(name);
    check.heal();
    for (const end of [/drain stopped/, /is given back/]) {
      const tookSeconds = await secondsBetween(agent, /is up again/, end);
      assert.ok(tookSeconds <= 1, `it took ${tookSeconds} s until ${end}`);
    }
    await released(name);
    assert.equal((await node(name)).metadata.annotations?.[DRAIN_STATE], 'drainNotActive');
    const mark = plane.audit.mark();
    await setBudget(name, 0);
    await letRun(agent, 4);
    assert.equal(evictions(name, mark).length, 0);
    assert.deepEqual(await podNames(name), ['pod-0']);
  });

  test('an agent killed in the midst of a drain goes on with it when restarted', async (t) => {
    const name = 'killed';
    await setUp(name, [{ labels: GUARDED }, {}, {}]);
    await setBudget(name, 1);
    const { agent, check, again } = await startOn(t, name, {});
    check.breakIt();
    await blocked(name);
    agent.kill('SIGKILL');
    await agent.exit;
    const { since, state } = (await ledger(name)).drain;
    assert.equal(state, 'Draining');
    await setBudget(name, 0);
    const mark = plane.audit.mark();
    const second = again();
    await drained(second);
    assert.deepEqual(await podNames(name), []);
    assert.deepEqual((await ledger(name)).drain, { state: 'Drained', since });
    assert.equal(countRequests(requests(name, mark))['patch nodes'], 1);
    assert.ok(!second.lines.some((line) => /Cordoning|Draining node/.test(line)), 'the episode is the same');
    second.kill('SIGKILL');
    await second.exit;
    const done = plane.audit.mark();
    const third = again();
    await addPod(name, { name: 'after-the-drain' });
    await letRun(third, 3);
    assert.equal(evictions(name, done).length, 0, 'a drain that ended is not repeated');
  });

  test('a Node that vanishes ends its drain, and another of its name is not drained for what failed before', async (t) => {
    const name = 'vanishes';
    await setUp(name, [{ labels: GUARDED }]);
    await setBudget(name, 1);
    const { agent, check } = await startOn(t, name, {});
    check.breakIt();
    await blocked(name);
    await deleteNode(plane.api, name);
    await agent.waitForLine(/there is no node vanishes/);
    const mark = plane.audit.mark();
    await setBudget(name, 0);
    await letRun(agent, 4);
    assert.equal(evictions(name, mark).length, 0);
    check.heal();
    await letRun(agent, 2);
    await createNode(plane.api, name, { labels: WITH_KUBELET });
    await letRun(agent, 3);
    assert.equal(evictions(name, mark).length, 0);
    assert.ok(!(await node(name)).spec.unschedulable);
    assert.deepEqual(await podNames(name), ['pod-0']);
  });
});

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  }[];
}

interface Budget {
  readonly metadata: { readonly generation: number };
  readonly status?: { readonly observedGeneration?: number; readonly desiredHealthy?: number };
}
