import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { type ApiClient, connect } from '../test/harness/api-client.ts';
import { createNode, NOT_READY_TAINT, setNodeReady } from '../test/harness/nodes.ts';
import { createPod } from '../test/harness/pods.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import type { Controllers } from './controllers.ts';
import { type Simulator, startSimulator } from './simulator.ts';
import type { KubeObject, ObjectDraft } from './types.ts';

describe('controllers', () => {
  const running: Simulator[] = [];
  after(() => Promise.all(running.map((simulator) => simulator.close())));

  async function start(controllers?: Controllers): Promise<{ simulator: Simulator; api: ApiClient }> {
    const simulator = await startSimulator(controllers ? { controllers } : {});
    running.push(simulator);
    return { simulator, api: connect({ url: simulator.url }) };
  }

  const taintKeys = (node: KubeObject | undefined) =>
    ((node?.spec?.taints ?? []) as { key: string }[]).map(({ key }) => key);

  it('the kubelet ends a terminating pod, but not while a finalizer holds it', async () => {
    const { simulator, api } = await start({ podTerminationMs: 1 });
    await createPod(api, { name: 'ends', nodeName: 'n' });
    await createPod(api, { name: 'held', nodeName: 'n' });
    simulator.edit('Pod', 'held', ({ metadata }) => {
      metadata.finalizers = ['example.com/hold'];
    });
    for (const name of ['held', 'ends']) await api.requestOk('DELETE', `/api/v1/namespaces/default/pods/${name}`);
    await waitFor(() => simulator.read('Pod', 'ends') === undefined, { what: 'the pod to end' });
    assert.ok(simulator.read('Pod', 'held')?.metadata.deletionTimestamp);
    simulator.edit('Pod', 'held', ({ metadata }) => {
      metadata.finalizers = [];
    });
    await waitFor(() => simulator.read('Pod', 'held') === undefined, { what: 'the held pod to end' });
  });

  it('the kubelet does not end the namesake of a pod that terminated', async () => {
    const { simulator, api } = await start({ podTerminationMs: 20 });
    await createPod(api, { name: 'twin', nodeName: 'n' });
    await createPod(api, { name: 'probe', nodeName: 'n' });
    for (const name of ['twin', 'probe']) await api.requestOk('DELETE', `/api/v1/namespaces/default/pods/${name}`);
    simulator.remove('Pod', 'twin');
    const { metadata } = await createPod(api, { name: 'twin', nodeName: 'n' });
    await waitFor(() => simulator.read('Pod', 'probe') === undefined, {
      what: 'the pod that terminated after the twin',
    });
    assert.equal(simulator.read('Pod', 'twin')?.metadata.uid, metadata.uid);
  });

  it('garbage collection removes what a deleted Node owned alone, and nothing else', async () => {
    const { simulator, api } = await start();
    const [a, b] = [await createNode(api, 'a'), await createNode(api, 'b')];
    const lease = (name: string, ...owners: KubeObject[]): ObjectDraft => {
      const ownerReferences = owners.map(({ metadata: { name: owner, uid } }) => {
        return { apiVersion: 'v1', kind: 'Node', name: owner, uid };
      });
      return { kind: 'Lease', metadata: { name, ownerReferences } };
    };
    simulator.seed(lease('of-a', a), lease('of-b', b), lease('of-both', a, b), lease('of-nobody'));
    await api.requestOk('DELETE', '/api/v1/nodes/a');
    await waitFor(() => simulator.read('Lease', 'of-a') === undefined, { what: 'the Lease of the deleted Node to go' });
    const left = simulator.list('Lease').map(({ metadata }) => metadata.name);
    assert.deepEqual(left, ['of-b', 'of-both', 'of-nobody']);
  });

  it('a cordoned Node gets the unschedulable taint and loses it again; other taints stay', async () => {
    const { simulator, api } = await start();
    const theirs = { key: 'example.com/theirs', effect: 'NoExecute' } as const;
    await createNode(api, 'cordoned', { taints: [theirs] });
    await api.requestOk('PATCH', '/api/v1/nodes/cordoned', { body: { spec: { unschedulable: true } } });
    const key = 'node.kubernetes.io/unschedulable';
    await waitFor(() => taintKeys(simulator.read('Node', 'cordoned')).includes(key), { what: 'the taint' });
    await api.requestOk('PATCH', '/api/v1/nodes/cordoned', { body: { spec: { unschedulable: null } } });
    await waitFor(() => !taintKeys(simulator.read('Node', 'cordoned')).includes(key), { what: 'no taint' });
    assert.deepEqual(simulator.read('Node', 'cordoned')?.spec?.taints, [theirs]);
  });

  it('a Node has the not-ready taint until it is Ready', async () => {
    const { simulator, api } = await start();
    await createNode(api, 'starting', { ready: 'none' });
    assert.deepEqual(taintKeys(simulator.read('Node', 'starting')), [NOT_READY_TAINT]);
    await setNodeReady(api, 'starting', true);
    await waitFor(() => taintKeys(simulator.read('Node', 'starting')).length === 0, { what: 'no taint' });
    await setNodeReady(api, 'starting', false);
    await waitFor(() => taintKeys(simulator.read('Node', 'starting')).length === 1, { what: 'the taint' });
  });

  it('the status of a budget follows its pods, so that evictions go one after the other', async () => {
    const { simulator, api } = await start({ podTerminationMs: null });
    const labels = { app: 'db' };
    for (const name of ['db-1', 'db-2', 'db-3']) await createPod(api, { name, labels, nodeName: 'n' });
    const spec = { minAvailable: 2, selector: { matchLabels: labels } };
    const metadata = { name: 'db' };
    await api.requestOk('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
      body: { metadata, spec },
    });
    const allowed = () => simulator.read('PodDisruptionBudget', 'db')?.status?.disruptionsAllowed;
    const evict = async (name: string) => {
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } };
      return (await api.request('POST', `/api/v1/namespaces/default/pods/${name}/eviction`, { body })).status;
    };
    await waitFor(() => allowed() === 1, { what: 'one disruption to be allowed' });
    assert.deepEqual([await evict('db-1'), await evict('db-2')], [201, 429]);
    await createPod(api, { name: 'db-4', labels, nodeName: 'm' });
    await waitFor(() => allowed() === 1, { what: 'the next disruption to be allowed' });
    assert.equal(await evict('db-2'), 201);
    const { status } = simulator.read('PodDisruptionBudget', 'db') ?? {};
    assert.partialDeepStrictEqual(status, { observedGeneration: 1, desiredHealthy: 2 });
  });

  it('a disruption that an eviction spent without ending its pod stays spent until the pod ends', async () => {
    const { simulator, api } = await start({ podTerminationMs: null });
    const labels = { app: 'spent' };
    for (const name of ['a', 'b', 'c']) await createPod(api, { name, labels, nodeName: 'n' });
    const spec = { minAvailable: 1, selector: { matchLabels: labels } };
    simulator.seed({ kind: 'PodDisruptionBudget', metadata: { name: 'spent' }, spec });
    const status = () => simulator.read('PodDisruptionBudget', 'spent')?.status ?? {};
    const evict = async (deleteOptions: object) => {
      const body = { metadata: { name: 'a' }, deleteOptions };
      return (await api.request('POST', '/api/v1/namespaces/default/pods/a/eviction', { body })).status;
    };
    await waitFor(() => status().disruptionsAllowed === 2, { what: 'two disruptions to be allowed' });
    assert.equal(await evict({ preconditions: { uid: 'another' } }), 409);
    await waitFor(() => status().currentHealthy === 2, { what: 'the spent pod to count no more' });
    assert.partialDeepStrictEqual(status(), { expectedPods: 3, disruptionsAllowed: 1 });
    assert.equal(await evict({}), 201);
    await waitFor(() => status().expectedPods === 2, { what: 'the pod to be known to terminate' });
    assert.partialDeepStrictEqual(status(), { currentHealthy: 2, disruptionsAllowed: 1 });
    assert.deepEqual(status().disruptedPods, {});
  });

  it('a budget counts neither finished nor foreign nor unready pods as healthy', async () => {
    const { simulator, api } = await start({ podTerminationMs: null });
    const labels = { app: 'counted' };
    for (const name of ['ready', 'ending']) await createPod(api, { name, labels });
    await createPod(api, { name: 'finished', labels, phase: 'Succeeded' });
    await createPod(api, { name: 'unready', labels, phase: 'Pending' });
    await createPod(api, { name: 'foreign', labels: { app: 'other' } });
    simulator.edit('Pod', 'ending', ({ metadata }) => {
      metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    });
    const spec = { maxUnavailable: 1, selector: { matchLabels: labels } };
    simulator.seed({ kind: 'PodDisruptionBudget', metadata: { name: 'counted' }, spec });
    const status = () => simulator.read('PodDisruptionBudget', 'counted')?.status;
    await waitFor(() => status()?.observedGeneration === 1, { what: 'the status' });
    const expected = { expectedPods: 2, currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0 };
    assert.partialDeepStrictEqual(status(), expected);
  });

  it('a budget with percentages rounds up', async () => {
    const { simulator } = await start();
    const labels = { app: 'web' };
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    for (const name of ['1', '2', '3', '4', '5']) simulator.seed({ kind: 'Pod', metadata: { name, labels }, status });
    const budget = (name: string, limit: object): ObjectDraft => {
      return { kind: 'PodDisruptionBudget', metadata: { name }, spec: { selector: { matchLabels: labels }, ...limit } };
    };
    simulator.seed(budget('min', { minAvailable: '50%' }), budget('max', { maxUnavailable: '30%' }));
    const allowed = (name: string) => simulator.read('PodDisruptionBudget', name)?.status?.disruptionsAllowed;
    await waitFor(() => allowed('min') === 2 && allowed('max') === 2, { what: 'both budgets to allow 2' });
  });

  it('each part of the cluster can be left out', async () => {
    const controllers = { podTerminationMs: null, garbageCollection: false, nodeTaints: false, disruption: false };
    const { simulator, api } = await start(controllers);
    const { metadata } = await createNode(api, 'alone', { unschedulable: true });
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'alone', uid: metadata.uid }];
    const spec = { selector: {}, minAvailable: 0 };
    simulator.seed({ kind: 'PodDisruptionBudget', metadata: { name: 'alone' }, spec });
    simulator.seed({ kind: 'Lease', metadata: { name: 'alone', ownerReferences } });
    await createPod(api, { name: 'alone', nodeName: 'alone' });
    await api.requestOk('DELETE', '/api/v1/namespaces/default/pods/alone');
    const node = simulator.read('Node', 'alone');
    await api.requestOk('DELETE', '/api/v1/nodes/alone');
    const before = ['Pod', 'Lease', 'PodDisruptionBudget'].map((kind) => simulator.read(kind, 'alone'));
    // What the others would do is queued before this request, so it would be done after it.
    await api.requestOk('GET', '/api/v1/nodes');
    assert.deepEqual(taintKeys(node), []);
    assert.deepEqual(
      ['Pod', 'Lease', 'PodDisruptionBudget'].map((kind) => simulator.read(kind, 'alone')),
      before,
    );
    assert.ok(before.every((object) => object !== undefined));
  });
});
