import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { secondsBetween } from '../harness/agent-clock.ts';
import { DRAIN_STATE, LEDGER, readLedgerText } from '../harness/held-node.ts';
import { assertNoMoreEvictions, blockedDrain, EVICTION, READY, setScene, TAINT, until } from './drain-scene.ts';

/** What stops a drain, what goes on with it, and what follows from its end. */

describe('what ends a drain', { concurrency: 4 }, () => {
  test('recovery stops it within a second, and the node is given back', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.check.heal();
    assert.ok((await secondsBetween(agent, /The monitored service is up again/, /is given back/)) <= 1);
    assert.deepEqual([scene.ledger(), scene.cordoned()], [undefined, false]);
    assert.equal(scene.node()?.metadata.annotations?.[DRAIN_STATE], 'drainNotActive');
    await assertNoMoreEvictions(scene, agent);
    assert.equal(scene.hasPod('web'), true);
  });

  test('recovery does not wait for evictions that stall', async (t) => {
    const scene = await setScene(t);
    for (let i = 0; i < 30; i++) scene.pod(`web-${i}`);
    scene.simulator.faults.add({ ...EVICTION, fault: { kind: 'stall' } });
    scene.check.breakIt();
    const agent = await scene.start();
    await until('ten evictions', () => scene.evictions().length === 10);
    scene.check.heal();
    assert.ok((await secondsBetween(agent, /The monitored service is up again/, /is given back/)) <= 1);
    assert.deepEqual([scene.ledger(), scene.cordoned()], [undefined, false]);
    await assertNoMoreEvictions(scene, agent);
  });

  test('recovery stops it also while writes to the node fail and are waited out', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.simulator.faults.add({ method: 'PATCH', path: /nodes/, fault: { kind: 'status', code: 500 } });
    scene.check.write({ check: { failureThreshold: 3 } });
    // From the fourth failure in a row on, the back-off is longer than the second that a stop may take.
    const failedWrites = () => agent.lines.filter((line) => /could not annotate node/.test(line)).length;
    await until('four failed writes', () => failedWrites() >= 4);
    scene.check.heal();
    assert.ok((await secondsBetween(agent, /The monitored service is up again/, /drain stopped/)) <= 1);
  });

  test("a person's uncordon stops it while the taint stays", async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.editNode((draft) => {
      delete draft.spec.unschedulable;
    });
    await agent.waitForLine(/Somebody uncordoned node node-1/);
    await assertNoMoreEvictions(scene, agent);
    assert.deepEqual([scene.cordoned(), scene.hasTaint('NoSchedule')], [false, true]);
    assert.equal(scene.node()?.metadata.annotations?.[DRAIN_STATE], 'drainActive');
  });

  test('a paused policy evicts nothing, and goes on where it was', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.check.write({ paused: true });
    await agent.waitForLine(/the policy is paused/);
    await assertNoMoreEvictions(scene, agent);
    assert.equal(scene.cordoned(), true);
    scene.free('web');
    scene.check.write({ paused: false });
    await scene.ended('Drained');
  });

  test('an unready kubelet cannot end pods, so nothing is evicted until it is ready again', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    scene.editNode((draft) => {
      draft.status.conditions = [{ type: 'Ready', status: 'Unknown' }];
    });
    await agent.waitForLine(/drain stopped/);
    await assertNoMoreEvictions(scene, agent);
    scene.free('web');
    scene.editNode((draft) => {
      draft.status = READY;
    });
    await scene.ended('Drained');
  });
});

describe('a restarted agent', { concurrency: 4 }, () => {
  test('resumes an unfinished drain, whose deadline still runs from the cordon', async (t) => {
    const { scene, agent } = await blockedDrain(t);
    const before = scene.ledger()?.drain;
    agent.kill('SIGKILL');
    await agent.exit;
    const tried = scene.evictions().length;
    await scene.start();
    await until('an eviction', () => scene.evictions().length > tried);
    assert.deepEqual(scene.ledger()?.drain, before);
    scene.free('web');
    await scene.ended('Drained');
  });

  test('that comes after the deadline finds what is left and says why', async (t) => {
    const { scene, agent } = await blockedDrain(t, { drain: { timeoutSeconds: 600 } });
    agent.kill('SIGKILL');
    await agent.exit;
    scene.editNode((draft) => {
      const ledger = JSON.parse(draft.metadata.annotations[LEDGER]);
      ledger.policies['sick-check'].drain.since = '2025-01-01T00:00:00Z';
      draft.metadata.annotations[LEDGER] = JSON.stringify(ledger);
    });
    const second = await scene.start();
    await scene.ended('GaveUp');
    await second.waitForLine(/drain gave up.*default\/web: .*disruption budget/);
  });

  test('does not repeat a finished drain', async (t) => {
    const scene = await setScene(t);
    scene.pod('web');
    scene.check.breakIt();
    const agent = await scene.start();
    await scene.ended('Drained');
    agent.kill('SIGKILL');
    await agent.exit;
    scene.pod('tolerant');
    await assertNoMoreEvictions(scene, await scene.start());
    assert.equal(scene.hasPod('tolerant'), true);
  });
});

describe('a NoExecute taint', { concurrency: 4 }, () => {
  const actions = { taint: { ...TAINT, effect: 'NoExecute' } };

  test('comes after the drain, in the one write that says it has ended', async (t) => {
    const { scene } = await blockedDrain(t, { actions });
    await until('a second try', () => scene.evictions().length > 1);
    assert.equal(scene.hasTaint('NoExecute'), false);
    scene.free('web');
    await scene.ended('Drained');
    const writes = scene.requests('PATCH', /nodes\/node-1/).map(({ body }) => JSON.parse(body));
    const tainting = writes.filter(({ spec }) => JSON.stringify(spec?.taints ?? []).includes('"NoExecute"'));
    assert.equal(tainting.length, 1);
    assert.equal(readLedgerText(tainting[0].metadata.annotations[LEDGER]).drain.state, 'Drained');
    assert.ok(tainting[0].metadata.resourceVersion);
  });

  test('does not come after a drain that gave up', async (t) => {
    const { scene, agent } = await blockedDrain(t, { actions, drain: { timeoutSeconds: 3 } });
    await scene.ended('GaveUp');
    await assertNoMoreEvictions(scene, agent);
    assert.deepEqual([scene.cordoned(), scene.hasTaint('NoExecute')], [true, false]);
  });
});
