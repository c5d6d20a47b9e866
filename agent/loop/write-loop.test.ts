import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { createWriteLoop } from './write-loop.ts';

type Order = { readonly key: string };

const CONFLICT = new Error('409');
const NO_ANSWER = new Error('no answer');

/** What is written lands and leaves nothing to write, unless a test says otherwise. */
function setUp(first: string | null = 'a', onRest = () => {}) {
  const clock = new VirtualClock();
  const writes: { key: string; atMs: number }[] = [];
  const problems: string[] = [];
  const world = {
    order: first === null ? null : ({ key: first } as Order | null),
    answer: async (_order: Order): Promise<void> => {
      world.order = null;
    },
    prepare: async (): Promise<void> => {},
  };
  const loop = createWriteLoop<Order>({
    clock,
    order: () => world.order,
    prepare: () => world.prepare(),
    write(order) {
      writes.push({ key: order.key, atMs: clock.nowMs() });
      return world.answer(order);
    },
    onProblem: (error) => problems.push(error instanceof Error ? error.message : String(error)),
    isConflict: (error) => error === CONFLICT,
    onRest,
    retry: { baseMs: 500, maxMs: 30_000 },
  });
  const want = (key: string | null): void => {
    world.order = key === null ? null : { key };
    loop.look();
  };
  const fail = (error: Error) => async () => {
    throw error;
  };
  const keys = () => writes.map(({ key }) => key);
  return {
    clock,
    writes,
    problems,
    world,
    loop,
    want,
    fail,
    keys,
    pass: (ms: number) => clock.run(clock.nowMs() + ms),
  };
}

test('what is wrong after the last write is told, and keeps no other from being made', async () => {
  const { world, want, keys, problems, pass } = setUp('a', () => {
    throw new TypeError('x is not a function');
  });
  want('a');
  await pass(0);
  want('b');
  await pass(0);
  assert.deepEqual([keys(), world.order], [['a', 'b'], null]);
  assert.deepEqual(problems, ['x is not a function', 'x is not a function']);
});

test('one write follows the other until nothing is left to write', async () => {
  const { clock, world, loop, keys } = setUp();
  const left = ['b', 'c'];
  world.answer = async () => {
    const key = left.shift();
    world.order = key === undefined ? null : { key };
  };
  loop.look();
  loop.look();
  await clock.run(60_000);
  assert.deepEqual(keys(), ['a', 'b', 'c']);
});

test('what is written is what is wanted once the Node was read afresh, if anything', async () => {
  const { world, loop, keys, pass, want } = setUp();
  world.prepare = async () => {
    world.order = { key: 'fresh' };
  };
  loop.look();
  await pass(0);
  assert.deepEqual(keys(), ['fresh']);
  world.prepare = async () => {
    world.order = null;
  };
  want('b');
  await pass(60_000);
  assert.deepEqual(keys(), ['fresh']);
});

suite('a conflict', () => {
  test('is tried again at once, and the fifth in a row waits like any other failure', async () => {
    const { world, loop, writes, problems, fail, pass } = setUp();
    world.answer = fail(CONFLICT);
    loop.look();
    await pass(0);
    assert.deepEqual([writes.length, problems], [5, ['409']]);
    await pass(249);
    assert.equal(writes.length, 5);
    await pass(251);
    assert.equal(writes.length, 10, 'five more after the wait');
  });

  test('counts anew after a write that landed', async () => {
    const { world, loop, want, problems, fail, pass, keys } = setUp();
    const landed = world.answer;
    for (const key of ['a', 'b']) {
      let conflicts = 4;
      world.answer = (order) => (conflicts-- > 0 ? fail(CONFLICT)() : landed(order));
      want(key);
      await pass(0);
    }
    loop.look();
    assert.deepEqual([keys(), problems], [['a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', 'b'], []]);
  });
});

suite('after a failure', () => {
  test('the next attempt waits longer each time, up to the maximum', async () => {
    const { world, loop, writes, problems, fail, pass } = setUp();
    world.answer = fail(NO_ANSWER);
    loop.look();
    await pass(600_000);
    const gaps = writes.slice(1).map(({ atMs }, i) => atMs - (writes[i]?.atMs ?? 0));
    assert.ok(Math.min(...gaps) >= 250 && Math.max(...gaps) <= 30_000, gaps.join());
    assert.ok(
      gaps.slice(8).every((gap) => gap >= 15_000),
      gaps.join(),
    );
    assert.equal(problems.length, writes.length);
  });

  test('news ends the wait, and the same order again does not', async () => {
    const { clock, world, loop, writes, want, fail, pass, keys } = setUp();
    world.answer = fail(NO_ANSWER);
    loop.look();
    await pass(600_000);
    const before = writes.length;
    await clock.runUntil(() => writes.length > before, { what: 'one more attempt' });
    loop.look();
    await pass(1_000);
    assert.equal(writes.length, before + 1);
    const atMs = clock.nowMs();
    want('news');
    await pass(0);
    assert.deepEqual(writes.at(-1), { key: 'news', atMs });
    assert.equal(keys().filter((key) => key === 'news').length, 1);
  });

  test('nothing is written any more that nobody wants any more', async () => {
    const { world, loop, want, writes, fail, pass } = setUp();
    world.answer = fail(NO_ANSWER);
    loop.look();
    await pass(0);
    want(null);
    await pass(600_000);
    assert.equal(writes.length, 1);
  });

  test('a read that fails waits as a write does', async () => {
    const { world, loop, writes, problems, fail, pass } = setUp();
    world.prepare = fail(NO_ANSWER);
    loop.look();
    await pass(600_000);
    assert.equal(writes.length, 0);
    assert.ok(problems.length > 10 && problems.length < 60, `${problems.length}`);
  });
});

test('a write that lands and is not kept says so, and waits', async () => {
  const { world, loop, writes, problems, pass } = setUp();
  world.answer = async () => {};
  loop.look();
  await pass(0);
  assert.equal(writes.length, 1);
  assert.match(problems.join(), /took a write to the Node and did not keep what it says/);
  await pass(600_000);
  assert.ok(writes.length < 60, `${writes.length} writes in ten minutes`);
});

suite('writes are bounded', () => {
  test('where each of them leaves another one to be made', async () => {
    const { world, loop, writes, pass } = setUp();
    let n = 0;
    world.answer = async () => {
      world.order = { key: `${n++}` };
    };
    loop.look();
    await pass(0);
    assert.equal(writes.length, 20);
    await pass(60_000);
    assert.equal(writes.length, 80);
  });

  test('where news never stops', async () => {
    const { world, want, writes, fail, pass } = setUp();
    let reads = 0;
    world.prepare = async () => {
      reads++;
    };
    world.answer = fail(NO_ANSWER);
    for (let n = 0; n < 6_000; n++) {
      want(`${n}`);
      await pass(10);
    }
    assert.ok(writes.length <= 20 + 60, `${writes.length} writes in a minute`);
    assert.ok(reads <= 20 + 60, `${reads} reads in a minute`);
  });

  test('and the burst is back after a quiet while', async () => {
    const { world, loop, writes, want, pass } = setUp();
    const landed = world.answer;
    let n = 0;
    world.answer = async () => {
      world.order = { key: `${n++}` };
    };
    loop.look();
    await pass(0);
    world.answer = landed;
    await pass(60_000);
    const before = writes.length;
    world.answer = async () => {
      world.order = { key: `${n++}` };
    };
    want('again');
    await pass(0);
    assert.equal(writes.length - before, 20);
  });
});

test('after a stop nothing begins, and it settles when the write under way has ended', async () => {
  const { world, loop, want, writes, pass } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.answer = () => promise;
  loop.look();
  await pass(0);
  let isSettled = false;
  void loop.stop().then(() => {
    isSettled = true;
  });
  want('b');
  await pass(60_000);
  assert.deepEqual([writes.length, isSettled], [1, false]);
  resolve();
  await pass(0);
  assert.deepEqual([writes.length, isSettled], [1, true]);
});

test('a stop ends a wait', async () => {
  const { world, loop, fail, pass } = setUp();
  world.answer = fail(NO_ANSWER);
  loop.look();
  await pass(0);
  await loop.stop();
});

test('no order is overlooked, at whatever moment of the end of the one before it comes', async () => {
  for (let steps = 0; steps < 20; steps++) {
    const { loop, want, pass, keys } = setUp();
    loop.look();
    for (let n = 0; n < steps; n++) await Promise.resolve();
    want('b');
    await pass(60_000);
    assert.equal(keys().at(-1), 'b', `after ${steps} turns`);
  }
});
