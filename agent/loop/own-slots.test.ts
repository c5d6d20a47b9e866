import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slotLease as lease, NODE, setUpSlots as setUp } from '../../test/harness/slot-stage.ts';
import { sampleBudget } from '../core/samples.ts';

/** What becomes of Leases that were left behind, edited, or whose creation or deletion was not answered. */

const ONE = sampleBudget('one');

test('a Lease of a disrupted node that was edited so that nobody counts it is made anew', async () => {
  const { slots, obey, until, held, state, leases } = setUp();
  obey('Keep', [ONE]);
  await until('the slot', () => held().length === 1 && state(ONE) === 'Granted');
  const name = 'nsc-one-node-1';
  const created = leases.get(name) ?? assert.fail();
  leases.set(name, { ...created, budget: '' });
  await until('the slot to be taken again', () => held().includes('one'));
  assert.notEqual(leases.get(name)?.uid, created.uid);
  await slots.stop();
});

test('a Lease of a disrupted node that was moved to another zone is made anew for that zone', async () => {
  const zoned = sampleBudget('one', { topologyKey: 'zone' });
  const { slots, obey, until, pass, leases, calls } = setUp();
  const topology = () => leases.get('nsc-one-node-1')?.topology;
  for (const zone of ['a', 'b']) {
    obey('Keep', [zoned], { zone });
    await until('the slot', () => topology() === `zone=${zone}`);
  }
  await pass(120_000);
  assert.equal(calls.filter((call) => call === 'create').length, 2);
  await slots.stop();
});

test('a slot that was granted for another zone is given back before one of the new zone is asked for', async () => {
  const zoned = sampleBudget('one', { topologyKey: 'zone' });
  const { slots, obey, until, pass, held, state, calls } = setUp([lease('one', 'node-2', 5, { topology: 'zone=b' })]);
  obey('Want', [zoned], { zone: 'a' });
  await until('the grant', () => state(zoned) === 'Granted');
  obey('Want', [zoned], { zone: 'b' });
  await until('the denial', () => state(zoned) === 'Denied');
  assert.ok(calls.includes('node'), 'what was let in may have landed');
  assert.deepEqual(held(), []);
  await pass(60_000);
  assert.equal(state(zoned), 'Denied');
  await slots.stop();
});

test('a Lease found after a restart ranks by its own version, not by a new one', async () => {
  const { slots, obey, state, until, calls } = setUp([lease('one', NODE.name, 5), lease('one', 'node-2', 9)]);
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.ok(!calls.includes('create'));
  await slots.stop();
});

test('a Lease found after a restart is given back when nothing is wanted, also of a budget that is gone', async () => {
  const { slots, obey, until, held } = setUp([lease('one', NODE.name, 5), lease('gone', NODE.name, 6)]);
  obey('None', [ONE]);
  await until('the Leases to go', () => held().length === 0);
  await slots.stop();
});

test('a Lease of an earlier Node of this name counts no more', async () => {
  const { slots, obey, state, until, leases } = setUp([lease('one', NODE.name, 5, { ownerUid: 'earlier' })]);
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.equal(leases.get('nsc-one-node-1')?.ownerUid, NODE.uid);
  await slots.stop();
});

test('a foreign Lease of our name is never deleted, and nothing is done to the node', async () => {
  const foreign = lease('one', 'somebody', 5, { name: 'nsc-one-node-1', budget: '' });
  const { slots, obey, state, until, pass, leases, denials } = setUp([foreign]);
  obey('Want', [ONE]);
  await until('the denial', () => state(ONE) === 'Denied');
  const { answer } = denials[0] ?? assert.fail();
  assert.match(
    answer.kind === 'Uncountable' ? answer.problem : '',
    /nsc-one-node-1 must be held by node-1 under budget one, found "somebody"/,
  );
  await pass(600_000);
  assert.equal(leases.get('nsc-one-node-1'), foreign);
  assert.equal(state(ONE), 'Denied');
  await slots.stop();
});

test('a write that may still land keeps the slot, until a later one has landed', async () => {
  const { slots, clock, obey, state, until, pass, held, calls } = setUp([], 60_000);
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  slots.writeBegins();
  obey('None', [ONE]);
  await pass(59_999);
  assert.deepEqual(held(), ['one']);
  assert.ok(!calls.includes('node'));
  const landedAtMs = clock.nowMs();
  slots.writeLanded();
  await until('the slot to be given back', () => held().length === 0);
  assert.equal(clock.nowMs(), landedAtMs);
  await slots.stop();
});

test('a write that was never answered keeps the slot for as long as it may land', async () => {
  const { slots, obey, state, until, pass, held } = setUp([], 60_000);
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  slots.writeBegins();
  obey('None', [ONE]);
  await pass(59_999);
  assert.deepEqual(held(), ['one']);
  await pass(1);
  assert.deepEqual(held(), []);
  await slots.stop();
});

test('from the look at the node on, no write begins on a slot that is given back', async () => {
  const { slots, obey, state, until, held, look } = setUp();
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  const answer = look.hold();
  obey('None', [ONE]);
  await until('the look', () => look.isHeld());
  assert.deepEqual(held(), ['one']);
  assert.notEqual(state(ONE), 'Granted', 'what is written now would not be seen by the look');
  answer();
  await until('the slot to be given back', () => held().length === 0);
  await slots.stop();
});

for (const need of ['None', 'Want'] as const) {
  test(`a Lease found after a restart is left alone while an earlier life's requests may land: ${need}`, async () => {
    const { slots, obey, state, until, pass, held, calls } = setUp([lease('one', NODE.name, 5)], 60_000);
    obey(need, [ONE]);
    await pass(9_999);
    assert.deepEqual(calls, ['list'], 'neither given back nor used');
    assert.equal(state(ONE), 'Pending');
    const isOver = () => (need === 'None' ? held().length === 0 : state(ONE) === 'Granted');
    await until('the end of that', isOver);
    await slots.stop();
  });
}

test('a Lease whose creation was not answered is found and given back, although it is not wanted any more', async () => {
  const { slots, obey, until, held, breakNext, problems } = setUp();
  breakNext('create', 'applied');
  obey('Want', [ONE]);
  await until('the problem', () => problems.length === 1);
  assert.deepEqual(held(), ['one']);
  obey('None', [ONE]);
  await until('the Lease to go', () => held().length === 0);
  await slots.stop();
});

test('a Lease of an earlier life that comes to be after the first look is given back', async () => {
  const { slots, obey, until, pass, held, leases } = setUp([], 60_000);
  obey('None', [ONE]);
  await pass(5_000);
  const late = lease('one', NODE.name, 5);
  leases.set(late.name, late);
  await until('the Lease to go', () => held().length === 0);
  await slots.stop();
});

test('a Lease of ours that nobody can know of, as from a backup, takes a slot no longer than ten minutes', async () => {
  const { slots, obey, pass, held, leases } = setUp();
  obey('None', [ONE]);
  await pass(3_600_000);
  const restored = lease('one', NODE.name, 5);
  leases.set(restored.name, restored);
  await pass(600_000);
  assert.deepEqual(held(), []);
  await slots.stop();
});

test('nothing rests on a Lease whose deletion was not answered: it is deleted again, and another is made', async () => {
  const { slots, obey, state, until, leases, breakNext, problems } = setUp();
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  const first = leases.get('nsc-one-node-1')?.uid;
  breakNext('remove', 'lost');
  obey('None', [ONE]);
  await until('the problem', () => problems.length === 1);
  assert.equal(leases.get('nsc-one-node-1')?.uid, first);
  obey('Want', [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.notEqual(leases.get('nsc-one-node-1')?.uid, first);
  await slots.stop();
});
