import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import { countRequests } from '../harness/audit.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { type Condition, conditionOf, isReportedOn, OWN_CONDITIONS, ownConditionsOf } from '../harness/held-node.ts';
import { createNode, deleteNode } from '../harness/nodes.ts';
import { createSickCheck, type SickCheckSpec } from '../harness/sick-check.ts';
import { createPodBoundToken } from '../harness/tokens.ts';
import { waitFor } from '../harness/wait-for.ts';

const TYPE = 'StorageDaemonHealthy';
const SPEC = { nodeCondition: TYPE, check: { failureThreshold: 2 } };
const CORDON = { ...SPEC, actions: { cordon: true } };
const STATUS_PATCH = 'application/strategic-merge-patch+json';

/** The agent as it is shipped, with the RBAC it ships with, on a real API server; every test has a node of its own. */
describe('conditions on a real API server', { skip: skipWithoutControlPlane(), concurrency: 4 }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await joinAgentCluster();
  });
  after(() => cluster?.stop());

  /** An agent on a Node of its own, for as long as the test lasts; `again` starts another one of the same pod. */
  async function setUp(t: TestContext, name: string, spec: SickCheckSpec) {
    await createNode(cluster.plane.api, name);
    const check = createSickCheck(spec);
    const seat = await cluster.seat(name);
    const again = () => cluster.start(seat, check);
    t.after(() => cluster.endOn(name));
    return { agent: again(), check, again };
  }
  const conditionNow = async (name: string, type = TYPE) => conditionOf(await cluster.node(name), type);
  const until = (name: string, status: Condition['status'] | undefined, type = TYPE) =>
    cluster.until(name, `${type} ${status}`, (node) => conditionOf(node, type)?.status === status);
  const forgotten = (name: string) =>
    cluster.until(
      name,
      'without anything of ours in its conditions',
      (node) => conditionOf(node, TYPE) === undefined && node.metadata.annotations?.[OWN_CONDITIONS] === undefined,
    );
  const writeCondition = (name: string, condition: Condition) =>
    cluster.plane.api.requestOk('PATCH', `/api/v1/nodes/${name}/status`, {
      body: { status: { conditions: [condition] } },
      contentType: STATUS_PATCH,
    });
  /** So many more runs of the check, one a second: time for anything that should not happen. */
  async function letRun(agent: AgentProcess, runs: number) {
    const count = () => agent.lines.filter((line) => /\[✅OK\]|\[💥FAIL\]/.test(line)).length;
    const before = count();
    await waitFor(() => count() >= before + runs, { what: `${runs} runs` });
  }

  test('a condition follows the health of its check, with one write for each change and none in between', async (t) => {
    const name = 'follows';
    const { agent, check } = await setUp(t, name, SPEC);
    await cluster.plane.kubectl(['wait', `--for=condition=${TYPE}`, `node/${name}`, '--timeout=30s']);
    await cluster.until(name, 'reported on', isReportedOn);
    const healthy = await conditionNow(name);
    assert.equal(healthy?.reason, 'CheckHealthy');
    assert.equal(healthy.message, 'Policy sick-check: check is healthy, last: exit code 0');
    assert.equal(healthy.lastTransitionTime, healthy.lastHeartbeatTime);
    assert.deepEqual(ownConditionsOf(await cluster.node(name)), [TYPE]);
    assert.equal((await conditionNow(name, 'Ready'))?.reason, 'KubeletReady');

    await waitFor(() => countRequests(cluster.requests(name, 0))['create events'] === 1, {
      what: 'the Event that tells of the policy',
    });
    const settled = cluster.plane.audit.mark();
    await letRun(agent, 8);
    assert.deepEqual(countRequests(cluster.requests(name, settled)), {});

    check.breakIt();
    await until(name, 'False');
    const failing = await conditionNow(name);
    assert.equal(failing?.reason, 'CheckFailing');
    assert.equal(failing.message, 'Policy sick-check: check is failing, last: exit code 1');
    assert.ok(Date.parse(failing.lastTransitionTime ?? '') >= Date.parse(healthy.lastTransitionTime ?? ''));
    await letRun(agent, 4);
    const counts = countRequests(cluster.requests(name, settled));
    assert.deepEqual(counts, { 'get nodes': 1, 'patch nodes/status': 1, 'create events': 1 });

    check.heal();
    await until(name, 'True');
    await agent.waitForLine(/condition written.*status=True reason=CheckHealthy/);
  });

  test('a condition is Unknown until the check has run', async (t) => {
    const name = 'not-yet-run';
    const followed = await cluster.follow(name);
    await setUp(t, name, { ...SPEC, check: { initialDelaySeconds: 10 } });
    await followed.until('told as not yet run', (node) => {
      const { status, reason } = conditionOf(node, TYPE) ?? {};
      return status === 'Unknown' && reason === 'CheckNotYetRun';
    });
    await followed.until('healthy', (node) => conditionOf(node, TYPE)?.status === 'True');
    followed.close();
  });

  test('a condition goes when its policy asks for it no more, by hot reload, and comes back', async (t) => {
    const name = 'reloaded';
    const { check } = await setUp(t, name, SPEC);
    await until(name, 'True');
    check.write({ nodeCondition: undefined });
    await forgotten(name);
    check.write({});
    await until(name, 'True');
    check.write({ mode: 'Observe' });
    await forgotten(name);
    check.write({});
    await until(name, 'True');
    check.write({ nodeSelector: { matchLabels: { role: 'another' } } });
    await forgotten(name);
  });

  test('a condition that nobody asks for since the agent was down goes after its restart', async (t) => {
    const name = 'while-down';
    const { agent, check, again } = await setUp(t, name, SPEC);
    await until(name, 'True');
    agent.kill('SIGKILL');
    await agent.exit;
    check.write({ nodeCondition: 'Other' });
    again();
    await cluster.until(name, 'with another condition', (node) => ownConditionsOf(node).join() === 'Other');
    assert.equal(await conditionNow(name), undefined);
    await until(name, 'True', 'Other');
  });

  test('a restart writes nothing as long as there is no news', async (t) => {
    const name = 'condition-restarted';
    const { agent, check, again } = await setUp(t, name, SPEC);
    await until(name, 'True');
    check.breakIt();
    await until(name, 'False');
    agent.kill('SIGKILL');
    await agent.exit;
    const before = await conditionNow(name);
    const mark = cluster.plane.audit.mark();
    const second = again();
    await second.waitForLine(/Noticed 3 times/);
    assert.deepEqual(await conditionNow(name), before);
    assert.equal(countRequests(cluster.requests(name, mark))['patch nodes/status'], undefined);
    check.heal();
    await until(name, 'True');
  });

  test("somebody else's condition of that type is left alone, with a word in the log, and actions go on", async () => {
    const name = 'foreign';
    const theirs = { type: TYPE, status: 'Unknown', reason: 'TheirReason', message: 'theirs' };
    await createNode(cluster.plane.api, name);
    await writeCondition(name, theirs);
    const check = createSickCheck(CORDON);
    const agent = cluster.start(await cluster.seat(name), check);
    await agent.waitForLine(
      /condition StorageDaemonHealthy \(Unknown, TheirReason\) is somebody else's and left alone/,
    );
    const before = await conditionNow(name);
    check.breakIt();
    await cluster.cordoned(name);
    check.heal();
    await cluster.released(name);
    assert.deepEqual(await conditionNow(name), before);
    assert.equal(countRequests(cluster.requests(name, 0))['patch nodes/status'], undefined);
    assert.equal((await cluster.node(name)).metadata.annotations?.[OWN_CONDITIONS], undefined);
  });

  test('a condition that somebody else wrote over is theirs from then on', async (t) => {
    const name = 'written-over';
    const { agent, check } = await setUp(t, name, SPEC);
    await until(name, 'True');
    await writeCondition(name, { type: TYPE, status: 'False', reason: 'TheirReason' });
    await agent.waitForLine(/\(False, TheirReason\) is somebody else's/);
    check.write({ nodeCondition: undefined });
    await cluster.until(name, 'without our list', (node) => node.metadata.annotations?.[OWN_CONDITIONS] === undefined);
    assert.equal((await conditionNow(name))?.reason, 'TheirReason');
  });

  test('an agent that died between its list and the condition writes it when it is back', async () => {
    const name = 'claimed';
    const annotations = { [OWN_CONDITIONS]: JSON.stringify([TYPE, 'Gone']) };
    await createNode(cluster.plane.api, name, { annotations });
    cluster.start(await cluster.seat(name), createSickCheck(SPEC));
    await until(name, 'True');
    await cluster.until(name, 'with the list as it is', (node) => ownConditionsOf(node).join() === TYPE);
  });

  test('a Node that is replaced gets conditions of its own', async (t) => {
    const name = 'condition-replaced';
    const { agent, check } = await setUp(t, name, { ...CORDON, check: { failureThreshold: 1, periodSeconds: 5 } });
    check.breakIt();
    await until(name, 'False');
    await deleteNode(cluster.plane.api, name);
    await agent.waitForLine(/there is no node condition-replaced/);
    const followed = await cluster.follow(name);
    await createNode(cluster.plane.api, name);
    const told = new Set<string | undefined>();
    await followed.until(`${TYPE} False`, (node) => {
      const { status, reason } = conditionOf(node, TYPE) ?? {};
      told.add(status && `${status} ${reason}`);
      return status === 'False';
    });
    // How long it is not known depends on when the check runs next.
    told.delete('Unknown CheckNotYetRun');
    assert.deepEqual([...told], [undefined, 'False CheckFailing']);
    followed.close();
  });

  test('without the right to write conditions actions go on, and it is said once; with the right they are there', async () => {
    const name = 'no-right';
    await createNode(cluster.plane.api, name);
    const serviceAccount = 'without-conditions';
    const binding = ['--clusterrole', serviceAccount, '--serviceaccount', `${NAMESPACE}:${serviceAccount}`];
    const rule = (verbs: string, resource: string) => ['--verb', verbs, '--resource', resource];
    const { plane } = cluster;
    await plane.kubectl(['create', 'clusterrole', serviceAccount, ...rule('get,list,watch,patch', 'nodes')]);
    await plane.kubectl(['create', 'clusterrolebinding', serviceAccount, ...binding]);
    const { token } = await createPodBoundToken(plane.api, {
      namespace: NAMESPACE,
      serviceAccount,
      pod: 'agent-without-conditions',
      node: name,
    });
    const check = createSickCheck(CORDON);
    const kubeconfig = plane.writeKubeconfig('without-conditions', { token, namespace: NAMESPACE });
    const agent = startAgent({ nodeName: name, policyDir: check.policyDir, kubeconfig });
    cluster.keep(agent, check);
    await agent.waitForLine(/write the conditions of node no-right.*403/);
    check.breakIt();
    await cluster.cordoned(name);
    const refused = () =>
      cluster.requests(name, 0).filter(({ objectRef, responseStatus }) => {
        return objectRef?.subresource === 'status' && responseStatus?.code === 403;
      });
    await waitFor(() => refused().length >= 3, { what: 'it to be tried again' });
    assert.equal(agent.lines.filter((line) => line.includes('write the conditions of node')).length, 1);
    await plane.kubectl(['create', 'clusterrole', `${serviceAccount}-more`, ...rule('patch', 'nodes/status')]);
    const more = binding.map((word) => (word === serviceAccount ? `${serviceAccount}-more` : word));
    await plane.kubectl(['create', 'clusterrolebinding', `${serviceAccount}-more`, ...more]);
    await cluster.until(name, 'told as failing', (node) => conditionOf(node, TYPE)?.status === 'False');
  });
});
