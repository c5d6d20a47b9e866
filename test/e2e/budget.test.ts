import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import type { KubeObject } from '../harness/api-client.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { isCordoned, isHeld, isReleased } from '../harness/held-node.ts';
import { createNode } from '../harness/nodes.ts';
import { runNsc } from '../harness/run-nsc.ts';
import { waitFor } from '../harness/wait-for.ts';
import { budgetTools, type Member, only } from './budget-tools.ts';

/** Agents as they are shipped, each with a policy directory of its own, whose budget counts the nodes of one fleet. */
describe('a disruption budget on a real API server', { skip: skipWithoutControlPlane(), concurrency: 3 }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await joinAgentCluster();
  });
  after(() => cluster?.stop());

  const { setBudget, muster, heldOf, leasesOf, untilHeld } = budgetTools(() => cluster);

  test('of three failing nodes one is disrupted, the others say why not, and follow one by one', async (t) => {
    const members = await muster(t, 'one', ['', '', ''], { maxUnavailable: 1 });
    for (const { check } of members) check.breakIt();
    await untilHeld(members, 1);
    const first = only(await heldOf(members));
    const denied = members.filter((member) => member !== first);
    const counted: string[] = [];
    for (const { agent, name } of denied) {
      const line = await agent.waitForLine(
        new RegExp(`No slot for node ${name}: budget one is full, . of 1 disrupted`),
      );
      counted.push(line.replace(/.*full, (.) of.*/, '$1'));
      const { body } = await agent.get('/metrics');
      assert.match(body, /^nsc_budget_denied\{budget="one"\} 1$/m);
      await waitFor(async () => (await cluster.plane.kubectl(['describe', 'node', name])).includes('BudgetDenied'), {
        what: 'the Event',
      });
    }
    // Of two that ask at the same moment, neither counts the other, which is denied as well.
    assert.deepEqual(counted, ['1', '1']);
    const lease = only((await leasesOf('one')) as (KubeObject & { spec: { holderIdentity: string } })[]);
    assert.equal(lease.metadata.name, `nsc-one-${first.name}`);
    assert.equal(lease.spec.holderIdentity, first.name);
    const owner = only((lease.metadata as unknown as { ownerReferences: Record<string, string>[] }).ownerReferences);
    assert.deepEqual([owner.kind, owner.name, owner.blockOwnerDeletion], ['Node', first.name, undefined]);

    first.check.heal();
    await cluster.until(first.name, 'given back', isReleased);
    await untilHeld(denied, 1);
    const second = only(await heldOf(denied));
    const third = only(denied.filter((member) => member !== second));
    second.check.heal();
    await untilHeld([third], 1);
    third.check.heal();
    await waitFor(async () => (await leasesOf('one')).length === 0, { what: 'no Lease to be left' });
  });

  test("a person's cordon counts, until it ends", async (t) => {
    const members = await muster(t, 'person', [''], { maxUnavailable: 1 });
    await createNode(cluster.plane.api, 'person-by-hand', { labels: { fleet: 'person' }, unschedulable: true });
    const member = only(members);
    member.check.breakIt();
    await member.agent.waitForLine(/budget person is full, 1 of 1 disrupted/);
    assert.ok(!isHeld(await cluster.node(member.name)));
    await cluster.plane.kubectl(['uncordon', 'person-by-hand']);
    await untilHeld(members, 1);
  });

  test('a raised limit lets more nodes be disrupted, a lowered one takes none back, and 0 stops all that is new', async (t) => {
    const members = await muster(t, 'limit', ['', ''], { maxUnavailable: 0 });
    for (const { check } of members) check.breakIt();
    for (const { agent } of members) await agent.waitForLine(/budget limit lets no node be disrupted/);
    for (const member of members) setBudget(member, 'limit', { maxUnavailable: '100%' });
    await untilHeld(members, 2);
    const mark = members.map(({ agent }) => agent.lines.length);
    for (const member of members) setBudget(member, 'limit', { maxUnavailable: 0 });
    for (const [n, { agent }] of members.entries()) {
      await agent.waitForLine(/policy in force/, { from: mark[n] });
      await agent.waitForLine(/Noticed/, { from: agent.lines.length });
    }
    assert.equal((await heldOf(members)).length, 2);
    for (const { check } of members) check.heal();
    await untilHeld(members, 0);
    for (const { check } of members) check.breakIt();
    for (const [n, { agent }] of members.entries()) {
      await agent.waitForLine(/Detected the monitored service is down/, { from: (mark[n] ?? 0) + 1 });
    }
    assert.equal((await heldOf(members)).length, 0);
  });

  test('with a topologyKey it counts per value, and a node without that label is left alone', async (t) => {
    const members = await muster(t, 'zones', ['a', 'a', 'b', ''], { maxUnavailable: 1, topologyKey: 'zone' });
    for (const { check } of members) check.breakIt();
    await untilHeld(members.slice(0, 2), 1);
    await untilHeld(members.slice(2, 3), 1);
    const [, , , unlabelled] = members;
    await unlabelled?.agent.waitForLine(/node zones-3 must have the label zone, by whose values the budget counts/);
    assert.equal((await heldOf(members)).length, 2);
  });

  test('a restarted agent keeps its slot', async (t) => {
    const members = await muster(t, 'restart', ['', ''], { maxUnavailable: 1 });
    const [first, second] = members as [Member, Member];
    first.check.breakIt();
    await untilHeld([first], 1);
    const before = only(await leasesOf('restart')).metadata.uid;
    first.agent.kill('SIGKILL');
    await first.agent.exit;
    second.check.breakIt();
    await second.agent.waitForLine(/budget restart is full/);
    first.agent = cluster.start(await cluster.seat(first.name), first.check);
    await first.agent.waitForLine(/Noticed/);
    assert.equal(only(await leasesOf('restart')).metadata.uid, before);
  });

  test('a person who uncordons frees the slot, and one who deletes the Lease does not', async (t) => {
    const members = await muster(t, 'release', ['', ''], { maxUnavailable: 1 });
    const [first, second] = members as [Member, Member];
    first.check.breakIt();
    await untilHeld([first], 1);
    second.check.breakIt();
    await second.agent.waitForLine(/budget release is full/);
    await cluster.plane.kubectl(['delete', '--namespace', NAMESPACE, 'lease', `nsc-release-${first.name}`]);
    const from = second.agent.lines.length;
    await second.agent.waitForLine(/Noticed/, { from });
    assert.ok(!isCordoned(await cluster.node(second.name)));
    await cluster.plane.kubectl(['uncordon', first.name]);
    await untilHeld([second], 1);
    assert.ok(!isCordoned(await cluster.node(first.name)));
  });

  test('a released node gives its slot to the next one, and is not taken again in the same episode', async (t) => {
    const members = await muster(t, 'taken-back', ['', ''], { maxUnavailable: 1 });
    const [first, second] = members as [Member, Member];
    first.check.breakIt();
    await untilHeld([first], 1);
    second.check.breakIt();
    await second.agent.waitForLine(/budget taken-back is full/);
    const release = runNsc(['release', first.name, '--yes', '--namespace', NAMESPACE], {
      env: { KUBECONFIG: cluster.plane.kubeconfigPath },
    });
    assert.equal(await release.exitCode, 0, release.stderr);
    assert.match(release.stdout, /uncordoned, slot of budget taken-back given back/);
    await untilHeld([second], 1);
    const from = first.agent.lines.length;
    await first.agent.waitForLine(/Noticed/, { from });
    assert.ok(!isCordoned(await cluster.node(first.name)));
    const status = runNsc(['status', '-l', 'fleet=taken-back', '-o', 'json', '--namespace', NAMESPACE], {
      env: { KUBECONFIG: cluster.plane.kubeconfigPath },
    });
    assert.equal(await status.exitCode, 1);
    const { summary } = JSON.parse(status.stdout);
    const slots = summary.slots.find(({ budget }: { budget: string }) => budget === 'taken-back');
    assert.deepEqual([summary.held, summary.takenAway, slots], [2, 1, { budget: 'taken-back', held: 1, others: 0 }]);
  });
});
