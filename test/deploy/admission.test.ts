import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { slotLeaseName } from '../../agent/kube/slot-api.ts';
import { AGENT_ACCOUNT, applyAdmissionPolicy, createUnboundToken } from '../harness/agent-rights.ts';
import type { ApiClient, KubeObject, KubeStatus } from '../harness/api-client.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { createNode } from '../harness/nodes.ts';
import { createNamespace, createPod } from '../harness/pods.ts';
import { createPodBoundToken } from '../harness/tokens.ts';
import { waitFor } from '../harness/wait-for.ts';
import { ALLOWED, EVENTS, eventOf, LEASES, leaseOf, OWN, REFUSED, type Write } from './admission-cases.ts';
import { NAMESPACE } from './helm-chart.ts';

const RELEASE_ACCOUNT = `${AGENT_ACCOUNT}-release`;
const SKIP = skipWithoutControlPlane('kube-controller-manager');

/**
 * The accounts here may do everything by RBAC, so that what is refused is so by the policy alone, and will be whatever
 * rights a role gets some day. Every write is a dry run.
 */
describe('the admission policy on a real API server', { skip: SKIP }, () => {
  let plane: ControlPlane;
  let agent: ApiClient;
  before(async () => {
    plane = await startControlPlane({ controllerManager: 'validatingadmissionpolicy-status-controller' });
    await createNamespace(plane.api, NAMESPACE);
    const subject = ['--group=system:serviceaccounts'];
    await plane.kubectl(['create', 'clusterrolebinding', 'anything', '--clusterrole=cluster-admin', ...subject]);
    await createObjects(plane.api);
    await applyAdmissionPolicy(plane, NAMESPACE);
    agent = await agentOn('own');
  });
  after(() => plane?.stop());

  async function createObjects(api: ApiClient): Promise<void> {
    for (const name of ['own', 'other']) {
      const taints = [{ key: 'by-hand', effect: 'NoSchedule' }] as const;
      const annotations = { theirs: 'a', 'node-svc-checker/ledger': '{}' };
      await createNode(api, name, { labels: { theirs: 'a' }, annotations, taints });
      const addresses = [{ type: 'Hostname', address: name }];
      const conditions = [
        { type: 'Ready', status: 'True' },
        { type: 'StorageHealthy', status: 'True' },
        { type: 'PIDPressure', status: 'False' },
      ];
      await api.requestOk('PATCH', `/api/v1/nodes/${name}/status`, { body: { status: { addresses, conditions } } });
      await createPod(api, { name: `on-${name}`, nodeName: name });
      await api.requestOk('POST', EVENTS, { body: eventOf(name) });
      await api.requestOk('POST', LEASES, { body: leaseOf(name, 'cluster') });
    }
    await createPod(api, { name: 'on-none', phase: 'Pending' });
    await api.requestOk('POST', LEASES, { body: leaseOf('own', 'edited', {}, 'other') });
    await api.requestOk('POST', LEASES, { body: leaseOf('own', 'x', { name: 'leader' }) });
  }

  async function agentOn(node: string): Promise<ApiClient> {
    const identity = { namespace: NAMESPACE, serviceAccount: AGENT_ACCOUNT, pod: `agent-${node.slice(0, 60)}`, node };
    return plane.connectAs((await createPodBoundToken(plane.api, identity)).token);
  }

  /** A dry run. @returns the message of a refusal, undefined when it is allowed */
  async function attempt(client: ApiClient, { method, path, body, contentType }: Write): Promise<string | undefined> {
    const options = { body, contentType };
    const answer = await client.request<KubeStatus>(method, `${path}?dryRun=All`, options);
    if (answer.status < 300) return undefined;
    assert.equal(answer.status, 403, JSON.stringify(answer.body));
    return answer.body.message ?? '';
  }

  for (const write of ALLOWED) {
    test(`lets an agent do this: ${write.rule}`, async () => {
      assert.equal(await attempt(agent, write), undefined);
    });
  }

  for (const write of REFUSED) {
    test(`refuses an agent this: ${write.rule}`, async () => {
      const message = await attempt(agent, write);
      assert.match(message ?? 'it is allowed', write.refusal ?? assert.fail());
      assert.match(
        message ?? '',
        /account:node-svc-checker:node-svc-checker of node own attempted [a-z]+\S* [A-Z]+ on /,
      );
    });
  }

  test("lets an agent write the kubelet's conditions back as they are, in whatever order", async () => {
    const { status } = await plane.api.requestOk<KubeObject & { status: { conditions: object[] } }>('GET', OWN);
    const conditions = [...status.conditions].reverse();
    const write = { method: 'PATCH', path: `${OWN}/status`, body: { status: { conditions } } } as const;
    assert.equal(await attempt(agent, { rule: 'reversed', ...write }), undefined);
  });

  for (const namespace of [NAMESPACE, 'elsewhere']) {
    test(`refuses everything to a token of the account in ${namespace} that names no node`, async () => {
      const unbound = plane.connectAs(await createUnboundToken(plane, namespace, AGENT_ACCOUNT));
      for (const write of ALLOWED) {
        const message = await attempt(unbound, write);
        assert.match(
          message ?? 'it is allowed',
          /of node \(none\) attempted .* the token has to name its node in/,
          write.rule,
        );
      }
      unbound.close();
    });
  }

  test('leaves alone the account of the release Job, and people', async () => {
    const job = plane.connectAs(await createUnboundToken(plane, NAMESPACE, RELEASE_ACCOUNT));
    for (const client of [job, plane.api]) {
      for (const write of [...ALLOWED, ...REFUSED].filter(isReleaseWrite)) {
        assert.equal(await attempt(client, write), undefined, write.rule);
      }
    }
    job.close();
  });

  test('lets an agent act on a Node that has no annotations, labels, taints and status', async () => {
    const { api } = plane;
    await api.requestOk('POST', '/api/v1/nodes', { body: { metadata: { name: 'bare' } } });
    const body = { metadata: { labels: null }, spec: { taints: null } };
    const { metadata, spec } = await api.requestOk('PATCH', '/api/v1/nodes/bare', { body });
    assert.deepEqual([metadata.annotations, metadata.labels, spec], [undefined, undefined, {}]);
    const bare = await agentOn('bare');
    for (const write of onNode('bare')) assert.equal(await attempt(bare, write), undefined, write.rule);
    bare.close();
  });

  test('costs little enough for a Node with 2,000 annotations', async () => {
    const { api } = plane;
    const annotations = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`example.com/${i}`, 'x']));
    await createNode(api, 'big', { annotations });
    const big = await agentOn('big');
    for (const write of onNode('big')) assert.equal(await attempt(big, write), undefined, write.rule);
    big.close();
  });

  test('lets an agent of a node with the longest of names take its slot, whose name ends in a hash', async () => {
    const node = `${'n'.repeat(63)}.`.repeat(3) + 'n'.repeat(60);
    await plane.api.requestOk('POST', '/api/v1/nodes', { body: { metadata: { name: node } } });
    const long = await agentOn(node);
    const name = slotLeaseName('cluster', node);
    assert.ok(name.length <= 253 && !name.endsWith(node));
    const create = (holder: string) => ({
      rule: 'a slot',
      method: 'POST' as const,
      path: LEASES,
      body: { ...leaseOf(holder, 'cluster', { name }) },
    });
    assert.equal(await attempt(long, create(node)), undefined);
    assert.match((await attempt(agent, create('own'))) ?? '', /only the Lease nsc-BUDGET-NODE of its own node/);
    long.close();
  });

  test('has no expression that the API server warns of', async () => {
    const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/node-svc-checker';
    const checked = async () => {
      const { status } = await plane.api.requestOk<{ status?: { typeChecking?: object } }>('GET', path);
      return status?.typeChecking;
    };
    const seen = await waitFor(checked, { what: 'the types to be checked' });
    assert.deepEqual(seen, {});
  });
});

/** What an agent may do to its Node, on another one. */
function onNode(name: string): Write[] {
  return ALLOWED.filter(({ path }) => path.startsWith(OWN)).map((write) => ({
    ...write,
    path: write.path.replace(OWN, `/api/v1/nodes/${name}`),
  }));
}

/** What `nsc release` and a person do to nodes that are not theirs. */
function isReleaseWrite({ method, path }: Write): boolean {
  return method === 'PATCH' ? /nodes\/[a-z]+$/.test(path) : path === `${LEASES}/nsc-cluster-other`;
}
