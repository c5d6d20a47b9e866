import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import { countRequests } from '../harness/audit.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { conditionOf, ownConditionsOf } from '../harness/held-node.ts';
import { createNode } from '../harness/nodes.ts';
import { createNamespace, createPod, endPod } from '../harness/pods.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const TYPE = 'StorageDaemonHealthy';
const SPEC = {
  nodeCondition: TYPE,
  lifecycleConditions: true,
  check: { failureThreshold: 1 },
  actions: { drain: {} },
};
const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'replica-set', controller: true };
const UNDER_WAY = ['DrainInProgress=True DrainStarted', 'Drained=False DrainStarted'];

/**
 * The agent as it is shipped drains nodes of a real API server. No kubelet runs, so the one pod of each node ends when
 * the test ends it. Every test has a node of its own, and a namespace of the same name.
 */
describe('the lifecycle conditions of a drain', { skip: skipWithoutControlPlane(), concurrency: 3 }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await joinAgentCluster();
  });
  after(() => cluster?.stop());

  async function setUp(name: string) {
    const { api } = cluster.plane;
    await createNode(api, name);
    await createNamespace(api, name);
    await createPod(api, { namespace: name, name: 'web', nodeName: name, ownerReferences: [REPLICA_SET] });
    const check = createSickCheck(SPEC);
    const seat = await cluster.seat(name);
    const again = () => cluster.start(seat, check);
    const agent = again();
    await cluster.until(name, 'told as healthy', (node) => conditionOf(node, TYPE)?.status === 'True');
    return { agent, check, again };
  }
  const health = async (name: string) => conditionOf(await cluster.node(name), TYPE)?.status;
  const pair = async (name: string) => {
    const node = await cluster.node(name);
    return ['DrainInProgress', 'Drained'].map((type) => {
      const { status, reason } = conditionOf(node, type) ?? {};
      return status && `${type}=${status} ${reason}`;
    });
  };
  const untilPair = (name: string, expected: readonly unknown[]) =>
    waitFor(async () => JSON.stringify(await pair(name)) === JSON.stringify(expected), {
      what: `node ${name} to say ${expected}`,
    });

  test('go with it from its start to its end, and away on recovery, for one write each', async () => {
    const name = 'lifecycle';
    const { check } = await setUp(name);
    const mark = cluster.plane.audit.mark();
    const writes = () => countRequests(cluster.requests(name, mark))['patch nodes/status'];
    check.breakIt();
    await untilPair(name, UNDER_WAY);
    assert.equal(await health(name), 'False');
    await endPod(cluster.plane.api, name, 'web');
    await untilPair(name, ['DrainInProgress=False DrainCompleted', 'Drained=True DrainCompleted']);
    assert.equal(writes(), 2);
    check.heal();
    await cluster.released(name);
    await cluster.until(name, 'told as healthy and nothing else', (node) => ownConditionsOf(node).join() === TYPE);
    assert.deepEqual([await pair(name), await health(name), writes()], [[undefined, undefined], 'True', 3]);
  });

  test("are not written where one of them is somebody else's, and the drain goes on", async () => {
    const name = 'lifecycle-foreign';
    const { agent, check } = await setUp(name);
    const theirs = { type: 'Drained', status: 'False', reason: 'KubectlUncordoned' };
    await cluster.plane.api.requestOk('PATCH', `/api/v1/nodes/${name}/status`, {
      body: { status: { conditions: [theirs] } },
      contentType: 'application/strategic-merge-patch+json',
    });
    check.breakIt();
    await agent.waitForLine(/condition Drained \(False, KubectlUncordoned\) is somebody else's/);
    await endPod(cluster.plane.api, name, 'web');
    await agent.waitForLine(/is drained/);
    assert.deepEqual(await pair(name), [undefined, 'Drained=False KubectlUncordoned']);
  });

  test('outlast nsc release until an agent runs; the condition of the check stays', async () => {
    const name = 'lifecycle-released';
    const { agent, check, again } = await setUp(name);
    check.breakIt();
    await untilPair(name, UNDER_WAY);
    agent.kill('SIGKILL');
    await agent.exit;
    const options = ['--yes', '--kubeconfig', cluster.plane.kubeconfigPath, '-n', NAMESPACE];
    const { exitCode, stderr } = await finished(runNsc(['release', name, ...options]));
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(await pair(name), UNDER_WAY);
    again();
    await untilPair(name, [undefined, undefined]);
    assert.equal(await health(name), 'False');
  });
});
