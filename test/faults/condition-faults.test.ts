import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Fault } from '../../simulator/faults.ts';
import { conditionOf, OWN_CONDITIONS } from '../harness/held-node.ts';
import { healthyRun, NODE, SPEC, setScene, until } from './agent-scene.ts';

/** Conditions on an API server that misbehaves: they are as they should be in the end, and nothing waits for them. */

const TYPE = 'StorageDaemonHealthy';
const STATUS_PATCH = { method: 'PATCH', path: /nodes\/node-1\/status/ };

async function setConditionScene(t: TestContext) {
  const scene = await setScene(t, { ...SPEC, nodeCondition: TYPE });
  const found = () => {
    const node = scene.node();
    return node && conditionOf(node, TYPE);
  };
  return {
    ...scene,
    says: (status: string | undefined) => until(`the condition to be ${status}`, () => found()?.status === status),
    found,
    list: () => scene.node()?.metadata.annotations?.[OWN_CONDITIONS],
  };
}

/** Its agent was killed at its first write of a condition, which never landed. */
async function diedAtFirstWrite(t: TestContext) {
  const scene = await setConditionScene(t);
  const stalled = scene.simulator.faults.add({ ...STATUS_PATCH, fault: { kind: 'stall' } });
  const agent = scene.start();
  await until('the first write to stall', () => stalled.hits === 1);
  agent.kill('SIGKILL');
  await agent.exit;
  stalled.remove();
  return scene;
}

const rows: [rule: string, times: number, fault: Fault, says: RegExp | null][] = [
  ['refused by 409 is made again on the newest version', 3, { kind: 'status', code: 409 }, null],
  [
    'that conflicts many times in a row is said and waited out',
    7,
    { kind: 'status', code: 409 },
    /could not write the conditions of node node-1: 409/,
  ],
  ['whose answer is lost is found to have landed', 1, { kind: 'drop' }, /the connection was cut/],
  ['that never arrived is made again', 2, { kind: 'refuse' }, /the connection was cut/],
  ['that a server error hits is made again', 2, { kind: 'status', code: 500 }, /conditions of node node-1: 500/],
];

describe('a write of conditions', { concurrency: 4 }, () => {
  for (const [rule, times, fault, says] of rows) {
    test(rule, async (t) => {
      const scene = await setConditionScene(t);
      const agent = scene.start();
      await healthyRun(agent);
      await scene.says('True');
      const active = scene.simulator.faults.add({ ...STATUS_PATCH, times, fault });
      scene.check.breakIt();
      await scene.disrupted();
      await scene.says('False');
      assert.equal(active.hits, times);
      if (says) await agent.waitForLine(says);
      scene.check.heal();
      await scene.released();
      await scene.says('True');
    });
  }

  test('that stalls holds up neither the cordon nor its undoing', async (t) => {
    const scene = await setConditionScene(t);
    const stalled = scene.simulator.faults.add({ ...STATUS_PATCH, fault: { kind: 'stall' } });
    scene.check.breakIt();
    scene.start();
    await until('the first write to stall', () => stalled.hits === 1);
    await scene.disrupted();
    scene.check.heal();
    await scene.released();
    assert.equal(stalled.hits, 1, 'all of it within the 10 s that the first write may take');
    stalled.remove();
    await scene.says('True');
  });

  test('that somebody else got ahead of is not made, and theirs is left alone', async (t) => {
    const scene = await setConditionScene(t);
    const fault = { kind: 'delay', ms: 1_000 } as const;
    const delayed = scene.simulator.faults.add({ ...STATUS_PATCH, times: 1, fault });
    const agent = scene.start();
    await until('the first write to be under way', () => delayed.hits === 1);
    const theirs = { type: TYPE, status: 'False', reason: 'TheirReason' };
    scene.simulator.edit('Node', 'node-1', (draft) => {
      draft.status = { conditions: [...NODE.status.conditions, theirs] };
    });
    await agent.waitForLine(/\(False, TheirReason\) is somebody else's/);
    await until('the list to be without it', () => scene.list() === undefined);
    assert.deepEqual(scene.found(), theirs);
  });

  test('that its agent did not live to see is made after the restart', async (t) => {
    const scene = await diedAtFirstWrite(t);
    assert.deepEqual([scene.list(), scene.found()], [JSON.stringify([TYPE]), undefined]);
    scene.start();
    await scene.says('True');
  });

  test('that its agent did not live to see is forgotten when no policy asks for it any more', async (t) => {
    const scene = await diedAtFirstWrite(t);
    scene.check.write({ nodeCondition: undefined });
    scene.start();
    await until('the list to be gone', () => scene.list() === undefined);
    assert.equal(scene.found(), undefined);
  });

  test('is not made while nobody can tell from the list what is ours, and that is said', async (t) => {
    const scene = await setConditionScene(t);
    const edit = (annotations: Record<string, string>) =>
      scene.simulator.edit('Node', 'node-1', (draft) => {
        draft.metadata.annotations = annotations;
      });
    edit({ [OWN_CONDITIONS]: 'StorageDaemonHealthy' });
    scene.check.breakIt();
    const agent = scene.start();
    await agent.waitForLine(
      /conditions must be a JSON list of condition types, found StorageDaemonHealthy; no condition/,
    );
    await scene.disrupted();
    assert.equal(scene.found(), undefined);
    edit({});
    await scene.says('False');
  });
});
