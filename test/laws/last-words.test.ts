import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KNOBS, setOf } from './history.ts';
import { NOBODY } from './unwatched.ts';
import { World } from './world.ts';

/** What an agent that ends has done last becomes an Event, in the 3 s that it has. */

const GONE_WITHIN_MS = 3_000;
const NODE = 'node-1';
const WRITE = { method: 'PATCH', path: /nodes\/node-1$/ };

/** An agent that is healthy and has nothing to write. */
async function settledLife() {
  const world = new World(1, NOBODY);
  const { clock, cluster } = world;
  world.addNode(NODE);
  const policies = ['a', 'b'].map((name) => ({ ...KNOBS, name, failureThreshold: 1, cordon: name === 'a' }));
  world.give(NODE, { valid: true, set: setOf({ policies, budgets: [] }, 'r1') });
  const life = world.start(NODE);
  const script = (name: string, always: 'failed' | 'fatal') =>
    world.script(NODE, `/check/${name} 1`, { first: [], always });
  await clock.run(30_000);
  return {
    world,
    life,
    script,
    reasons: () => cluster.list('Event').map((event) => (event as unknown as { reason: string }).reason),
    until: (what: string, is: () => boolean) => clock.runUntil(is, { what, withinMs: 60_000 }),
    async isGone() {
      const fromMs = clock.nowMs();
      await clock.runUntil(() => life.state === 'dead', { what: 'the end', withinMs: GONE_WITHIN_MS });
      return clock.nowMs() - fromMs;
    },
  };
}

suite('an agent that ends while a write is under way says what became of it', () => {
  test('at SIGTERM', async () => {
    const { world, life, script, reasons, until, isGone } = await settledLife();
    const slow = world.cluster.faults.add({ ...WRITE, fault: { kind: 'delay', ms: 800 } });
    script('a', 'failed');
    await until('the write', () => slow.hits > 0);
    life.stop(GONE_WITHIN_MS);
    await isGone();
    assert.ok(reasons().includes('NodeCordoned'), reasons().join());
  });

  test('where a check demands its end', async () => {
    const { world, life, script, reasons, until, isGone } = await settledLife();
    const slow = world.cluster.faults.add({ ...WRITE, fault: { kind: 'delay', ms: 1_200 } });
    script('a', 'failed');
    await until('the write', () => slow.hits > 0);
    script('b', 'fatal');
    await until('the end to begin', () => life.state !== 'alive');
    await isGone();
    assert.ok(reasons().includes('NodeCordoned'), reasons().join());
  });
});

test('an agent that ends while Events wait for another attempt tries them once more', async () => {
  const { world, life, script, reasons, until, isGone } = await settledLife();
  const away = world.cluster.faults.add({ method: 'POST', path: /events/, fault: { kind: 'drop' } });
  script('a', 'failed');
  await until('attempts', () => away.hits > 5);
  away.remove();
  life.stop(GONE_WITHIN_MS);
  await isGone();
  assert.deepEqual(reasons().slice(-2), ['CheckFailing', 'NodeCordoned']);
});

test('an agent that ends does not wait for an API server that is silent', async () => {
  const { world, life, script, until, isGone } = await settledLife();
  const silent = world.cluster.faults.add({ fault: { kind: 'stall' } });
  script('a', 'failed');
  await until('a request', () => silent.hits > 0);
  life.stop(GONE_WITHIN_MS);
  assert.ok((await isGone()) <= 2_500);
});

test('an agent that a check ends has said so by then', async () => {
  const { script, life, reasons, until, isGone } = await settledLife();
  script('b', 'fatal');
  await until('the end to begin', () => life.state !== 'alive');
  await isGone();
  assert.equal(reasons().at(-1), 'CheckFatal');
});

test('an agent that a check ends is gone within 2 s, though the API server is silent', async () => {
  const { world, script, life, until } = await settledLife();
  world.cluster.faults.add({ fault: { kind: 'stall' } });
  script('b', 'fatal');
  await until('what was written', () => life.lines.some((line) => line.includes('no such tool')));
  const fromMs = world.clock.nowMs();
  await until('the end', () => life.state === 'dead');
  assert.ok(world.clock.nowMs() - fromMs <= 2_000, `${world.clock.nowMs() - fromMs} ms`);
});
