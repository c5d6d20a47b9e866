import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blockedDrain, EVICTION, REPLICA_SET, type Scene, setScene, until } from './drain-scene.ts';

/** What the API server answers to a drain's requests, and what the drain makes of it. */

const allPodReads = (scene: Scene) => scene.requests('GET', /\/pods/).length;
const events = (scene: Scene) => scene.events('DrainFailed').map(({ message }) => message);
const PAGE = { kind: 'status', code: 404, plainText: true, message: 'no such page' } as const;

describe('a pod that is listed and said not to be there', { concurrency: 4 }, () => {
  test('is tried again slowly, within the deadline, when a proxy answers its eviction', async (t) => {
    const scene = await setScene(t, { drain: { timeoutSeconds: 6 } });
    scene.pod('web');
    scene.simulator.faults.add({ ...EVICTION, fault: PAGE });
    scene.check.breakIt();
    const agent = await scene.start();
    await until('the cordon', scene.cordoned);
    await until('the drain to give up', () => scene.ledger()?.drain?.state === 'GaveUp');
    await agent.waitForLine(/drain gave up.*default\/web: 404 no such page/);
    assert.ok(scene.evictions().length <= 3, `${scene.evictions().length} evictions`);
    assert.ok(allPodReads(scene) <= 7, `${allPodReads(scene)} reads`);
    assert.equal(scene.hasPod('web'), true);
  });

  test('is tried again slowly, within the deadline, when every answer says that it is gone', async (t) => {
    const scene = await setScene(t, { drain: { timeoutSeconds: 6 } });
    scene.pod('web');
    const code = 404;
    scene.simulator.faults.add({
      ...EVICTION,
      fault: { kind: 'status', code, reason: 'NotFound', message: 'pods "web" not found' },
    });
    scene.check.breakIt();
    await scene.start();
    await until('the cordon', scene.cordoned);
    await until('the drain to give up', () => scene.ledger()?.drain?.state === 'GaveUp');
    assert.ok(scene.evictions().length <= 3, `${scene.evictions().length} evictions`);
    assert.ok(allPodReads(scene) <= 7, `${allPodReads(scene)} reads`);
  });
});

const denials: [by: string, code: number, message: string][] = [
  ['a webhook', 403, 'admission webhook "db.example" denied the request: the operator moves its own pods'],
  ['a webhook that calls the request bad', 400, 'admission webhook "db.example" denied the request: not now'],
  [
    'an admission policy',
    422,
    "pods \"primary\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not now",
  ],
];
describe('an eviction that admission denies', { concurrency: 4 }, () => {
  for (const [by, code, message] of denials) {
    test(`by ${by} is asked for again until the deadline, and all others go at once`, async (t) => {
      const scene = await setScene(t, { drain: { timeoutSeconds: 8 } });
      for (let i = 0; i < 40; i++) scene.pod(`web-${i}`);
      scene.pod('primary');
      scene.simulator.faults.add({
        method: 'POST',
        path: /primary\/eviction$/,
        fault: { kind: 'status', code, message },
      });
      scene.check.breakIt();
      const agent = await scene.start();
      await until('all others to go', () => scene.simulator.list('Pod').length === 1);
      await scene.ended('GaveUp');
      assert.ok(scene.requests('POST', /primary\/eviction$/).length > 1, 'it was asked for again');
      await until('the Event', () => events(scene).some((each) => each.includes(message)));
      await agent.waitForLine(/drain gave up.*default\/primary: \d+ .*denied/);
      assert.ok(!agent.lines.some((line) => line.includes('ClusterRole')), 'no right is missing');
    });
  }
});

test('pods that their ReplicaSet brings back at once are evicted at growing intervals', async (t) => {
  const scene = await setScene(t, { drain: { timeoutSeconds: 600 }, controllers: { podTerminationMs: 1_000 } });
  let made = 0;
  const make = () => scene.pod(`tolerant-${made++}`);
  for (let i = 0; i < 3; i++) make();
  scene.check.breakIt();
  const agent = await scene.start();
  await until('the first eviction', () => scene.evictions().length > 0);
  const untilMs = performance.now() + 11_000;
  await until('eleven seconds of coming back', () => {
    const there = scene.simulator.list('Pod').filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    for (let missing = 3 - there.length; missing > 0; missing--) make();
    return performance.now() > untilMs;
  });
  assert.ok(scene.evictions().length <= 3 + 6, `${scene.evictions().length} evictions`);
  await agent.waitForLine(/drain waits.*its owner brings pods back to this node/);
});

test('an orphan whose DaemonSet could not be looked up at first is evicted before the node counts as drained', async (t) => {
  const scene = await setScene(t);
  scene.pod('orphan', { metadata: { ownerReferences: [{ ...REPLICA_SET, kind: 'DaemonSet', name: 'gone' }] } });
  scene.pod('web');
  scene.simulator.faults.add({ path: /daemonsets/, times: 1, fault: { kind: 'status', code: 500 } });
  scene.check.breakIt();
  await scene.start();
  await scene.ended('Drained');
  assert.deepEqual(scene.simulator.list('Pod'), []);
});

test('a page in place of the DaemonSet is no word of it: its pods stay, and the node is not drained', async (t) => {
  const scene = await setScene(t, { drain: { timeoutSeconds: 3 } });
  scene.pod('logs', { metadata: { ownerReferences: [{ ...REPLICA_SET, kind: 'DaemonSet', name: 'logs' }] } });
  scene.simulator.faults.add({ path: /daemonsets/, fault: PAGE });
  scene.check.breakIt();
  const agent = await scene.start();
  await scene.ended('GaveUp');
  await agent.waitForLine(/drain gave up.*default\/logs: whether its DaemonSet is there could not be found out/);
  assert.deepEqual(scene.evictions(), []);
});

test('while the API server does not answer the log says so, and not what was refused before', async (t) => {
  const { scene, agent } = await blockedDrain(t);
  await until('a second try', () => scene.evictions().length > 1);
  scene.simulator.faults.add({ ...EVICTION, fault: { kind: 'stall' } });
  const from = agent.lines.length;
  await agent.waitForLine(/drain waits.*default\/web: (no answer|the API server has not answered)/, { from });
});

test('a drain that gave up for many pods under one budget says so once', async (t) => {
  const scene = await setScene(t, { drain: { timeoutSeconds: 3 } });
  for (let i = 0; i < 12; i++) scene.pod(`web-with-a-long-name-${i}`, { metadata: { labels: { app: 'web' } } });
  scene.protect('web');
  scene.check.breakIt();
  await scene.start();
  await scene.ended('GaveUp');
  const [message = ''] = await until('the Event', () => events(scene).length > 0).then(() => events(scene));
  assert.equal(message.split('disruption budget web').length, 2, message);
  assert.match(message, /12 pods, such as pod default\/web-with-a-long-name-\d+, /);
  assert.ok(Buffer.byteLength(message) <= 1024);
});

test('a drain that stops says why', async (t) => {
  const { scene, agent } = await blockedDrain(t);
  scene.editNode((draft) => {
    draft.status.conditions = [{ type: 'Ready', status: 'Unknown' }];
  });
  await agent.waitForLine(/drain stopped.*why="the kubelet is NotReady/);
});
