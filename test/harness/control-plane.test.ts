import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { countRequests } from './audit.ts';
import { skipWithoutControlPlane } from './binaries.ts';
import { type OwnControlPlane, startControlPlane } from './control-plane.ts';
import { createNode, deleteNode, NOT_READY_TAINT } from './nodes.ts';
import { createPod } from './pods.ts';
import { createPodBoundToken } from './tokens.ts';
import { waitFor } from './wait-for.ts';

describe('the control plane of the tests', { skip: skipWithoutControlPlane('kube-controller-manager', 'kwok') }, () => {
  let plane: OwnControlPlane;
  before(async () => {
    plane = await startControlPlane({ controllerManager: true, kwok: true, auditLevel: 'RequestResponse' });
  });
  after(() => plane?.stop());

  it('answers kubectl, with stdin, and shows why it fails', async () => {
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'from-stdin' } };
    assert.match(await plane.kubectl(['apply', '-f', '-'], { stdin: JSON.stringify(config) }), /from-stdin created/);
    await assert.rejects(plane.kubectl(['get', 'node', 'nobody']), /kubectl get node nobody: .*"nobody" not found/);
  });

  it('creates a Node without the not-ready taint once it is Ready', async () => {
    const node = await createNode(plane.api, 'ready', { labels: { a: 'b' } });
    assert.equal(node.spec?.taints, undefined);
    assert.equal(node.metadata.labels?.a, 'b');
  });

  it('plays the kubelet and the controllers: nodes become Ready, pods run, and evicted ones are gone', async () => {
    await createNode(plane.api, 'played', { ready: 'none' });
    const taintsOf = async () => (await plane.api.requestOk('GET', '/api/v1/nodes/played')).spec?.taints ?? [];
    await waitFor(async () => !JSON.stringify(await taintsOf()).includes(NOT_READY_TAINT), { what: 'a Ready node' });
    await createPod(plane.api, { name: 'worker', nodeName: 'played', phase: 'Pending' });
    const worker = '/api/v1/namespaces/default/pods/worker';
    const phase = async () => (await plane.api.requestOk('GET', worker)).status?.phase;
    await waitFor(async () => (await phase()) === 'Running', { what: 'the pod to run' });
    await plane.kubectl(['drain', 'played', '--force', '--timeout=30s']);
    assert.equal((await plane.api.request('GET', worker)).status, 404);
  });

  it('gives tokens whose user is a pod on a node, and counts what that user does', async () => {
    await createNode(plane.api, 'host');
    const options = { namespace: 'agents', serviceAccount: 'agent', pod: 'agent-host', node: 'host' };
    const { token, username } = await createPodBoundToken(plane.api, options);
    assert.equal(username, 'system:serviceaccount:agents:agent');
    const agent = plane.connectAs(token);
    const mark = plane.audit.mark();
    assert.equal((await agent.request('GET', '/api/v1/nodes/host')).status, 403);
    assert.equal((await agent.request('GET', '/api/v1/nodes/host')).status, 403);
    const body = { metadata: { name: 'x' } };
    assert.equal((await agent.request('POST', '/api/v1/namespaces/a/pods/x/eviction', { body })).status, 403);
    agent.close();
    const counts = { 'get nodes': 2, 'create pods/eviction': 1 };
    assert.deepEqual(countRequests(plane.audit.since(mark, { nodeName: 'host' })), counts);
    assert.deepEqual(countRequests(plane.audit.since(mark, { user: username })), counts);
    assert.deepEqual(plane.audit.since(mark, { user: username, verb: 'create', resource: 'nodes' }), []);
    assert.deepEqual(plane.audit.since(plane.audit.mark(), { user: username }), []);
    const [first] = plane.audit.since(mark, { user: username });
    assert.equal(first?.objectRef?.name, 'host');
  });

  it('keeps bodies in the audit log at level RequestResponse', async () => {
    const mark = plane.audit.mark();
    await createNode(plane.api, 'bodies', { ready: 'none' });
    const entry = await waitFor(
      () => plane.audit.since(mark, { verb: 'create', resource: 'nodes' })[0]?.requestObject,
      {
        what: 'the body in the audit log',
      },
    );
    assert.partialDeepStrictEqual(entry, { metadata: { name: 'bodies' } });
  });

  it('deletes a Node, and one that is gone already', async () => {
    await createNode(plane.api, 'short-lived');
    await deleteNode(plane.api, 'short-lived');
    await deleteNode(plane.api, 'short-lived');
    assert.equal((await plane.api.request('GET', '/api/v1/nodes/short-lived')).status, 404);
  });

  it('can lose its API server and get it back on the same port', async () => {
    await plane.stopApiServer();
    await assert.rejects(plane.api.request('GET', '/readyz'));
    await plane.startApiServer();
    assert.equal((await plane.api.request('GET', '/readyz')).status, 200);
  });

  it('writes kubeconfigs that other programs can use', async () => {
    const path = plane.writeKubeconfig('viewer', { token: 'admin', namespace: 'agents' });
    assert.match(await plane.kubectl(['--kubeconfig', path, 'config', 'view', '--minify']), /namespace: agents/);
  });

  it('leaves nothing behind', async () => {
    const server = plane.apiServer();
    await plane.stop();
    await server.exited;
    assert.equal(existsSync(plane.dir), false);
  });
});
