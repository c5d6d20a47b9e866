import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultRule } from '../../simulator/faults.ts';
import type { KubeObject } from '../../simulator/types.ts';
import { loadOf, NOBODY } from './unwatched.ts';
import { World } from './world.ts';

/** What a whole agent keeps to while it drains, in virtual time: when it deletes, and which Node it is that it drains. */

const NODE = 'node-1';
const SICK = { first: [], always: 'failed' } as const;
const CORDON: Omit<FaultRule, 'fault'> = { method: 'PATCH', path: /\/nodes\//, body: /unschedulable/, times: 1 };
const NODE_WATCH = /\/nodes\?.*watch=/;

/** A node whose check fails from now on, and whose one pod no budget lets go. */
async function sickNode(drain: { timeoutSeconds: number; onTimeout: 'Delete' | 'GiveUp' }, fault?: FaultRule) {
  const world = new World(1, NOBODY);
  const { cluster, clock } = world;
  const landings: number[] = [];
  cluster.subscribe(({ object, resource }) => {
    if (resource.kind === 'Node' && isCordoned(object) && landings.length === 0) landings.push(clock.nowMs());
  });
  cluster.seed({
    kind: 'PodDisruptionBudget',
    metadata: { name: 'guard' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  });
  const addPod = (name: string) =>
    cluster.seed({
      kind: 'Pod',
      metadata: {
        name,
        labels: { app: 'web' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1', controller: true }],
      },
      spec: { nodeName: NODE },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    });
  world.addNode(NODE);
  addPod('web');
  if (fault !== undefined) cluster.faults.add(fault);
  const policy = {
    kind: 'NodeCheckPolicy',
    metadata: { name: 'a' },
    spec: { check: { command: ['/a'], periodSeconds: 1, failureThreshold: 1 }, actions: { drain } },
  };
  world.give(NODE, loadOf(policy));
  world.script(NODE, '/a', SICK);
  const life = world.start(NODE);
  const requests = (method: string, path: RegExp) =>
    cluster.requests.filter((request) => request.method === method && path.test(request.path));
  const pass = (ms: number) => clock.run(clock.nowMs() + ms);
  const landed = async (): Promise<number> => {
    for (let n = 0; landings.length === 0 && n < 1_000; n++) await pass(100);
    return landings[0] ?? assert.fail('no cordon has landed');
  };
  return { world, cluster, clock, life, requests, pass, landed, addPod };
}

function isCordoned({ spec }: KubeObject): boolean {
  return (spec as { unschedulable?: boolean } | undefined)?.unschedulable === true;
}

test('pods are deleted when the timeout has passed since the cordon landed, however long that took', async () => {
  for (const ms of [500, 4_000, 8_000]) {
    const fault = { ...CORDON, fault: { kind: 'delay', ms } } as const;
    const { requests, pass, landed } = await sickNode({ timeoutSeconds: 12, onTimeout: 'Delete' }, fault);
    const landedMs = await landed();
    await pass(15_000);
    const [deletion] = requests('DELETE', /\/pods\/web/);
    const afterMs = (deletion?.atMs ?? Number.NaN) - landedMs;
    assert.ok(afterMs >= 12_000 && afterMs < 12_200, `${afterMs} ms after the landing of a cordon that took ${ms} ms`);
  }
});

test('an agent that was restarted deletes no sooner, and at most three seconds later', async () => {
  for (let n = 0; n < 10; n++) {
    const { world, life, requests, pass, landed } = await sickNode({ timeoutSeconds: 20, onTimeout: 'Delete' });
    const landedMs = await landed();
    await pass(2_000 + n * 90);
    life.kill();
    await pass(1_000 + n * 130);
    world.start(NODE);
    await pass(25_000);
    const [deletion] = requests('DELETE', /\/pods\/web/);
    const afterMs = (deletion?.atMs ?? Number.NaN) - landedMs;
    assert.ok(afterMs >= 20_000 && afterMs < 23_000, `${afterMs} ms after the landing`);
  }
});

test('a drain gives up when the timeout has passed since the cordon landed', async () => {
  const fault = { ...CORDON, fault: { kind: 'delay', ms: 8_000 } } as const;
  const { life, pass, landed } = await sickNode({ timeoutSeconds: 12, onTimeout: 'GiveUp' }, fault);
  await landed();
  await pass(11_500);
  assert.deepEqual(gaveUp(life.lines), []);
  await pass(1_500);
  assert.notDeepEqual(gaveUp(life.lines), []);
});

test('a Node that was replaced while its watch was dead is drained no more within half a minute', async () => {
  const silent = { path: NODE_WATCH, fault: { kind: 'watchSilent', afterEvents: 0 } } as const;
  const { world, cluster, requests, pass, landed, addPod } = await sickNode(
    { timeoutSeconds: 600, onTimeout: 'GiveUp' },
    silent,
  );
  await landed();
  await pass(5_000);
  cluster.remove('Node', NODE);
  world.addNode(NODE);
  world.script(NODE, '/a', { first: [], always: 'unknown' });
  addPod('fresh');
  await pass(31_000);
  const before = requests('POST', /eviction/).length;
  await pass(120_000);
  assert.equal(requests('POST', /eviction/).length, before);
});

test('a Node that was replaced while its watch was dead loses no pod at the deadline', async () => {
  const silent = { path: NODE_WATCH, fault: { kind: 'watchSilent', afterEvents: 0 } } as const;
  const { world, cluster, requests, pass, landed, addPod } = await sickNode(
    { timeoutSeconds: 50, onTimeout: 'Delete' },
    silent,
  );
  await landed();
  await pass(40_000);
  cluster.remove('Node', NODE);
  world.addNode(NODE);
  world.script(NODE, '/a', { first: [], always: 'unknown' });
  addPod('fresh');
  await pass(60_000);
  assert.deepEqual(requests('DELETE', /\/pods\//), []);
});

test('a node that is drained is read twice a minute, and not at all once it is drained', async () => {
  const { cluster, requests, pass, landed } = await sickNode({ timeoutSeconds: 600, onTimeout: 'Delete' });
  await landed();
  await pass(10_000);
  const reads = () => requests('GET', /\/nodes\/node-1$/).length;
  const before = reads();
  await pass(300_000);
  assert.equal(reads() - before, 10);
  cluster.remove('PodDisruptionBudget', 'guard');
  cluster.remove('Pod', 'web');
  await pass(10_000);
  const drained = reads();
  await pass(300_000);
  assert.equal(reads(), drained);
});

test('pods are deleted at the deadline, or three seconds after they can be listed', async () => {
  const blind = { path: /\/pods\?/, fault: { kind: 'status', code: 500 } } as const;
  const { cluster, requests, pass, landed } = await sickNode({ timeoutSeconds: 60, onTimeout: 'Delete' }, blind);
  const landedMs = await landed();
  await pass(57_000);
  cluster.faults.clear();
  await pass(6_000);
  const [deletion] = requests('DELETE', /\/pods\/web/);
  assert.ok((deletion?.atMs ?? Number.NaN) - landedMs < 60_200, `deleted at ${deletion?.atMs}`);
});

function gaveUp(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => /gave up/.test(line));
}
