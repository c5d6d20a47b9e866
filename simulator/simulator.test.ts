import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SYSTEM_CLOCK } from '../agent/loop/clock.ts';
import { type ApiClient, connect, type KubeList, type KubeStatus } from '../test/harness/api-client.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import { type Simulator, startSimulator } from './simulator.ts';

describe('the simulator', () => {
  let simulator: Simulator;
  let api: ApiClient;

  before(async () => {
    simulator = await startSimulator({
      clock: { ...SYSTEM_CLOCK, wallMs: () => Date.parse('2026-01-02T03:04:05.678Z') },
      historyLimit: 10,
      controllers: { nodeTaints: false },
    });
    api = connect({ url: simulator.url });
  });
  after(async () => {
    api.close();
    await simulator.close();
  });

  it('serves what was seeded, with status, and makes its namespace', async () => {
    simulator.seed({ kind: 'Pod', metadata: { name: 'seeded', namespace: 'new' }, status: { phase: 'Running' } });
    const pod = await api.requestOk('GET', '/api/v1/namespaces/new/pods/seeded');
    assert.deepEqual([pod.apiVersion, pod.kind, pod.status], ['v1', 'Pod', { phase: 'Running' }]);
    assert.equal(pod.metadata.creationTimestamp, '2026-01-02T03:04:05Z');
    assert.equal((await api.requestOk('GET', '/api/v1/namespaces/new')).status?.phase, 'Active');
  });

  it('seeding a namesake deletes the old object and creates another', async () => {
    simulator.seed({ kind: 'Node', metadata: { name: 'again' } });
    const old = simulator.read('Node', 'again');
    const watch = await api.watch(`/api/v1/nodes?resourceVersion=${old?.metadata.resourceVersion}`);
    simulator.seed({ kind: 'Node', metadata: { name: 'again' } });
    const [deleted, added] = [await watch.next(), await watch.next()];
    watch.close();
    assert.deepEqual([deleted.type, added.type], ['DELETED', 'ADDED']);
    assert.equal(deleted.object.metadata.uid, old?.metadata.uid);
    assert.notEqual(added.object.metadata.uid, old?.metadata.uid);
  });

  it('an edit counts as a write: watches see it and versions grow; one that changes nothing does not', async () => {
    simulator.seed({ kind: 'Node', metadata: { name: 'edited' } });
    const before = simulator.read('Node', 'edited');
    const watch = await api.watch(`/api/v1/nodes?resourceVersion=${before?.metadata.resourceVersion}`);
    const cordon = () =>
      simulator.edit('Node', 'edited', (draft) => Object.assign(draft, { spec: { unschedulable: true } }));
    const edited = cordon();
    assert.equal(cordon().metadata.resourceVersion, edited.metadata.resourceVersion);
    const { type, object } = await watch.next();
    watch.close();
    assert.equal(type, 'MODIFIED');
    assert.deepEqual(object, edited);
    assert.equal(before?.spec?.unschedulable, undefined);
  });

  it('what is read cannot be changed by accident', () => {
    simulator.seed({ kind: 'Node', metadata: { name: 'frozen', labels: { a: 'b' } } });
    const labels = simulator.read('Node', 'frozen')?.metadata.labels as Record<string, string>;
    assert.throws(() => {
      labels.a = 'c';
    }, TypeError);
  });

  it('an edit of what is not there, and a kind that is not served, are errors that name it', () => {
    assert.throws(() => simulator.edit('Node', 'nobody', () => {}), /no Node nobody/);
    assert.throws(() => simulator.read('Gizmo', 'x'), /no Gizmo/);
  });

  it('a removed object is gone at once, finalizers or not', async () => {
    simulator.seed({ kind: 'Node', metadata: { name: 'removed', finalizers: ['example.com/hold'] } });
    simulator.remove('Node', 'removed');
    assert.equal((await api.request('GET', '/api/v1/nodes/removed')).status, 404);
  });

  it('every request is logged with method, path, body and status', async () => {
    await api.request('PATCH', '/api/v1/nodes/nobody?a=b', { body: { spec: {} } });
    const { method, path, body, status, userAgent } = simulator.requests.at(-1) ?? {};
    const expected = {
      method: 'PATCH',
      path: '/api/v1/nodes/nobody?a=b',
      body: '{"spec":{}}',
      status: 404,
      userAgent: '',
    };
    assert.deepEqual({ method, path, body, status, userAgent }, expected);
  });

  it('a strategic patch with a directive that it does not serve is refused, not half obeyed', async () => {
    simulator.seed({ kind: 'Node', metadata: { name: 'directed' } });
    const contentType = 'application/strategic-merge-patch+json';
    for (const body of [
      { spec: { $patch: 'delete' } },
      { status: { conditions: [{ type: 'a', $patch: 'replace' }] } },
      { status: { conditions: [{ type: 'a' }], '$setElementOrder/conditions': [{ type: 'a' }] } },
    ]) {
      const answer = await api.request<KubeStatus>('PATCH', '/api/v1/nodes/directed/status', { body, contentType });
      assert.equal(answer.status, 400);
      assert.match(answer.body.message ?? '', /serves no \$(patch|setElementOrder)/);
    }
  });

  it('a defect of its own is a 500 that tells of it, and it goes on', async () => {
    const answer = await api.request<KubeStatus>('GET', '/api/v1/nodes/%E0%A4%A');
    assert.deepEqual([answer.status, answer.body.reason], [500, 'InternalError']);
    assert.match(answer.body.message ?? '', /defect of the simulator: URIError/);
    assert.equal((await api.request('GET', '/healthz')).status, 200);
  });

  it('writes a private kubeconfig with insecure-skip-tls-verify, namespace and token', async (t) => {
    const guarded = await startSimulator({ token: 'secret' });
    const dir = mkdtempSync(join(tmpdir(), 'nsc-simulator-'));
    t.after(async () => {
      rmSync(dir, { recursive: true });
      await guarded.close();
    });
    const path = guarded.writeKubeconfig(join(dir, 'kubeconfig'), 'agents');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const { clusters, users, contexts } = JSON.parse(readFileSync(path, 'utf8'));
    assert.deepEqual(clusters[0].cluster, { server: guarded.url, 'insecure-skip-tls-verify': true });
    assert.deepEqual(users[0].user, { token: 'secret' });
    assert.equal(contexts[0].context.namespace, 'agents');
  });

  it('remembers as many writes as asked for, and forgets older ones', async () => {
    simulator.seed({ kind: 'Lease', metadata: { name: 'busy' } });
    const renew = () => {
      const { metadata } = simulator.edit('Lease', 'busy', ({ metadata }) => {
        metadata.annotations = { n: String(Math.random()) };
      });
      return metadata.resourceVersion;
    };
    const versions = Array.from({ length: 40 }, renew);
    const firstEvent = async (version: string | undefined) => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/default/leases?resourceVersion=${version}`;
      const watch = await api.watch(path);
      const { type } = await watch.next();
      watch.close();
      return type;
    };
    assert.equal(await firstEvent(versions.at(-10)), 'MODIFIED');
    assert.equal(await firstEvent(versions[0]), 'ERROR');
  });

  it('a page of 500 is served from thousands of objects', async () => {
    for (let i = 0; i < 1200; i += 1) simulator.seed({ kind: 'ConfigMap', metadata: { name: `map-${i}` } });
    const seen = new Set<string>();
    let token = '';
    do {
      const path = `/api/v1/configmaps?limit=500&continue=${encodeURIComponent(token)}`;
      const { items, metadata } = await api.requestOk<KubeList>('GET', path);
      for (const item of items ?? []) seen.add(item.metadata.name);
      token = metadata.continue ?? '';
    } while (token !== '');
    assert.equal(seen.size, 1200);
  });

  it('closing it breaks open watches and stalled requests', async () => {
    const doomed = await startSimulator();
    const client = connect({ url: doomed.url });
    const watch = await client.watch('/api/v1/nodes');
    doomed.faults.add({ fault: { kind: 'stall' } });
    const stalled = assert.rejects(client.request('GET', '/api/v1/nodes'), { code: 'ECONNRESET' });
    await client.request('GET', '/api/v1/nodes', { deadlineMs: 100 }).catch(() => {});
    await doomed.close();
    await stalled;
    await waitFor(() => watch.hasEnded(), { what: 'the watch to end' });
    client.close();
  });
});
