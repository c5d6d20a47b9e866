import { after, before, describe, test } from 'node:test';
import { type AgentCluster, startAgentCluster } from '../harness/agent-cluster.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { deleteNode } from '../harness/nodes.ts';
import { budgetTools, type Member } from './budget-tools.ts';

const SKIP = skipWithoutControlPlane('kube-controller-manager');

/** Of its own for the garbage collector, which would delete the pods with made-up owners of other tests. */
describe('a slot, where there is a garbage collector', { skip: SKIP }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await startAgentCluster({ controllerManager: 'garbage-collector-controller' });
  });
  after(() => cluster?.stop());
  const { muster, untilHeld } = budgetTools(() => cluster);

  test('is free once its Node is deleted while no agent runs there', async (t) => {
    const [first, second] = (await muster(t, 'garbage', ['', ''], { maxUnavailable: 1 })) as [Member, Member];
    first.check.breakIt();
    await untilHeld([first], 1);
    second.check.breakIt();
    await second.agent.waitForLine(/budget garbage is full/);
    first.agent.kill('SIGKILL');
    await first.agent.exit;
    await deleteNode(cluster.plane.api, first.name);
    await untilHeld([second], 1);
  });
});
