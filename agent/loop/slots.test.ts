import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { slotLease as lease, NODE, setUpSlots as setUp } from '../../test/harness/slot-stage.ts';
import { sampleBudget } from '../core/samples.ts';

const ONE = sampleBudget('one');

test('without a budget nothing has to be asked for', () => {
  const { state, calls } = setUp();
  assert.equal(state(), 'Granted');
  const others = sampleBudget('others', { maxUnavailable: 0, nodeSelector: { matchLabels: { role: 'web' } } });
  assert.equal(state(others), 'Granted');
  assert.deepEqual(calls, []);
});

test('a slot is pending until it is granted, and held until the node is not disrupted any more', async () => {
  const { slots, obey, state, until, pass, held, disrupted, calls } = setUp();
  assert.equal(state(ONE), 'Pending');
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.deepEqual(held(), ['one']);
  disrupted.now = true;
  obey('None', [ONE]);
  await until('a look at the node', () => calls.includes('node'));
  await pass(60_000);
  assert.deepEqual(held(), ['one'], 'the node says that it is still disrupted');
  disrupted.now = false;
  await until('the slot to be given back', () => held().length === 0);
  assert.equal(state(ONE), 'Pending');
  await slots.stop();
});

suite('an agent without a budget', () => {
  test('gives back what is left of one, then asks no more until there is a budget again', async () => {
    const { slots, obey, until, pass, held, leases, calls } = setUp([lease('gone', NODE.name, 5)]);
    obey('None', []);
    await until('the Lease to go', () => held().length === 0);
    await pass(60_000);
    const asked = calls.length;
    leases.set('nsc-one-node-1', lease('one', NODE.name, 6));
    await pass(3_600_000);
    assert.equal(calls.length, asked);
    obey('None', [ONE]);
    await until('the Lease to go', () => held().length === 0);
    await slots.stop();
  });

  test('looks a few times at its start, whatever happens to its node', async () => {
    const { slots, obey, pass, calls } = setUp();
    for (const need of ['None', 'Want', 'Keep', 'None'] as const) {
      obey(need, []);
      await pass(900_000);
    }
    assert.deepEqual(new Set(calls), new Set(['list']));
    assert.ok(calls.length <= 2, `${calls.length} looks`);
    await slots.stop();
  });

  test('needs no right to read Leases, and asks ever more seldom', async () => {
    const { slots, obey, pass, calls, problems, isForbidden, leases, held } = setUp();
    isForbidden.now = true;
    obey('None', []);
    await pass(3_600_000);
    assert.deepEqual(problems, []);
    assert.ok(calls.length <= 25, `${calls.length} looks`);
    isForbidden.now = false;
    leases.set('nsc-gone-node-1', lease('gone', NODE.name, 5));
    await pass(600_000);
    assert.deepEqual(held(), [], 'the right may be given later');
    await slots.stop();
  });

  test('asks as seldom where the right is taken away later', async () => {
    const { slots, obey, until, pass, calls, held, isForbidden } = setUp([lease('one', NODE.name, 5)]);
    obey('None', [ONE]);
    await until('the Lease to go', () => held().length === 0);
    obey('None', []);
    await pass(60_000);
    isForbidden.now = true;
    const before = calls.length;
    await pass(3_600_000);
    assert.ok(calls.length - before <= 25, `${calls.length - before} looks`);
    await slots.stop();
  });

  test('that gets one says that the right is missing', async () => {
    const { slots, obey, pass, problems, isForbidden } = setUp();
    isForbidden.now = true;
    obey('None', []);
    await pass(60_000);
    obey('None', [ONE]);
    await pass(0);
    assert.equal(problems.length, 1);
    await slots.stop();
  });
});

test('a slot that is being given back grants nothing any more', async () => {
  const { slots, obey, state, until, calls, removal, held } = setUp();
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  const { promise, resolve } = Promise.withResolvers<void>();
  removal.now = promise;
  obey('None', [ONE]);
  await until('the look at the node', () => calls.includes('node'));
  obey('Want', [ONE]);
  assert.equal(state(ONE), 'Pending');
  resolve();
  await until('a new grant', () => state(ONE) === 'Granted');
  assert.deepEqual(held(), ['one']);
  await slots.stop();
});

test('a full budget is asked with reads only, and again within a second when the watch shows room', async () => {
  const other = lease('one', 'node-2', 5);
  const { slots, clock, obey, state, until, pass, held, denials, calls, leases, seeLeases } = setUp([other]);
  obey('Want', [ONE]);
  await until('the denial', () => state(ONE) === 'Denied');
  assert.deepEqual(denials, [{ budget: 'one', answer: { kind: 'Full', used: 1, limit: 1 } }]);
  assert.deepEqual(calls, ['list', 'list', 'cordoned']);
  await pass(600_000);
  assert.deepEqual(new Set(calls), new Set(['list', 'cordoned']), 'however often it asks');
  const asked = calls.length;
  await until('one more look', () => calls.length > asked);
  leases.delete(other.name);
  seeLeases();
  const freedAtMs = clock.nowMs();
  await until('the grant', () => state(ONE) === 'Granted');
  assert.ok(clock.nowMs() - freedAtMs <= 1_000, `took ${clock.nowMs() - freedAtMs} ms`);
  assert.deepEqual(held(), ['one']);
  assert.equal(denials.length, 1);
  await slots.stop();
});

test('a budget of nothing denies without any request, also a node that has a slot', async () => {
  const none = sampleBudget('none', { maxUnavailable: '0%' });
  const { slots, obey, state, until, denials, calls } = setUp();
  obey('Want', [none]);
  await until('the denial', () => denials.length === 1);
  assert.equal(state(none), 'Denied');
  assert.deepEqual(calls, ['list']);
  obey('Keep', [none]);
  await until('the slot', () => calls.includes('create'));
  assert.equal(state(none), 'Denied');
  await slots.stop();
});

for (const need of ['Leave', 'None'] as const) {
  test(`a slot that was about to be taken is not, when the order is ${need} by then`, async () => {
    const { slots, obey, pass, calls, held } = setUp();
    obey('Want', [ONE]);
    obey(need, [ONE]);
    await pass(60_000);
    assert.deepEqual([held(), calls.includes('create')], [[], false]);
    await slots.stop();
  });
}

test('an agent that ends takes no slot any more', async () => {
  const { slots, obey, pass, calls } = setUp();
  obey('Want', [ONE]);
  const stopped = slots.stop();
  await pass(60_000);
  await stopped;
  assert.ok(!calls.includes('create'));
});

test('all budgets must grant, or none keeps a slot', async () => {
  const { slots, obey, state, until, held } = setUp([lease('two', 'node-2', 5)]);
  const both = [ONE, sampleBudget('two')];
  obey('Want', both);
  await until('the denial', () => state(...both) === 'Denied' && held().length === 0);
  await slots.stop();
});

test('a disrupted node takes the slots that it lacks without asking, and again when one is deleted by hand', async () => {
  const { slots, clock, obey, until, held, leases, state } = setUp([lease('one', 'node-2', 5)]);
  obey('Keep', [ONE]);
  await until('the slot', () => held().length === 1);
  await until('the answer', () => state(ONE) === 'Granted');
  leases.delete('nsc-one-node-1');
  const deletedAtMs = clock.nowMs();
  await until('the slot to be taken again', () => held().length === 1);
  assert.ok(clock.nowMs() - deletedAtMs <= 30_000);
  await slots.stop();
});

test('a percentage counts the selected nodes', async () => {
  const half = sampleBudget('half', { maxUnavailable: '50%' });
  const { slots, obey, state, until, calls } = setUp();
  obey('Want', [half]);
  await until('the grant', () => state(half) === 'Granted');
  assert.ok(calls.includes('selected'));
  await slots.stop();
});

for (const hours of [-1, 1]) {
  test(`a clock that is ${hours} h off changes nothing`, async () => {
    const serverMs = Date.UTC(2026, 0, 1);
    const other = lease('one', 'node-2', 5, { createdAt: new Date(serverMs).toISOString() });
    const clock = new VirtualClock({ epochMs: serverMs + hours * 3_600_000 });
    const { slots, obey, state, until, leases, held } = setUp([other], 0, clock);
    obey('Want', [ONE]);
    await until('the denial', () => state(ONE) === 'Denied');
    leases.delete(other.name);
    await until('the grant', () => state(ONE) === 'Granted');
    assert.ok(clock.nowMs() <= 1_000);
    obey('None', [ONE]);
    await until('the slot to be given back', () => held().length === 0);
    await slots.stop();
  });
}

for (const call of ['list', 'cordoned', 'create'] as const) {
  test(`while the API server does not answer nothing is granted, and it is asked again: ${call}`, async () => {
    const { slots, obey, state, until, problems, breakNext } = setUp();
    breakNext(call, 'lost');
    obey('Want', [ONE]);
    await until('the problem', () => problems.length === 1);
    assert.equal(state(ONE), 'Pending');
    await until('the grant', () => state(ONE) === 'Granted');
    await slots.stop();
  });
}

test('while nobody can say what is ours, slots stay as they are, and rank anew by their Leases after that', async () => {
  const { slots, obey, state, until, pass, held, calls } = setUp();
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  const asked = calls.length;
  obey('Leave', [ONE]);
  await pass(3_600_000);
  assert.deepEqual([held(), state(ONE), calls.length], [['one'], 'Pending', asked]);
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.equal(calls.filter((call) => call === 'create').length, 1);
  await slots.stop();
});
