import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NodeEvent } from '../../agent/core/node-event.ts';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import { countRequests } from '../harness/audit.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { addGuardedPods } from '../harness/guarded-pods.ts';
import { eventsOn } from '../harness/node-events.ts';
import { createNode } from '../harness/nodes.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const TAINT = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' } as const;

/** The agent as it is shipped, with the rights it ships with, on a real API server. */
describe('the Events of a running agent', { skip: skipWithoutControlPlane(), concurrency: 4 }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await joinAgentCluster();
  });
  after(() => cluster?.stop());

  const { setUp, eventsOf, countOf, told, described } = toolsOf(() => cluster);

  test('every transition of an episode is told once, where kubectl describe node shows it', async () => {
    const name = 'episode';
    const { check, start, uid } = await setUp(name, { taint: TAINT, drain: {} });
    const pods = await addGuardedPods(cluster.plane.api, name, { free: 1, guarded: 1 });
    const agent = await start();
    await told(name, 'PolicyReloaded');
    await agent.waitForLine(/\[✅OK\]/);
    check.breakIt();
    for (const reason of ['CheckFailing', 'NodeCordoned', 'NodeTainted', 'DrainStarted'] as const)
      await told(name, reason);
    await pods.unguard();
    await told(name, 'DrainSucceeded');
    check.heal();
    await told(name, 'CheckRecovered');
    await told(name, 'NodeReleased');
    check.write({ check: { periodSeconds: 0 } });
    await told(name, 'PolicyInvalid');
    check.write({ check: { periodSeconds: 2 } });
    await told(name, 'PolicyReloaded', 2);
    assert.deepEqual((await described(name)).sort(), [
      'Normal CheckRecovered',
      'Normal DrainSucceeded',
      'Normal NodeReleased',
      'Normal PolicyReloaded',
      'Normal PolicyReloaded',
      'Warning CheckFailing',
      'Warning DrainStarted',
      'Warning NodeCordoned',
      'Warning NodeTainted',
      'Warning PolicyInvalid',
    ]);
    for (const { involvedObject } of await eventsOf(name)) assert.equal(involvedObject.uid, uid);
    assert.equal(countRequests(cluster.requests(name, 0))['create events'], 10);
  });

  test('a drain that gives up is told with the pod and why', async () => {
    const name = 'stuck';
    const { check, start } = await setUp(name, { drain: { timeoutSeconds: 8 } });
    await addGuardedPods(cluster.plane.api, name, { free: 0, guarded: 1 });
    await start();
    check.breakIt();
    await told(name, 'DrainFailed');
    const { message } = (await eventsOf(name)).find(({ reason }) => reason === 'DrainFailed') ?? assert.fail();
    assert.match(message, /pod stuck\/pod-0: .*disruption budget/);
    assert.ok((await described(name)).includes('Warning DrainFailed'));
  });

  test('a budget that denies is told once, however often it is asked', async () => {
    const name = 'denied';
    const { check, start } = await setUp(name, { cordon: true });
    const kind = { apiVersion: 'node-svc-checker/v1', kind: 'NodeDisruptionBudget', metadata: { name: 'none' } };
    const budget = JSON.stringify({ ...kind, spec: { nodeSelector: {}, maxUnavailable: 0 } });
    writeFileSync(join(check.policyDir, 'budget.json'), budget);
    check.breakIt();
    const agent = await start();
    await told(name, 'BudgetDenied');
    for (let run = 0; run < 3; run++) await agent.waitForLine(/Noticed/, { from: agent.lines.length });
    assert.deepEqual([await countOf(name, 'BudgetDenied'), await countOf(name, 'NodeCordoned')], [1, 0]);
    assert.ok((await described(name)).includes('Warning BudgetDenied'));
  });

  test('a check that flaps is counted up and not written anew', async () => {
    const name = 'flapping';
    const { check, start } = await setUp(name, { cordon: true });
    const agent = await start();
    for (let flap = 1; flap <= 3; flap++) {
      await agent.waitForLine(/\[✅OK\]/, { from: agent.lines.length });
      check.breakIt();
      await told(name, 'NodeCordoned', flap);
      check.heal();
      await told(name, 'NodeReleased', flap);
    }
    for (const reason of ['CheckFailing', 'NodeCordoned', 'CheckRecovered', 'NodeReleased'] as const) {
      assert.equal(await countOf(name, reason), 3, reason);
    }
    assert.equal((await eventsOf(name)).length, 5, 'one of each, and that of the policy');
  });
});

/** What the tests need, of a cluster that is there once they run. */
function toolsOf(cluster: () => AgentCluster) {
  async function setUp(name: string, actions: object) {
    const { metadata } = await createNode(cluster().plane.api, name);
    const check = createSickCheck({ check: { failureThreshold: 1 }, actions });
    const start = async () => cluster().start(await cluster().seat(name), check);
    return { check, start, uid: metadata.uid };
  }
  const eventsOf = (name: string) => eventsOn(cluster().plane.api, name);
  const countOf = async (name: string, reason: NodeEvent['reason']) =>
    (await eventsOf(name)).reduce((sum, event) => sum + (event.reason === reason ? event.count : 0), 0);
  const told = (name: string, reason: NodeEvent['reason'], times = 1) =>
    waitFor(async () => (await countOf(name, reason)) === times, {
      what: `${reason} to be told ${times} times on ${name}`,
    });
  /** What kubectl shows of ours: reason and type of each line. */
  const described = async (name: string) => {
    const text = await cluster().plane.kubectl(['describe', 'node', name]);
    const lines = text.slice(text.indexOf('\nEvents:')).split('\n');
    return lines.flatMap((line) => {
      const [type, reason, , from] = line.trim().split(/\s{2,}/);
      return from === 'node-svc-checker' ? [`${type} ${reason}`] : [];
    });
  };
  return { setUp, eventsOf, countOf, told, described };
}
