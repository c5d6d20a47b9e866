import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { LabelledNode, SlotDenial, SlotLease } from '../core/slot.ts';
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

function setUp(existing: readonly SlotLease[] = [], mayLandMs = 0) {
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
  const cordoned: LabelledNode[] = [];
  let broken: { call: string; how: 'applied' | 'lost' } | null = null;
  let looking: { held: boolean; answered: Promise<void> } | null = null;
  const note = async <T>(call: string, answer: () => T): Promise<T> => {
    calls.push(call);
    const breaks = broken?.call === call ? broken.how : null;
    if (breaks !== null) broken = null;
    if (breaks === 'lost') throw new Error('no answer');
    const answered = answer();
    if (breaks === 'applied') throw new Error('no answer');
    if (call === 'node' && looking !== null) {
      looking.held = true;
      await looking.answered;
    }
    return answered;
  };
  const api: SlotsOptions['api'] = {
    nameOf: (of, node) => `nsc-${of}-${node}`,
    isConflict: (error) => error instanceof Error && error.message === 'conflict',
    list: (of) => note('list', () => [...leases.values()].filter((each) => of === undefined || each.budget === of)),
    read: (name) => note('read', () => leases.get(name) ?? null),
    listCordoned: () => note('cordoned', () => [...cordoned]),
    listSelected: () => note('selected', () => [NODE, { name: 'node-2', labels: {} }]),
    create: (of, { name, uid }) =>
      note('create', () => {
        const created = lease(of.metadata.name, name, version++, { ownerUid: uid });
        if (leases.has(created.name)) throw new Error('conflict');
        leases.set(created.name, created);
        return created;
      }),
    remove: async (each) => {
      await removal.now;
      await note('remove', () => {
        if (leases.get(each.name)?.uid === each.uid) leases.delete(each.name);
      });
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
    mayLandMs,
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
    cordoned,
    /** The next such call is not answered; it has happened all the same, or not. */
    breakNext: (call: string, how: 'applied' | 'lost') => {
      broken = { call, how };
    },
    look: {
      /** The next look at the node takes until the returned function is called. */
      hold: () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        looking = { held: false, answered: promise };
        return resolve;
      },
      isHeld: () => looking?.held === true,
    },
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

test('an agent that never had a budget reads no Leases', async () => {
  const { slots, calls } = setUp();
  for (const need of ['None', 'Want', 'Keep', 'None'] as const) slots.obey(need, NODE, []);
  await slots.stop();
  assert.deepEqual(calls, []);
});

test('a slot that is being given back grants nothing any more', async () => {
  const { slots, state, until, calls, removal, held } = setUp();
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  const { promise, resolve } = Promise.withResolvers<void>();
  removal.now = promise;
  slots.obey('None', NODE, [ONE]);
  await until('the look at the node', () => calls.includes('node'));
  slots.obey('Want', NODE, [ONE]);
  assert.equal(state(ONE), 'Pending');
  resolve();
  await until('a new grant', () => state(ONE) === 'Granted');
  assert.deepEqual(held(), ['one']);
  await slots.stop();
});

test('a Lease of a disrupted node that was edited so that nobody counts it is made anew', async () => {
  const { slots, until, held, leases, wakeUp, slept } = setUp();
  slots.obey('Keep', NODE, [ONE]);
  await until('the slot', () => held().length === 1 && slept.length === 1);
  const name = 'nsc-one-node-1';
  const created = leases.get(name) ?? assert.fail();
  leases.set(name, { ...created, budget: '' });
  wakeUp();
  await until('the slot to be taken again', () => held().includes('one'));
  assert.notEqual(leases.get(name)?.uid, created.uid);
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

test('a write that may still land keeps the slot, until a later one has landed', async () => {
  const { slots, state, until, held, slept, calls } = setUp([], 60_000);
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  slots.writeBegins();
  slots.obey('None', NODE, [ONE]);
  await until('the wait', () => slept.length === 1);
  assert.ok((slept[0] ?? 0) > 5_000);
  assert.deepEqual(held(), ['one']);
  assert.ok(!calls.includes('node'));
  slots.writeLanded();
  await until('the slot to be given back', () => held().length === 0);
  await slots.stop();
});

test('from the look at the node on, no write begins on a slot that is given back', async () => {
  const { slots, state, until, held, look } = setUp();
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  const answer = look.hold();
  slots.obey('None', NODE, [ONE]);
  await until('the look', () => look.isHeld());
  assert.deepEqual(held(), ['one']);
  assert.notEqual(state(ONE), 'Granted', 'what is written now would not be seen by the look');
  answer();
  await until('the slot to be given back', () => held().length === 0);
  await slots.stop();
});

for (const need of ['None', 'Want'] as const) {
  test(`a Lease found after a restart is left alone while an earlier life's requests may land: ${need}`, async () => {
    const { slots, state, until, slept, calls } = setUp([lease('one', NODE.name, 5)], 60_000);
    slots.obey(need, NODE, [ONE]);
    await until('the wait', () => slept.length === 1);
    assert.ok((slept[0] ?? 0) > 5_000);
    assert.deepEqual(calls, ['list'], 'neither given back nor used');
    assert.equal(state(ONE), 'Pending');
    await slots.stop();
  });
}

test('a Lease whose creation was not answered is found and given back, although it is not wanted any more', async () => {
  const { slots, until, held, breakNext, slept, problems } = setUp();
  breakNext('create', 'applied');
  slots.obey('Want', NODE, [ONE]);
  await until('the problem', () => problems.length === 1 && slept.length === 1);
  assert.deepEqual(held(), ['one']);
  slots.obey('None', NODE, [ONE]);
  await until('the Lease to go', () => held().length === 0);
  await slots.stop();
});

test('a Lease of an earlier life that comes to be after the first look is given back', async () => {
  const { slots, until, held, leases, slept, wakeUp } = setUp([], 20);
  slots.obey('None', NODE, [ONE]);
  await until('the wait', () => slept.length === 1);
  const late = lease('one', NODE.name, 5);
  leases.set(late.name, late);
  await until('the Lease to go', () => {
    wakeUp();
    return held().length === 0;
  });
  await slots.stop();
});

test('nothing rests on a Lease whose deletion was not answered: it is deleted again, and another is made', async () => {
  const { slots, state, until, leases, breakNext, slept, problems } = setUp();
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  const first = leases.get('nsc-one-node-1')?.uid;
  breakNext('remove', 'lost');
  slots.obey('None', NODE, [ONE]);
  await until('the problem', () => problems.length === 1 && slept.length > 0);
  assert.equal(leases.get('nsc-one-node-1')?.uid, first);
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  assert.notEqual(leases.get('nsc-one-node-1')?.uid, first);
  await slots.stop();
});

test('who waits is woken by a slot that is given back by a node that was cordoned when it was denied', async () => {
  const other = lease('one', 'node-2', 5);
  const { slots, state, until, leases, wakeUp, slept, seeLeases, cordoned } = setUp([other]);
  cordoned.push({ name: 'node-2', labels: {} });
  slots.obey('Want', NODE, [ONE]);
  await until('the denial', () => state(ONE) === 'Denied' && slept.length === 1);
  leases.delete(other.name);
  cordoned.length = 0;
  seeLeases();
  await until('the spread', () => slept.length === 2);
  wakeUp();
  await until('the grant', () => state(ONE) === 'Granted');
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

for (const hours of [-1, 1]) {
  test(`a clock that is ${hours} h off changes nothing`, async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + hours * 3_600_000 });
    const now = new Date(Date.now() - hours * 3_600_000).toISOString();
    const other = lease('one', 'node-2', 5, { createdAt: now });
    const { slots, state, until, leases, wakeUp, slept, held } = setUp([other]);
    slots.obey('Want', NODE, [ONE]);
    await until('the denial', () => state(ONE) === 'Denied' && slept.length === 1);
    assert.ok((slept[0] ?? 0) <= 1_000);
    leases.delete(other.name);
    wakeUp();
    await until('the grant', () => state(ONE) === 'Granted');
    slots.obey('None', NODE, [ONE]);
    await until('the slot to be given back', () => held().length === 0);
    await slots.stop();
  });
}

for (const call of ['list', 'cordoned', 'create'] as const) {
  test(`while the API server does not answer nothing is granted, and it is asked again: ${call}`, async () => {
    const { slots, state, until, problems, slept, wakeUp, breakNext } = setUp();
    breakNext(call, 'lost');
    slots.obey('Want', NODE, [ONE]);
    await until('the problem', () => problems.length === 1 && slept.length === 1);
    assert.equal(state(ONE), 'Pending');
    wakeUp();
    await until('the grant', () => state(ONE) === 'Granted');
    await slots.stop();
  });
}

test('when the Node is gone its slots are given back', async () => {
  const { slots, state, until, held } = setUp();
  slots.obey('Want', NODE, [ONE]);
  await until('the grant', () => state(ONE) === 'Granted');
  slots.obey('None', null, []);
  await until('the slot to be given back', () => held().length === 0);
  await slots.stop();
});
