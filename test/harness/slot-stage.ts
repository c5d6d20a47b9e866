import type { SlotNeed } from '../../agent/core/orders/orders.ts';
import type { NodeDisruptionBudget } from '../../agent/core/policy.ts';
import {
  type BudgetDenial,
  type LabelledNode,
  NO_SLOTS_ANSWER,
  type SlotLease,
  type SlotsAnswer,
  slotStateOf,
  topologyOf,
} from '../../agent/core/slot.ts';
import { createSlots, type SlotsOptions } from '../../agent/loop/slots.ts';
import { VirtualClock } from '../../simulator/virtual-clock.ts';

/** One agent's slots in virtual time; the Leases are a map, and every call is noted. */

export const NODE = { name: 'node-1', uid: 'uid-1', labels: {} };

/** Of `of`, in the place in the queue that the version says. */
export function slotLease(of: string, holder: string, version: number, changed: Partial<SlotLease> = {}): SlotLease {
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

/** @param mayLandMs how long what was sent may still land; by default all is settled at once */
export function setUpSlots(existing: readonly SlotLease[] = [], mayLandMs = 0, clock = new VirtualClock()) {
  const leases = new Map(existing.map((each) => [each.name, each]));
  const calls: string[] = [];
  const denials: BudgetDenial[] = [];
  const problems: string[] = [];
  const disrupted = { now: false };
  const removal = { now: Promise.resolve() };
  const isForbidden = { now: false };
  let answered: SlotsAnswer = NO_SLOTS_ANSWER;
  let version = 1_000;
  let tellWatch: ((leases: readonly SlotLease[]) => void) | null = null;
  const cordoned: LabelledNode[] = [];
  let broken: { call: string; how: 'applied' | 'lost' } | null = null;
  let looking: { held: boolean; answered: Promise<void> } | null = null;
  const note = async <T>(call: string, answer: () => T): Promise<T> => {
    calls.push(call);
    const breaks = broken?.call === call ? broken.how : null;
    if (breaks !== null) broken = null;
    if (isForbidden.now) throw new Error('forbidden');
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
    isForbidden: (error) => error instanceof Error && error.message === 'forbidden',
    list: (of) => note('list', () => [...leases.values()].filter((each) => of === undefined || each.budget === of)),
    read: (name) => note('read', () => leases.get(name) ?? null),
    listCordoned: () => note('cordoned', () => [...cordoned]),
    listSelected: () => note('selected', () => [NODE, { name: 'node-2', labels: {} }]),
    create: (of, holder) =>
      note('create', () => {
        const { name, uid } = holder;
        const topology = topologyOf(of, holder);
        const created = slotLease(of.metadata.name, name, version++, { ownerUid: uid, topology });
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
    clock,
    stillDisrupted: () => note('node', () => disrupted.now),
    onAnswer(answer) {
      answered = answer;
      if (answer.denial !== null) denials.push(answer.denial);
    },
    onProblem: (error) => problems.push(String(error)),
    mayLandMs,
  });
  return {
    slots,
    clock,
    leases,
    calls,
    denials,
    problems,
    disrupted,
    /** A removal waits for this. */
    removal,
    cordoned,
    /** The right to make any call is missing. */
    isForbidden,
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
    /** What the watch of a denied agent says. */
    seeLeases: (seen: readonly SlotLease[] = [...leases.values()]) => tellWatch?.(seen),
    held: () => [...leases.values()].filter(({ holder }) => holder === NODE.name).map(({ budget }) => budget),
    /** @param labels of the node from now on */
    obey: (need: SlotNeed, budgets: readonly NodeDisruptionBudget[], labels: LabelledNode['labels'] = NODE.labels) =>
      slots.obey({ need, node: { ...NODE, labels }, budgets }),
    /** As the agent has heard of it. */
    state: (...budgets: NodeDisruptionBudget[]) => slotStateOf(NODE, budgets, answered).state,
    until: (what: string, condition: () => boolean) => clock.runUntil(condition, { what }),
    /** Time passes, and whatever it brings. */
    pass: (ms: number) => clock.run(clock.nowMs() + ms),
  };
}
