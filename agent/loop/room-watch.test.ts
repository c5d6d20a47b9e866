import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { NODE, setUpSlots, slotLease } from '../../test/harness/slot-stage.ts';
import { sampleBudget } from '../core/samples.ts';
import type { SlotLease } from '../core/slot.ts';
import { createRoomWatch, type FullBudget } from './room-watch.ts';

const OTHER = slotLease('one', 'node-2', 5);
const FULL: FullBudget = {
  budget: sampleBudget('one'),
  view: { leases: [OTHER], cordoned: [], selected: null },
  node: NODE,
};

function setUp() {
  const clock = new VirtualClock();
  const watches: { budget: string | undefined; tell(leases: readonly SlotLease[]): void; signal: AbortSignal }[] = [];
  const toldAtMs: number[] = [];
  const room = createRoomWatch({
    watch: (budget, tell, signal) =>
      new Promise((resolve) => {
        watches.push({ budget, tell, signal });
        signal.addEventListener('abort', () => resolve());
      }),
    clock,
    onRoom: () => toldAtMs.push(clock.nowMs()),
    onProblem: assert.fail,
  });
  return { clock, room, watches, toldAtMs };
}

test('room is told once, within a second, and not before there is any', async () => {
  const { clock, room, watches, toldAtMs } = setUp();
  room.follow(FULL);
  watches[0]?.tell([OTHER]);
  await clock.run(60_000);
  assert.deepEqual(toldAtMs, [], 'nothing has changed');
  watches[0]?.tell([]);
  watches[0]?.tell([]);
  await clock.run(61_000);
  assert.equal(toldAtMs.length, 1);
  assert.ok((toldAtMs[0] ?? 0) > 60_000, 'they do not all come at once');
  await room.stop();
});

test('a node that was cordoned when it held a slot leaves room when its Lease goes', async () => {
  const { clock, room, watches, toldAtMs } = setUp();
  room.follow({ ...FULL, view: { ...FULL.view, cordoned: [{ name: 'node-2', labels: {} }] } });
  watches[0]?.tell([]);
  await clock.run(1_000);
  assert.equal(toldAtMs.length, 1);
  await room.stop();
});

test("a person's cordon leaves none, whatever becomes of the Leases", async () => {
  const { clock, room, watches, toldAtMs } = setUp();
  room.follow({ ...FULL, view: { ...FULL.view, cordoned: [{ name: 'node-3', labels: {} }] } });
  watches[0]?.tell([]);
  await clock.run(1_000);
  assert.deepEqual(toldAtMs, []);
  await room.stop();
});

test('there is one watch for as long as the same budget is full, and none when none is', async () => {
  const { room, watches } = setUp();
  room.follow(FULL);
  room.follow({ ...FULL, view: { ...FULL.view, leases: [] } });
  assert.deepEqual([watches.length, watches[0]?.signal.aborted], [1, false]);
  room.follow({ ...FULL, budget: sampleBudget('two') });
  assert.deepEqual([watches.map(({ budget }) => budget), watches[0]?.signal.aborted], [['one', 'two'], true]);
  room.follow(null);
  assert.equal(watches[1]?.signal.aborted, true);
  await room.stop();
});

test('who waits is woken by a slot that is given back by a node that was cordoned when it was denied', async () => {
  const { slots, clock, obey, state, until, pass, leases, seeLeases, cordoned, calls } = setUpSlots([OTHER]);
  const { budget } = FULL;
  cordoned.push({ name: 'node-2', labels: {} });
  obey('Want', [budget]);
  await until('the denial', () => state(budget) === 'Denied');
  await pass(600_000);
  const asked = calls.length;
  await until('one more look', () => calls.length > asked);
  leases.delete(OTHER.name);
  cordoned.length = 0;
  seeLeases();
  const freedAtMs = clock.nowMs();
  await until('the grant', () => state(budget) === 'Granted');
  assert.ok(clock.nowMs() - freedAtMs <= 1_000, `took ${clock.nowMs() - freedAtMs} ms`);
  await slots.stop();
});

test('a defect in looking at what the watch shows is told, and ends no watch', async () => {
  const { slots, obey, until, denials, problems, seeLeases } = setUpSlots([OTHER]);
  obey('Want', [FULL.budget]);
  await until('the denial', () => denials.length === 1);
  seeLeases([undefined as unknown as SlotLease]);
  assert.match(problems.join(), /^TypeError: [^,]*$/);
  await slots.stop();
});
