import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { conditionOf, type NodeObject } from '../harness/held-node.ts';
import { addSickPolicy } from '../harness/sick-check.ts';
import { blockedDrain, READY, setScene, TAINT, until } from './drain-scene.ts';

/** Each policy has a drain of its own, and what has to come after a drain comes after that one. */

const NO_EXECUTE = { ...TAINT, effect: 'NoExecute' };
const NOT_READY = { conditions: [{ type: 'Ready', status: 'Unknown' }] };

/** The drain of the first policy, which takes the cache only, is done; `web` is guarded by a budget. */
async function cacheIsDrained(t: TestContext) {
  const spec = { lifecycleConditions: true };
  const scene = await setScene(t, { drain: { podSelector: { matchLabels: { app: 'cache' } } }, actions: {}, spec });
  const all = addSickPolicy(scene.check.policyDir, 'all', {
    ...spec,
    check: { failureThreshold: 1 },
    actions: { taint: NO_EXECUTE, drain: {} },
  });
  scene.pod('cache');
  scene.pod('web');
  scene.protect('web');
  scene.check.breakIt();
  const agent = await scene.start();
  await agent.waitForLine(/Node node-1 is drained/);
  const evicted = (name: string) => scene.requests('POST', new RegExp(`/${name}/eviction$`));
  const condition = (type: string) => conditionOf(scene.node() as unknown as NodeObject, type)?.status;
  await until('the condition of its end', () => condition('Drained') === 'True');
  assert.deepEqual([scene.hasPod('cache'), scene.hasPod('web'), evicted('web').length], [false, true, 0]);
  return { scene, agent, all, evicted, condition };
}

describe('the drains of one node', { concurrency: true }, () => {
  describe('a second policy that drains', { concurrency: 4 }, () => {
    test('evicts what the first one left, as budgets allow, and its NoExecute taint and Drained wait for that', async (t) => {
      const { scene, agent, all, evicted, condition } = await cacheIsDrained(t);
      all.breakIt();
      await until('a second try', () => evicted('web').length >= 2);
      await until('the condition of the second drain', () => condition('Drained') === 'False');
      assert.equal(condition('DrainInProgress'), 'True');
      assert.deepEqual([scene.hasTaint('NoExecute'), scene.hasPod('web')], [false, true]);
      assert.ok(evicted('web').every(({ status }) => status === 429));
      scene.free('web');
      await agent.waitForLine(/Node node-1 is drained policy=all/);
      await until('the taint', () => scene.hasTaint('NoExecute'));
      await until('the condition of its end', () => condition('Drained') === 'True');
      assert.equal(scene.hasPod('web'), false);
      assert.equal(evicted('cache').length, 1);
      assert.deepEqual(scene.requests('DELETE', /pods/), []);
    });

    test('stops by itself when its check recovers, and the first one holds the node still', async (t) => {
      const { scene, agent, all, evicted, condition } = await cacheIsDrained(t);
      all.breakIt();
      await until('a try', () => evicted('web').length >= 1);
      all.heal();
      await agent.waitForLine(/drain stopped.*policy=all/);
      await until('what the first one says', () => condition('Drained') === 'True');
      assert.deepEqual([scene.cordoned(), scene.hasTaint('NoExecute'), scene.hasPod('web')], [true, false, true]);
      scene.check.heal();
      await until('the node to be given back', () => !scene.cordoned());
    });
  });

  describe('a kubelet that turns NotReady', { concurrency: 4 }, () => {
    test('keeps a NoExecute taint off that waited for its drain, until it is ready again', async (t) => {
      const { scene, agent } = await blockedDrain(t, { actions: { taint: NO_EXECUTE } });
      const patch = { method: 'PATCH', path: /nodes\/node-1$/, body: /NoExecute/ };
      const refused = scene.simulator.faults.add({ ...patch, fault: { kind: 'status', code: 500 } });
      scene.free('web');
      await until('the end of the drain to be written in vain', () => refused.hits > 0);
      scene.editNode((draft) => {
        draft.status = NOT_READY;
      });
      const runs = () => agent.lines.filter((line) => /INFO: Running/.test(line)).length;
      const ran = runs();
      await until('three runs', () => runs() >= ran + 3);
      refused.remove();
      await agent.waitForLine(/Node node-1 is drained/);
      const then = runs();
      await until('three runs', () => runs() >= then + 3);
      assert.deepEqual([scene.hasTaint('NoExecute'), scene.cordoned()], [false, true]);
      scene.editNode((draft) => {
        draft.status = READY;
      });
      await until('the taint', () => scene.hasTaint('NoExecute'));
    });

    /** How long the Node may go unread, and what a busy machine may add, in milliseconds. */
    const RELOOK_MS = 30_000;
    const BUSY_MS = 10_000;

    test('ends a drain, and the drain goes on when it is ready again, also where the watch missed that', async (t) => {
      const { scene, agent } = await blockedDrain(t);
      scene.editNode((draft) => {
        draft.status = NOT_READY;
      });
      await agent.waitForLine(/drain stopped/);
      const path = /\/nodes\?.*watch=true/;
      scene.simulator.faults.add({ method: 'GET', path, fault: { kind: 'watchSilent', afterEvents: 0 } });
      const watched = () => scene.requests('GET', path).length;
      const before = watched();
      for (const watch of scene.simulator.watches) if (path.test(watch.path)) watch.cut();
      await until('another watch', () => watched() > before);
      const tried = scene.evictions().length;
      scene.editNode((draft) => {
        draft.status = READY;
      });
      const sinceMs = scene.simulator.clock.nowMs();
      await until('the drain to go on', () => scene.evictions().length > tried);
      assert.ok(scene.simulator.clock.nowMs() - sinceMs <= RELOOK_MS + BUSY_MS);
      scene.free('web');
      await agent.waitForLine(/Node node-1 is drained/);
    });
  });

  test('a pod that a finalizer keeps is told with the finalizer, and the drain gives up by its deadline', async (t) => {
    const scene = await setScene(t, { drain: { timeoutSeconds: 4 } });
    scene.pod('ending', { metadata: { finalizers: ['example.com/job'] } });
    scene.check.breakIt();
    const agent = await scene.start();
    await agent.waitForLine(/drain gave up/);
    const told = /pod default\/ending: it is terminating still; its object is kept by the finalizer example\.com\/job/;
    await until('the Event', () => scene.events('DrainFailed').some(({ message }) => told.test(message)));
    assert.equal(scene.evictions().length, 1);
  });
});
