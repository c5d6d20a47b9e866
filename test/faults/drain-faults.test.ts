import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertNoMoreEvictions, blockedDrain, NODE, REPLICA_SET, setScene, until } from './drain-scene.ts';

/** Real agents drain a node while the API server, the cluster or a person gets in the way. */

describe('before the first eviction', { concurrency: 4 }, () => {
  test('a cordon that is refused means that nothing is evicted', async (t) => {
    const scene = await setScene(t);
    scene.pod('web');
    const agent = await scene.start();
    const refused = scene.simulator.faults.add({
      method: 'PATCH',
      path: /nodes\/node-1/,
      fault: { kind: 'status', code: 403 },
    });
    scene.check.breakIt();
    await agent.waitForLine(/could not change node node-1: 403/);
    await until('the cordon to be refused again', () => refused.hits > 1);
    assert.deepEqual(scene.evictions(), []);
    refused.remove();
    await scene.ended('Drained');
    assert.equal(scene.evictions().length, 1);
  });

  test('a node that vanishes ends the drain', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.simulator.remove('Node', 'node-1');
    await agent.waitForLine(/there is no node node-1/);
    await assertNoMoreEvictions(scene, agent);
  });

  test('a node of another UID ends the drain, and is drained for failures counted anew only', async (t) => {
    const { scene, agent } = await blockedDrain(t, { failureThreshold: 5 });
    scene.simulator.seed(NODE);
    await agent.waitForLine(/another Node of our name/);
    await agent.waitForLine(/Noticed 1 times/, { from: agent.lines.findIndex((line) => /another Node/.test(line)) });
    await assertNoMoreEvictions(scene, agent);
    assert.equal(scene.cordoned(), false);
    const tried = scene.evictions().length;
    await until('the next drain', () => scene.cordoned() && scene.evictions().length > tried);
  });
});

describe('choosing', { concurrency: 4 }, () => {
  test('pods are listed in chunks of 500, and a chunk that has expired begins the list anew', async (t) => {
    const scene = await setScene(t);
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
    for (let i = 0; i < 510; i++) scene.pod(`mirror-${i}`, { metadata: mirror });
    scene.pod('web');
    const expired = scene.simulator.faults.add({
      method: 'GET',
      path: /\/pods\?.*continue=/,
      times: 2,
      fault: { kind: 'status', code: 410 },
    });
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('Drained');
    assert.equal(expired.hits, 2);
    assert.ok(!agent.lines.some((line) => /could not read pods/.test(line)), 'which is no problem');
    assert.equal(scene.hasPod('web'), false);
    assert.equal(scene.simulator.list('Pod').length, 510);
    const lists = scene.requests('GET', /\/pods\?(?!.*watch=)/);
    const chunks = lists.slice(0, 6).map(({ path }) => path.includes('continue='));
    assert.deepEqual(chunks, [false, true, false, true, false, true]);
    assert.ok(lists.every(({ path }) => path.includes('limit=500')));
  });

  test('DaemonSet pods, mirror pods, the own pod and pods of other nodes stay, and no eviction is tried', async (t) => {
    const scene = await setScene(t);
    const owned = (uid: string) => [{ ...REPLICA_SET, kind: 'DaemonSet', name: 'logs', uid }];
    scene.simulator.seed({ kind: 'DaemonSet', metadata: { name: 'logs', uid: 'ds-1' }, spec: {} });
    scene.pod('logs', { metadata: { ownerReferences: owned('ds-1') } });
    scene.pod('logs-orphan', { metadata: { ownerReferences: owned('ds-0') } });
    scene.pod('mirror', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } });
    scene.pod('agent');
    scene.pod('elsewhere', { spec: { nodeName: 'node-2' } });
    scene.check.breakIt();
    await scene.start({ POD_NAME: 'agent', POD_NAMESPACE: 'default' });
    await scene.ended('Drained');
    const tried = scene.evictions().map(({ path }) => path.split('/').at(-2));
    assert.deepEqual(tried, ['logs-orphan']);
    assert.equal(scene.simulator.list('Pod').length, 4);
  });

  test('pods whose DaemonSet cannot be looked up stay, with a warning, and the drain goes on', async (t) => {
    const scene = await setScene(t);
    scene.pod('logs', { metadata: { ownerReferences: [{ ...REPLICA_SET, kind: 'DaemonSet', name: 'logs' }] } });
    scene.pod('web');
    scene.simulator.faults.add({ path: /daemonsets/, fault: { kind: 'status', code: 403 } });
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('Drained');
    await agent.waitForLine(/WARN: drain goes on after a problem.*could not read DaemonSet default\/logs: 403/);
    await agent.waitForLine(/drain leaves pods on the node.*DaemonSetUnknown=1/);
    assert.deepEqual([scene.hasPod('logs'), scene.hasPod('web')], [true, false]);
  });

  test('one refused pod means that nothing is evicted; every pod is named with reason and what to change', async (t) => {
    const scene = await setScene(t);
    scene.pod('web');
    scene.pod('bare', { metadata: { ownerReferences: [] }, spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    scene.pod('data', { spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('GaveUp');
    const bare = /default\/bare: no controller .*evictUnmanagedPods: true.*emptyDir data .*deleteEmptyDirData: true/;
    const data = /default\/data: its emptyDir data .*deleteEmptyDirData: true/;
    for (const pattern of [bare, data]) {
      await agent.waitForLine(pattern);
      await until('the Event', () => scene.events('DrainFailed').some(({ message }) => pattern.test(message)));
    }
    assert.deepEqual(scene.evictions(), []);
    assert.equal(scene.cordoned(), true);
    scene.check.write({ actions: { drain: { evictUnmanagedPods: true, deleteEmptyDirData: true } } });
    await scene.ended('Drained');
    assert.deepEqual(scene.simulator.list('Pod'), []);
  });

  test('a pod that has ended is off the node, whatever finalizer holds its object', async (t) => {
    const scene = await setScene(t);
    const held = { finalizers: ['example.com/job'] };
    scene.pod('ended', { metadata: { ...held, deletionTimestamp: '2025-01-01T00:00:00Z' }, phase: 'Succeeded' });
    scene.pod('ending', { metadata: held });
    scene.check.breakIt();
    await scene.start();
    await until('the eviction', () => scene.simulator.read('Pod', 'ending')?.metadata.deletionTimestamp !== undefined);
    assert.equal(scene.ledger()?.drain?.state, 'Draining');
    scene.simulator.edit('Pod', 'ending', (draft) => {
      draft.status.phase = 'Failed';
    });
    await scene.ended('Drained');
    assert.deepEqual([scene.hasPod('ended'), scene.hasPod('ending')], [true, true]);
    assert.equal(scene.evictions().length, 1);
  });
});

describe('evicting', { concurrency: 4 }, () => {
  test('an eviction is of policy/v1, guarded by UID, and leaves the grace period to the pod', async (t) => {
    const scene = await setScene(t);
    scene.pod('web', { metadata: { uid: 'uid-of-web' } });
    scene.check.breakIt();
    await scene.start();
    await scene.ended('Drained');
    const [eviction] = scene.evictions().map(({ body }) => JSON.parse(body));
    assert.equal(eviction.apiVersion, 'policy/v1');
    assert.deepEqual(eviction.deleteOptions, { preconditions: { uid: 'uid-of-web' } });
    assert.deepEqual(scene.requests('DELETE', /pods/), []);
    await until('the Event', () => scene.events('DrainSucceeded').length === 1);
  });

  test('a grace period of the policy goes with every eviction', async (t) => {
    const scene = await setScene(t, { drain: { gracePeriodSeconds: 7 } });
    scene.pod('web');
    scene.check.breakIt();
    await scene.start();
    await scene.ended('Drained');
    assert.equal(JSON.parse(scene.evictions()[0]?.body ?? '{}').deleteOptions.gracePeriodSeconds, 7);
  });

  test('a protected pod goes as soon as its budget is freed; nothing but evictions is asked meanwhile', async (t) => {
    const { scene } = await blockedDrain(t);
    await until('a second try', () => scene.evictions().length > 1);
    assert.ok(scene.evictions().every(({ status }) => status === 429));
    assert.equal(scene.requests('GET', /\/pods/).length, 2, 'one list and one watch');
    scene.free('web');
    await scene.ended('Drained');
    assert.equal(scene.hasPod('web'), false);
  });

  test('pods that wait for a budget hold no other pod up', async (t) => {
    const scene = await setScene(t);
    for (let i = 0; i < 30; i++) scene.pod(`db-${i}`, { metadata: { labels: { app: 'db' } } });
    scene.protect('db');
    for (let i = 0; i < 30; i++) scene.pod(`web-${i}`);
    scene.check.breakIt();
    await scene.start();
    const left = () => scene.simulator.list('Pod').filter(({ metadata: { name } }) => name.startsWith('web')).length;
    await until('the others to go', () => left() === 0);
    assert.equal(scene.simulator.list('Pod').length, 30);
  });

  test('an eviction that RBAC forbids ends the drain at once, and says what to check', async (t) => {
    const scene = await setScene(t, { drain: { timeoutSeconds: 600 } });
    scene.pod('web');
    scene.simulator.faults.add({ path: /\/eviction/, fault: { kind: 'status', code: 403 } });
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('GaveUp');
    await agent.waitForLine(/drain gave up.*default\/web: 403 .*check the ClusterRole/);
    assert.equal(scene.evictions().length, 1);
  });

  test('in a terminating namespace the pod is waited for', async (t) => {
    const scene = await setScene(t);
    scene.pod('last', { metadata: { namespace: 'doomed', ownerReferences: [REPLICA_SET] } });
    scene.simulator.edit('Namespace', 'doomed', (draft) => {
      draft.metadata.deletionTimestamp = '2025-01-01T00:00:00Z';
      draft.status.phase = 'Terminating';
    });
    scene.check.breakIt();
    await scene.start();
    await until('a second try', () => scene.evictions().length > 1);
    assert.ok(scene.evictions().every(({ status }) => status === 403));
    scene.simulator.remove('Pod', 'last', 'doomed');
    await scene.ended('Drained');
  });

  test('a pod made anew elsewhere under the same name is left alone', async (t) => {
    const { scene } = await blockedDrain(t);
    scene.pod('web', { metadata: { uid: 'uid-of-the-next' }, spec: { nodeName: 'node-2' } });
    await scene.ended('Drained');
    assert.equal(scene.simulator.read('Pod', 'web')?.metadata.deletionTimestamp, undefined);
  });

  test('a pod that arrives late is evicted too', async (t) => {
    const scene = await setScene(t, { controllers: { podTerminationMs: 1_500 } });
    scene.pod('web');
    scene.check.breakIt();
    await scene.start();
    await until('the eviction', () => scene.evictions().length === 1);
    scene.pod('late');
    await scene.ended('Drained');
    assert.equal(scene.evictions().length, 2);
    assert.deepEqual(scene.simulator.list('Pod'), []);
  });
});
