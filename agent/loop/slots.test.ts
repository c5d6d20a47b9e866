import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { SlotDenial, SlotLease } from '../core/slot.ts';
import { createSlots, type SlotsOptions } from './slots.ts';

/** One agent's slots; the Leases are a map, and every call is noted. */

const NODE = { name: 'node-1', uid: 'uid-1', labels: {} };

function budget(name: string, maxUnavailable: number | string, spec = {}): NodeDisruptionBudget {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name },
    spec: { nodeSelector: {}, maxUnavailable, ...spec },
  };
}

function lease(of: string, holder: string, version: number, changed: Partial<SlotLease> = {}): SlotLease {
  return {
    name: `nsc-${of}-${holder}`,
    uid: `lease-${version}`,
    resourceVersion: String(version),
    createdAt: '2026-01-01T00:00:00Z',
    budget: of,
    holder,
    ownerUid: holder === NODE.name ? NODE.uid : `uid-of-${holder}`,
    topology: null,
    ...changed,
  };
}

function setUp(existing: readonly SlotLease[] = []) {
  const leases = new Map(existing.map((each) => [each.name, each]));
  const calls: string[] = [];
  const denials: [string, SlotDenial][] = [];
  const problems: string[] = [];
  const disrupted = { now: false };
  const removal = { now: Promise.resolve() };
  const slept: number[] = [];
  let version = 1_000;
  let wakeUp = () => {};
  let tellWatch: ((leases: readonly SlotLease[]) => void) | null = null;
  const note = async <T>(call: string, answer: () => T): Promise<T> => {
    calls.push(call);
    return answer();
  };
  const api: SlotsOptions['api'] = {
    nameOf: (of, node) => `nsc-${of}-${node}`,
    isConflict: (error) => error instanceof Error && error.message === 'conflict',
    list: (of) => note('list', () => [...leases.values()].filter((each) => of === undefined || each.budget === of)),
    read: (name) => note('read', () => leases.get(name) ?? null),
    listCordoned: () => note('cordoned', () => []),
    listSelected: () => note('selected', () => [NODE, { name: 'node-2', labels: {} }]),
    create: (of, { name, uid }) =>
      note('create', () => {
        const created = lease(of.metadata.name, name, version++, { ownerUid: uid });
        if (leases.has(created.name)) throw new Error('conflict');
        leases.set(created.name, created);
        return created;
      }),
    remove: async (each) => {
      calls.push('remove');
      await removal.now;
      if (leases.get(each.name)?.uid === each.uid) leases.delete(each.name);
    },
    watch: (_, onLeases, signal) =>
      new Promise((resolve) => {
        tellWatch = onLeases;
        signal.addEventListener('abort', () => resolve());
      }),
  };
  const slots = createSlots({
    api,
    stillDisrupted: () => note('node', () => disrupted.now),
    onChange: () => {},
    onDenied: (of, answer) => denials.push([of, answer]),
    onHeld: () => {},
    onProblem: (error) => problems.push(String(error)),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        slept.push(ms);
        wakeUp = resolve;
        signal.addEventListener('abort', () => resolve());
      }),
  });
  return {
    slots,
    leases,
    calls,
    denials,
    problems,
    disrupted,
    /** A removal waits for this. */
    removal,
    slept,
    wakeUp: () => wakeUp(),
    /** What the watch of a denied agent says. */
    seeLeases: () => tellWatch?.([...leases.values()]),
    held: () => [...leases.values()].filter(({ holder }) => holder === NODE.name).map(({ budget: of }) => of),
    until: (what: string, condition: () => boolean) => waitFor(condition, { what }),
    state: (...budgets: NodeDisruptionBudget[]) => slots.state(NODE, budgets),
  };
}

const ONE = budget('one', 1);

test('without a budget nothing has to be asked for', () => {
  const { state, calls } = setUp();
  assert.equal(state(), 'Granted');
  assert.equal(state(budget('others', 0, { nodeSelector: { matchLabels: { role: 'web' } } })), 'Granted');
  assert.deepEqual(calls, []);
});

test('a slot is pending until it is granted, and held until the node is not disrupted any more', async () => {
  const { slots, state, until, held, disrupted, wakeUp, slept } = setUp();
  assert.equal(state(ONE), 'Pending');
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.deepEqual(held(), ['one']);
  disrupted.now = true;
  slots.obey('None', NODE, [ONE]);
  await until('a look at the node', () => slept.length === 1);
  assert.deepEqual(held(), ['one'], 'the node says that it is still disrupted');
  disrupted.now = false;
  wakeUp();
  await until('the slot to be given back', () => held().length === 0);
  assert.equal(state(ONE), 'Pending');
  await slots.stop();
});

test('a slot that is being given back grants nothing any more', async () => {
  const { slots, state, until, calls, removal, held } = setUp();
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  const { promise, resolve } = Promise.withResolvers<void>();
  removal.now = promise;
  slots.obey('None', NODE, [ONE]);
  await until('the removal', () => calls.includes('remove'));
  slots.obey('Want', NODE, [ONE]);
  assert.equal(state(ONE), 'Pending');
  resolve();
  await until('a new grant', () => state(ONE) === 'Granted');
  assert.deepEqual(held(), ['one']);
  await slots.stop();
});

test('a full budget is asked with reads only, and again when the watch shows room', async () => {
  const other = lease('one', 'node-2', 5);
  const { slots, state, until, held, denials, calls, leases, wakeUp, slept, seeLeases } = setUp([other]);
  slots.obey('Want', NODE, [ONE]);
  await until('the denial', () => state(ONE) === 'Denied' && slept.length === 1);
  assert.deepEqual(denials, [['one', { kind: 'Full', used: 1, limit: 1 }]]);
  assert.deepEqual(calls, ['list', 'list', 'cordoned']);
  seeLeases();
  assert.equal(slept.length, 1, 'nothing has changed');
  leases.delete(other.name);
  seeLeases();
  await until('the spread', () => slept.length === 2);
  wakeUp();
  await until('the grant', () => state(ONE) === 'Granted');
  assert.deepEqual(held(), ['one']);
  assert.equal(denials.length, 1);
  await slots.stop();
});

test('a budget of nothing denies without any request, also a node that has a slot', async () => {
  const none = budget('none', '0%');
  const { slots, state, until, denials, calls } = setUp();
  slots.obey('Want', NODE, [none]);
  await until('the denial', () => denials.length === 1);
  assert.equal(state(none), 'Denied');
  assert.deepEqual(calls, ['list']);
  slots.obey('Keep', NODE, [none]);
  await until('the slot', () => calls.includes('create'));
  assert.equal(state(none), 'Denied');
  await slots.stop();
});

test('all budgets must grant, or none keeps a slot', async () => {
  const { slots, state, until, held } = setUp([lease('two', 'node-2', 5)]);
  const both = [ONE, budget('two', 1)];
  slots.obey('Want', NODE, both);
  await until('the denial', () => state(...both) === 'Denied' && held().length === 0);
  await slots.stop();
});

test('a disrupted node takes the slots that it lacks without asking, and again when one is deleted by hand', async () => {
  const { slots, until, held, leases, wakeUp, slept, state } = setUp([lease('one', 'node-2', 5)]);
  slots.obey('Keep', NODE, [ONE]);
  await until('the slot', () => held().length === 1 && slept.length === 1);
  assert.equal(state(ONE), 'Granted');
  leases.delete('nsc-one-node-1');
  wakeUp();
  await until('the slot to be taken again', () => held().length === 1);
  await slots.stop();
});

test('a Lease found after a restart ranks by its own version, not by a new one', async () => {
  const { slots, state, until, calls } = setUp([lease('one', NODE.name, 5), lease('one', 'node-2', 9)]);
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.ok(!calls.includes('create'));
  await slots.stop();
});

test('a Lease found after a restart is given back when nothing is wanted, also of a budget that is gone', async () => {
  const { slots, until, held } = setUp([lease('one', NODE.name, 5), lease('gone', NODE.name, 6)]);
  slots.obey('None', NODE, [ONE]);
  await until('the Leases to go', () => held().length === 0);
  await slots.stop();
});

test('a Lease of an earlier Node of this name counts no more', async () => {
  const { slots, state, until, leases } = setUp([lease('one', NODE.name, 5, { ownerUid: 'earlier' })]);
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.equal(leases.get('nsc-one-node-1')?.ownerUid, NODE.uid);
  await slots.stop();
});

test('a foreign Lease of our name is never deleted, and nothing is done to the node', async () => {
  const foreign = lease('one', 'somebody', 5, { name: 'nsc-one-node-1', budget: '' });
  const { slots, state, until, leases, denials } = setUp([foreign]);
  slots.obey('Want', NODE, [ONE]);
  await until('the denial', () => state(ONE) === 'Denied');
  const [, answer] = denials[0] ?? [];
  assert.match(
    answer?.kind === 'Uncountable' ? answer.problem : '',
    /nsc-one-node-1 must be held by node-1 under budget one, found "somebody"/,
  );
  assert.equal(leases.get('nsc-one-node-1'), foreign);
  await slots.stop();
});

test('a write that may still land keeps the slot', async () => {
  const { slots, state, until, held, slept, calls } = setUp();
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  slots.keepFor(60_000);
  slots.obey('None', NODE, [ONE]);
  await until('the wait', () => slept.length === 1);
  assert.ok((slept[0] ?? 0) > 50_000);
  assert.deepEqual(held(), ['one']);
  assert.ok(!calls.includes('node'));
  await slots.stop();
});

test('a percentage counts the selected nodes', async () => {
  const half = budget('half', '50%');
  const { slots, state, until, calls } = setUp();
  slots.obey('Want', NODE, [half]);
  await until('the grant', () => state(half) === 'Granted');
  assert.ok(calls.includes('selected'));
  await slots.stop();
});

test('when the Node is gone its slots are given back', async () => {
  const { slots, state, until, held } = setUp();
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  slots.obey('None', null, []);
  await until('the slot to be given back', () => held().length === 0);
  await slots.stop();
});
