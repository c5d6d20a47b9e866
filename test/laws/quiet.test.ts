import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { loadOf, NOBODY } from './unwatched.ts';
import { type Outcome, World } from './world.ts';

/** What a cluster of thousands of agents pays while nothing happens. */

const MINUTE_MS = 60_000;
const POLICY = {
  kind: 'NodeCheckPolicy',
  metadata: { name: 'a' },
  spec: { check: { command: ['/a'], periodSeconds: 1, failureThreshold: 1 }, actions: { cordon: true } },
};
/** Everything that a check can show on the Node. */
const SAYS_MORE = {
  ...POLICY,
  spec: {
    ...POLICY.spec,
    nodeCondition: 'AHealthy',
    check: { ...POLICY.spec.check, exitCodes: { reasons: { '2': 'SaysTwo', '3': 'SaysThree' } } },
  },
};
const BUDGET = { kind: 'NodeDisruptionBudget', metadata: { name: 'b' }, spec: { nodeSelector: {}, maxUnavailable: 1 } };

/** A node with an agent that has said all that it says at first. */
async function settledWorld(...documents: readonly object[]) {
  const world = new World(1, NOBODY);
  world.addNode('node-1');
  world.give('node-1', loadOf(...documents));
  world.start('node-1');
  const pass = (ms: number) => world.clock.run(world.clock.nowMs() + ms);
  await pass(MINUTE_MS);
  /** What is asked for within so much time, as method and path. */
  const askedWithin = async (ms: number) => {
    const before = world.cluster.requests.length;
    await pass(ms);
    return world.cluster.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
  };
  return { world, askedWithin };
}

suite('an agent', () => {
  test('of a healthy node asks for nothing in an hour, but for its one watch when the server has ended it', async () => {
    const { world, askedWithin } = await settledWorld(POLICY);
    const isWatch = (request: string) => /^GET \/api\/v1\/nodes\?.*watch=true/.test(request);
    assert.equal(world.cluster.requests.filter(({ method, path }) => isWatch(`${method} ${path}`)).length, 1);
    const asked = await askedWithin(60 * MINUTE_MS);
    assert.deepEqual(
      asked.filter((request) => !isWatch(request)),
      [],
    );
    assert.ok(asked.length <= 1, `${asked.length} watches`);
  });

  for (const always of ['healthy', 'failed', 'unknown'] as const satisfies readonly Outcome[]) {
    test(`asks for nothing when its check says another thing at each run, being ${always}`, async () => {
      const { world, askedWithin } = await settledWorld(SAYS_MORE);
      world.script('node-1', '/a', { first: [], always });
      await askedWithin(MINUTE_MS);
      const asked = await askedWithin(10 * MINUTE_MS);
      assert.deepEqual(
        asked.filter((request) => !/^GET \/api\/v1\/nodes\?.*watch=true/.test(request)),
        [],
      );
    });
  }

  test('whose condition is refused tries ever less, though its check says another thing at each run', async () => {
    const { world, askedWithin } = await settledWorld(SAYS_MORE);
    world.cluster.faults.add({ fault: { kind: 'status', code: 403 }, method: 'PATCH', path: /\/status$/ });
    world.script('node-1', '/a', { first: [], always: 'failed' });
    await askedWithin(2 * MINUTE_MS);
    const asked = (await askedWithin(10 * MINUTE_MS)).filter((request) => /^PATCH .*\/status$/.test(request));
    assert.ok(asked.length >= 9 && asked.length <= 21, `${asked.length} attempts in ten minutes`);
  });

  test('that starts again says nothing of a reload, and of one that came meanwhile it does', async () => {
    const { world, askedWithin } = await settledWorld(POLICY);
    const reloads = () =>
      world.cluster.list('Event').filter(({ reason, count }) => reason === 'PolicyReloaded' && count === 1).length;
    assert.equal(reloads(), 1);
    const restart = async () => {
      for (const life of world.livingOn('node-1')) life.kill();
      world.start('node-1');
      await askedWithin(MINUTE_MS);
    };
    await restart();
    assert.equal(reloads(), 1);
    for (const life of world.livingOn('node-1')) life.kill();
    world.give('node-1', loadOf({ ...POLICY, metadata: { name: 'b' } }));
    await restart();
    assert.equal(reloads(), 2);
  });

  test('that is denied a slot makes no Lease, and asks for room ever less, twice in half a minute in the end', async () => {
    const { world, askedWithin } = await settledWorld(POLICY, BUDGET);
    world.addNode('by-hand');
    world.cluster.edit('Node', 'by-hand', (node) => {
      node.spec.unschedulable = true;
    });
    world.script('node-1', '/a', { first: [], always: 'failed' });
    const lists = (asked: readonly string[]) =>
      asked.filter((request) => /^GET .*\/leases\?(?!.*watch=true)/.test(request)).length;
    const [first, then] = [await askedWithin(20_000), await askedWithin(10 * MINUTE_MS)];
    assert.deepEqual(
      [...first, ...then].filter((request) => /^POST .*\/leases/.test(request)),
      [],
    );
    assert.ok(lists(first) >= 2 && lists(first) <= 7, `${lists(first)} lists`);
    assert.ok(lists(then) <= 40, `${lists(then)} lists`);
  });
});
