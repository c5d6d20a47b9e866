import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { slotLeaseName } from '../../agent/kube/slot-api.ts';
import type { FaultRule } from '../../simulator/faults.ts';
import { NAMESPACE } from './life.ts';
import { loadOf, NOBODY } from './unwatched.ts';
import { World } from './world.ts';

/** A Lease of ours that nobody needs takes a slot for some minutes at most, however it came to be. */

const BUDGET = 'b';
const LEASE = slotLeaseName(BUDGET, 'node-1');
const FOUND_WITHIN_MS = 600_000;
/** A look takes a moment, and what was granted a second one. */
const LOOKING_MS = 10_000;

const load = loadOf(
  {
    kind: 'NodeCheckPolicy',
    metadata: { name: 'a' },
    spec: { check: { command: ['/a'], periodSeconds: 1, failureThreshold: 1 }, actions: { cordon: true } },
  },
  { kind: 'NodeDisruptionBudget', metadata: { name: BUDGET }, spec: { nodeSelector: {}, maxUnavailable: 1 } },
);

const pass = (world: World, ms: number) => world.clock.run(world.clock.nowMs() + ms);

async function settledWorld() {
  const world = new World(1, NOBODY);
  world.addNode('node-1');
  world.give('node-1', load);
  const life = world.start('node-1');
  await pass(world, 60_000);
  return {
    world,
    life,
    lease: () => world.cluster.read('Lease', LEASE, NAMESPACE),
    isCordoned: () => world.cluster.read('Node', 'node-1')?.spec?.unschedulable === true,
    requests: (method: string) =>
      world.cluster.requests.filter((request) => request.method === method && /leases/.test(request.path)).length,
  };
}

function leaseOf(world: World, uid = 'restored') {
  return {
    kind: 'Lease',
    metadata: {
      name: LEASE,
      namespace: NAMESPACE,
      uid,
      labels: { 'node-svc-checker/budget': BUDGET },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Node',
          name: 'node-1',
          uid: world.cluster.read('Node', 'node-1')?.metadata.uid ?? '',
        },
      ],
    },
    spec: { holderIdentity: 'node-1' },
  };
}

suite('a Lease of a node that needs none', () => {
  test('is given back within ten minutes when a backup is restored', async () => {
    const { world, life, lease } = await settledWorld();
    for (const round of ['first', 'second']) {
      world.cluster.seed(leaseOf(world, round));
      await world.clock.runUntil(() => lease() === undefined, {
        what: `the ${round} Lease to be given back`,
        withinMs: FOUND_WITHIN_MS + LOOKING_MS,
      });
    }
    assert.deepEqual(life.bugs, []);
  });

  const late: [what: string, rule: FaultRule][] = [
    ['lands late', { method: 'POST', path: /leases/, times: 1, fault: { kind: 'late', ms: 40_000 } }],
    ['is made and not answered', { method: 'POST', path: /leases/, times: 1, fault: { kind: 'drop' } }],
  ];
  for (const [what, rule] of late) {
    test(`is given back when its creation ${what}, and the check has recovered by then`, async () => {
      const { world, lease, isCordoned } = await settledWorld();
      const fault = world.cluster.faults.add(rule);
      world.script('node-1', '/a', { first: ['failed'], always: 'healthy' });
      await world.clock.runUntil(() => fault.hits === 1, { what: 'the creation', withinMs: 10_000 });
      await pass(world, FOUND_WITHIN_MS + LOOKING_MS);
      assert.deepEqual([lease(), isCordoned()], [undefined, false]);
    });
  }

  test('is given back by an install of which another one has taken the node over, when that one has undone all', async () => {
    const { world, life, lease, isCordoned } = await settledWorld();
    const says = (always: 'failed' | 'healthy') => world.script('node-1', '/a', { first: [], always });
    const until = (what: string, is: () => boolean) => world.clock.runUntil(is, { what, withinMs: LOOKING_MS });
    const othersLease = () => world.cluster.read('Lease', LEASE, 'second');
    says('failed');
    await until('the cordon', isCordoned);
    const other = world.start('node-1', 'agent-second', load, 'second');
    await until("the other one's Lease", () => othersLease() !== undefined);
    await pass(world, FOUND_WITHIN_MS);
    assert.ok(lease() && isCordoned(), 'while the node is disrupted it counts in both');
    says('healthy');
    await until('the undo', () => !isCordoned());
    await pass(world, 30_000);
    assert.deepEqual([lease(), othersLease()], [undefined, undefined]);
    assert.deepEqual([...life.bugs, ...other.bugs], []);
  });

  test('costs a healthy node one look in ten minutes', async () => {
    const { world, requests } = await settledWorld();
    const before = requests('GET');
    await pass(world, 6 * FOUND_WITHIN_MS);
    const looks = requests('GET') - before;
    assert.ok(looks >= 6 && looks <= 12, `${looks} looks`);
  });
});
