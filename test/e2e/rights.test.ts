import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { template } from '../deploy/helm-chart.ts';
import { grantedBy, KUSTOMIZE, render } from '../deploy/render.ts';
import { type AgentCluster, startAgentCluster } from '../harness/agent-cluster.ts';
import { AGENT_ACCOUNT, NAMESPACE } from '../harness/agent-rights.ts';
import { rightsOf } from '../harness/audit.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { isHeld, taintsOf } from '../harness/held-node.ts';
import { createNode } from '../harness/nodes.ts';
import { createPod } from '../harness/pods.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const SKIP = skipWithoutControlPlane('kube-controller-manager', 'kwok', 'helm');
const TAINT = { key: 'sick', value: 'true', effect: 'NoExecute' };
const DRAIN = { taint: TAINT, drain: { timeoutSeconds: 5, onTimeout: 'Delete' } };
const LABELS = { app: 'web' };
const TEMPLATE = {
  metadata: { labels: LABELS },
  spec: { containers: [{ name: 'main', image: 'registry.example/none' }] },
};

/**
 * Two agents go through all that an agent does, with the rights and under the admission policy that are shipped. What is
 * granted has to be what they asked for, each right of it and no more.
 */
describe('the rights of an agent', { skip: SKIP }, () => {
  let cluster: AgentCluster;
  let mark: number;
  before(async () => {
    cluster = await startAgentCluster({ controllerManager: 'disruption-controller', kwok: true });
    mark = cluster.plane.audit.mark();
  });
  after(() => cluster?.stop());

  const asked = () => cluster.plane.audit.since(mark, { user: `system:serviceaccount:${NAMESPACE}:${AGENT_ACCOUNT}` });

  async function startOn(nodeName: string, actions: object = DRAIN) {
    await createNode(cluster.plane.api, nodeName);
    const check = createSickCheck({ nodeCondition: 'CheckIsHealthy', check: { failureThreshold: 1 }, actions });
    const budget = { metadata: { name: 'all' }, spec: { maxUnavailable: 1 } };
    const text = JSON.stringify({ apiVersion: 'node-svc-checker/v1', kind: 'NodeDisruptionBudget', ...budget });
    writeFileSync(join(check.policyDir, 'budget.json'), text);
    const seat = await cluster.seat(nodeName, { tolerates: true });
    const start = () => cluster.start(seat, check);
    const agent = start();
    await agent.waitForLine(/\[✅OK\]/);
    return { nodeName, check, agent, start };
  }

  /** One pod of a DaemonSet, which stays, and one that its PodDisruptionBudget lets nobody evict. */
  async function createPods(nodeName: string): Promise<void> {
    const { api } = cluster.plane;
    const { metadata } = await api.requestOk('POST', '/apis/apps/v1/namespaces/default/daemonsets', {
      body: { metadata: { name: 'ds' }, spec: { selector: { matchLabels: LABELS }, template: TEMPLATE } },
    });
    const owner = { controller: true, name: 'ds' };
    const daemonSet = { ...owner, apiVersion: 'apps/v1', kind: 'DaemonSet', uid: metadata.uid };
    const replicaSet = { ...owner, apiVersion: 'apps/v1', kind: 'ReplicaSet', uid: 'replica-set' };
    await createPod(api, { name: 'of-daemonset', nodeName, ownerReferences: [daemonSet] });
    await createPod(api, { name: 'guarded', nodeName, labels: LABELS, ownerReferences: [replicaSet] });
    await api.requestOk('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
      body: { metadata: { name: 'guard' }, spec: { minAvailable: 1, selector: { matchLabels: LABELS } } },
    });
  }

  test('are those of the shipped roles, each of them, and no more', async () => {
    const first = await startOn('first');
    const second = await startOn('second');
    await createPods('first');
    // A slot; a drain whose eviction is refused, and which deletes at its deadline; then NoExecute.
    first.check.breakIt();
    await first.agent.waitForLine(/is drained/);
    second.check.breakIt();
    await second.agent.waitForLine(/No slot for node second/);
    // A restart within the episode: the slot that it has is looked at from time to time.
    first.agent.kill('SIGKILL');
    await first.agent.exit;
    first.start();
    await waitFor(() => rightsOf(asked()).includes('get coordination.k8s.io/leases'), {
      what: 'the slot to be looked at',
    });
    // It goes to the second node. What happens there again within minutes counts up its Events.
    first.check.heal();
    await cluster.until('second', 'held', isHeld);
    second.check.heal();
    await cluster.released('second');
    second.check.breakIt();
    await waitFor(() => asked().some(({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'events'), {
      what: 'an Event to be counted up',
    });
    second.check.heal();
    await cluster.released('second');
    assert.deepEqual(
      asked().filter(({ responseStatus }) => responseStatus?.code === 403),
      [],
    );
    const granted = grantedBy(await render(join(KUSTOMIZE, 'base')), AGENT_ACCOUNT);
    assert.deepEqual(rightsOf(asked()), granted);
  });

  test('suffice without those for drains, where no policy drains', async () => {
    const { plane } = cluster;
    const role = (await template({ drainRights: false })).find(({ id }) => id === `ClusterRole/${AGENT_ACCOUNT}`);
    await plane.kubectl(['apply', '-f', '-'], { stdin: role?.text });
    const from = plane.audit.mark();
    const third = await startOn('third', { taint: TAINT });
    third.check.breakIt();
    await cluster.until('third', 'tainted', (node) => taintsOf(node).length > 0);
    third.check.heal();
    await cluster.released('third');
    const requests = cluster.requests('third', from);
    assert.ok(rightsOf(requests).includes('get /pods'));
    assert.deepEqual(
      requests.filter(({ responseStatus }) => responseStatus?.code === 403),
      [],
    );
  });
});
