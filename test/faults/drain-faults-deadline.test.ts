import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FaultRule } from '../../simulator/faults.ts';
import { secondsBetween } from '../harness/agent-clock.ts';
import { blockedDrain, EVICTION, type SceneOptions, setScene, until } from './drain-scene.ts';

/** Whatever gets in the way of a drain, it ends by its deadline and says why. */

/** Of the drains of these tests, in seconds: time for what a busy machine has to do before. */
const TIMEOUT_S = 5;
/** Longer than that, and shorter than the time-out of a single call. */
const GIVEN_UP_WITHIN_S = 8;

const noEnd: [rule: string, fault: FaultRule | null, says: RegExp, controllers?: SceneOptions['controllers']][] = [
  ['a budget that is never freed', null, /default\/web: .*disruption budget/],
  ['evictions that stall', { ...EVICTION, fault: { kind: 'stall' } }, /default\/web: .*(no whole answer|not answered)/],
  [
    'throttled evictions, whatever Retry-After asks for',
    { ...EVICTION, fault: { kind: 'status', code: 429, plainText: true, retryAfterSeconds: 3600 } },
    /default\/web: the API server asks for patience: .*Too many requests/,
  ],
  ['evictions that fail', { ...EVICTION, fault: { kind: 'status', code: 500 } }, /default\/web: .*500 .*etcdserver/],
  [
    'evictions whose connection breaks',
    { ...EVICTION, fault: { kind: 'refuse' } },
    /default\/web: .*connection was cut/,
  ],
  [
    'evictions answered by half',
    { ...EVICTION, fault: { kind: 'stallBody' } },
    /default\/free: it is terminating still/,
    { podTerminationMs: null },
  ],
  ['pods that cannot be read', { method: 'GET', path: /\/pods\?/, fault: { kind: 'stall' } }, /could not be read/],
  [
    'a server that stalls all but the Node',
    { path: /pods|daemonsets|policy/, fault: { kind: 'stall' } },
    /could not be read/,
  ],
];

describe('a drain keeps its deadline', { concurrency: 4 }, () => {
  for (const [rule, fault, says, controllers] of noEnd) {
    test(`under ${rule}, and names the pod and the reason`, async (t) => {
      const scene = await setScene(t, { drain: { timeoutSeconds: TIMEOUT_S }, ...(controllers && { controllers }) });
      scene.pod('web');
      scene.pod('free');
      scene.protect('web');
      if (fault) scene.simulator.faults.add(fault);
      const agent = await scene.start();
      scene.check.breakIt();
      await until('the cordon', scene.cordoned);
      const tookSeconds = await secondsBetween(agent, /Draining node/, /drain gave up/);
      assert.ok(tookSeconds <= GIVEN_UP_WITHIN_S, `it took ${tookSeconds} s`);
      await scene.ended('GaveUp');
      await agent.waitForLine(new RegExp(`drain gave up.*${says.source}`));
      await until('the Event', () => scene.events('DrainFailed').some(({ message }) => says.test(message)));
      assert.equal(scene.cordoned(), true, 'it stays cordoned');
      assert.deepEqual(scene.requests('DELETE', /pods/), [], 'nothing is deleted instead');
      scene.simulator.faults.clear();
      scene.check.heal();
      await until('the node to be given back', () => scene.ledger() === undefined && !scene.cordoned());
    });
  }

  test('under a last list that stalls, and says so', async (t) => {
    const { scene, agent } = await blockedDrain(t, { drain: { timeoutSeconds: 6 } });
    scene.simulator.faults.add({ method: 'GET', path: /\/pods\?.*limit=/, fault: { kind: 'stall' } });
    scene.free('web');
    await until('the pod to go', () => !scene.hasPod('web'));
    const tookSeconds = await secondsBetween(agent, /Draining node/, /drain gave up/);
    assert.ok(tookSeconds <= 6 + GIVEN_UP_WITHIN_S, `it took ${tookSeconds} s`);
    await scene.ended('GaveUp');
    await agent.waitForLine(/drain gave up.*could not be read in time/);
  });

  test('and under two budgets over one pod names the misconfiguration', async (t) => {
    const scene = await setScene(t, { drain: { timeoutSeconds: TIMEOUT_S } });
    scene.pod('web');
    scene.protect('web');
    scene.protect('web', 'overlap');
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('GaveUp');
    await agent.waitForLine(/drain gave up.*default\/web: more than one PodDisruptionBudget selects it/);
    assert.equal(scene.evictions().length, 1, 'it is tried slowly');
  });

  test('under onTimeout Delete what is left is deleted then, guarded by UID, and tried again if that fails', async (t) => {
    const { scene, agent } = await blockedDrain(t, { drain: { timeoutSeconds: TIMEOUT_S, onTimeout: 'Delete' } });
    const uid = scene.simulator.read('Pod', 'web')?.metadata.uid;
    scene.simulator.faults.add({ method: 'DELETE', times: 1, fault: { kind: 'status', code: 500 } });
    await until('a second try', () => scene.evictions().length > 1);
    assert.deepEqual(scene.requests('DELETE', /pods/), [], 'not before the deadline');
    await scene.ended('Drained');
    await agent.waitForLine(/deleting pod, the deadline of the drain has passed pod=default\/web/);
    const deletes = scene.requests('DELETE', /\/pods\/web$/);
    assert.equal(deletes.length, 2);
    for (const { body } of deletes) assert.deepEqual(JSON.parse(body).preconditions, { uid });
  });
});
