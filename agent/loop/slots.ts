import { backoffMs } from '../core/backoff.ts';
import type { SlotsOrder } from '../core/orders/orders.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { Clock, SlotApi } from '../core/ports.ts';
import {
  askForSlot,
  type BudgetView,
  budgetSelects,
  type SlotDenial,
  type SlotNode,
  type SlotsAnswer,
  stopsEverything,
} from '../core/slot.ts';
import { createBudgetReader } from './budget-reader.ts';
import { createOwnSlots } from './own-slots.ts';
import { createRoomWatch, type FullBudget } from './room-watch.ts';

/** After a denial, or an error. */
const RETRY = { baseMs: 1_000, maxMs: 30_000 };
/** After a refusal to an agent without a budget: a server that has just started refuses everybody for a moment. */
const REFUSED = { baseMs: 1_000, maxMs: 600_000 };
/** A Lease that was deleted by hand is made anew within this time, as long as its node is disrupted. */
const KEEP_CHECK = { baseMs: 30_000, maxMs: 30_000 };
/** How old a count of nodes may be when it only tells whether asking is worth the while. */
const COUNT_AGE_MS = 300_000;
/** How long what was sent may still land when its answer is lost: the API server's own limit (--request-timeout). */
const MAY_LAND_MS = 60_000;
/** The same for what an earlier life has sent: its connections ended with it, so this is what a network may hold back. */
const EARLIER_LIFE_MS = 10_000;
/** A node that is still disrupted when its slot should be given back is looked at again after this time. */
const STILL_DISRUPTED_MS = 5_000;

export type SlotsOptions = {
  readonly api: SlotApi;
  readonly clock: Clock;
  /** Whether anything of ours disrupts the node right now, as the API server has it. */
  stillDisrupted(): Promise<boolean>;
  /** What was found out, each time that it is something else. */
  onAnswer(answer: SlotsAnswer): void;
  onProblem(error: unknown): void;
  /** How long a request without an answer may still land, in milliseconds; default 60,000. */
  readonly mayLandMs?: number | undefined;
};

export type Slots = {
  /** Takes, keeps or gives back what is needed from now on; returns at once. */
  obey(order: SlotsOrder): void;
  /** A write to the Node begins. While it may land, no slot is given back. */
  writeBegins(): void;
  /** It landed, guarded by the Node's version, so none that was begun before it can any more. */
  writeLanded(): void;
  stop(): Promise<void>;
};

const OVERTAKEN = new Error('another order came');

type Target = SlotsOrder & { readonly key: string };
type Denial = {
  budget: NodeDisruptionBudget;
  answer: SlotDenial;
  view: BudgetView | null;
};

/**
 * Acquires, keeps and gives back the Leases that let this node be disrupted: one for each budget that selects it.
 *
 * One worker brings the Leases to what is needed, level-triggered as the step: whatever was lost, done by hand or
 * by an earlier life of the agent is found by looking. A slot is given back only after a fresh look at the Node.
 */
export function createSlots(options: SlotsOptions): Slots {
  const { api, clock, mayLandMs = MAY_LAND_MS } = options;
  const earlierLifeMs = Math.min(mayLandMs, EARLIER_LIFE_MS);
  const stopping = new AbortController();
  let target: Target | null = null;
  /** Of the target that the turn under way is about. */
  let turnKey = '';
  const own = createOwnSlots(api, clock, mayLandMs, earlierLifeMs);
  const look = createBudgetReader(api, clock);
  const slots = own.byBudget;
  let denial: Denial | null = null;
  /** As text, to say each answer once. */
  let answered = '';
  let notBeforeMs = 0;
  /** In a row: times that a budget said no, and times that the API server did not answer. */
  let denials = 0;
  let failures = 0;
  let refusals = 0;
  /** A write that is under way is all that keeps the slots. */
  let waitsForWrite = false;
  let wake = () => {};
  let worked: Promise<void> | null = null;
  const { onProblem } = options;
  const roomWatch = createRoomWatch({ watch: api.watch, clock, onRoom: () => wake(), onProblem });

  async function work(): Promise<void> {
    while (!stopping.signal.aborted && target !== null) {
      const current: Target = target;
      turnKey = current.key;
      let waitMs: number;
      try {
        waitMs = await turn(current);
        if (waitsForWrite && notBeforeMs === 0) waitMs = 0;
        failures = 0;
        if (denial === null) denials = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (error === OVERTAKEN) continue;
        onProblem(error);
        waitMs = backoffMs(failures++, RETRY, clock.random());
      }
      try {
        if (!stopping.signal.aborted) roomWatch.follow(fullBudget(current.node));
        answer(current.node);
      } catch (error) {
        onProblem(error);
      }
      if (target.key === current.key) await pause(waitMs);
    }
  }

  /** @returns how long nothing has to be done unless something changes, in milliseconds */
  async function turn({ need, node, budgets }: Target): Promise<number> {
    waitsForWrite = false;
    if (need === 'Leave') {
      denial = null;
      own.forgetAll();
      return Number.POSITIVE_INFINITY;
    }
    // An earlier life may have sent a write to the Node that rests on what it left. Who wants a slot finds a Lease that
    // came late by creating it.
    const matching = budgets.filter((budget) => budgetSelects(budget, node)).sort(byName);
    const looks = need === 'None' || !own.isKnown(node);
    try {
      if (looks && (await own.lookUp(node, budgets))) notBeforeMs = clock.nowMs() + earlierLifeMs;
      refusals = 0;
    } catch (error) {
      // Who has no budget needs no right to read Leases.
      if (budgets.length > 0 || !api.isForbidden(error)) throw error;
      return backoffMs(refusals++, REFUSED, clock.random());
    }
    const names = new Set(matching.map(({ metadata }) => metadata.name));
    // A budget that is gone, or does not select the node any more, limits nothing.
    for (const name of [...slots.keys()]) {
      if (names.has(name)) continue;
      assertWanted();
      await own.remove(name);
    }
    if (need !== 'Want') denial = null;
    if (need === 'None') {
      const waitMs = await giveBackAll(node);
      return Math.min(waitMs, Math.max(0, own.lookAgainAtMs() - clock.nowMs()));
    }
    if (need === 'Keep') return keep(matching, node);
    return acquire(matching, node);
  }

  async function acquire(budgets: readonly NodeDisruptionBudget[], node: SlotNode): Promise<number> {
    const unusableMs = Math.max(...[...slots.values()].map(({ usableAtMs }) => usableAtMs - clock.nowMs()));
    if (unusableMs > 0) return unusableMs;
    if (budgets.some((budget) => own.isMisplaced(budget, node))) {
      // What was granted elsewhere says nothing of how full it is here.
      const waitMs = await giveBackAll(node);
      if (slots.size > 0) return waitMs;
    }
    const denied = await firstDenial(budgets, node);
    if (denied === null) {
      denial = null;
      answer(node);
      return Number.POSITIVE_INFINITY;
    }
    denial = denied;
    answer(node);
    const giveBackMs = await giveBackAll(node);
    if (slots.size > 0) return giveBackMs;
    // Only another policy file can change that.
    if (stopsEverything(denied.budget)) return Number.POSITIVE_INFINITY;
    return backoffMs(denials++, RETRY, clock.random());
  }

  async function firstDenial(budgets: readonly NodeDisruptionBudget[], node: SlotNode): Promise<Denial | null> {
    const stopped = budgets.find(stopsEverything);
    if (stopped) return { budget: stopped, answer: { kind: 'Full', used: 0, limit: 0 }, view: null };
    for (const budget of budgets) {
      const denied = await ask(budget, node);
      if (denied !== null) return denied;
    }
    return null;
  }

  async function ask(budget: NodeDisruptionBudget, node: SlotNode): Promise<Denial | null> {
    const { name } = budget.metadata;
    if (slots.get(name)?.granted) return null;
    if (slots.get(name)?.doomed) await own.remove(name);
    if (!slots.has(name)) {
      // Looking first keeps those who wait for a slot from making Leases, each of which the others would see.
      const view = await look(budget, COUNT_AGE_MS);
      const answer = askForSlot(budget, node, null, view);
      if (answer.kind !== 'Granted') return { budget, answer, view };
      assertWanted();
      const foreign = await own.create(budget, node);
      if (foreign !== null) return { budget, answer: { kind: 'Uncountable', problem: foreign }, view };
    }
    const view = await look(budget, 0);
    const slot = slots.get(name);
    const listed = view.leases.find(({ uid }) => uid === slot?.lease.uid);
    if (slot === undefined || listed === undefined) {
      own.forget(name);
      return { budget, answer: { kind: 'Uncountable', problem: 'its Lease was deleted meanwhile' }, view };
    }
    slot.lease = listed;
    const answer = askForSlot(budget, node, listed, view);
    if (answer.kind !== 'Granted') return { budget, answer, view };
    slot.granted = true;
    slot.mayBeUsed = true;
    return null;
  }

  /** A turn takes several requests. Another order ends it before the next one that writes: perhaps another agent acts by now. */
  function assertWanted(): void {
    if (stopping.signal.aborted || target?.key !== turnKey) throw OVERTAKEN;
  }

  /** The node is disrupted, whatever a budget says now: its slots have to show it. */
  async function keep(budgets: readonly NodeDisruptionBudget[], node: SlotNode): Promise<number> {
    let changed = false;
    for (const budget of budgets) {
      const { name } = budget.metadata;
      const slot = slots.get(name);
      if (slot?.granted && (await own.isAsCreated(budget, node))) continue;
      if (slot === undefined || slot.granted) {
        own.forget(name);
        assertWanted();
        const problem = await own.create(budget, node);
        if (problem !== null) {
          onProblem(new Error(`could not take a slot of budget ${name} for what is done to the node: ${problem}`));
          continue;
        }
      }
      const taken = slots.get(name);
      if (taken) Object.assign(taken, { granted: true, mayBeUsed: true });
      changed = true;
    }
    if (changed) answer(node);
    return budgets.length === 0 ? Number.POSITIVE_INFINITY : backoffMs(0, KEEP_CHECK, clock.random());
  }

  function answer({ uid }: SlotNode): void {
    const next: SlotsAnswer = {
      nodeUid: own.isKnown({ uid }) || denial !== null ? uid : null,
      held: [...slots.keys()],
      granted: [...slots].filter(([, slot]) => slot.granted).map(([name]) => name),
      denial: denial && { budget: denial.budget.metadata.name, answer: denial.answer },
    };
    const text = JSON.stringify(next);
    if (text === answered || stopping.signal.aborted) return;
    answered = text;
    options.onAnswer(next);
  }

  async function giveBackAll(node: SlotNode): Promise<number> {
    if (slots.size === 0) return Number.POSITIVE_INFINITY;
    // Nothing may begin any more that would rest on them, or it could land after the look at the node.
    for (const slot of slots.values()) slot.granted = false;
    answer(node);
    if ([...slots.values()].some(({ mayBeUsed }) => mayBeUsed)) {
      const leftMs = notBeforeMs - clock.nowMs();
      waitsForWrite = leftMs > 0;
      if (waitsForWrite) return leftMs;
      if (await options.stillDisrupted()) return STILL_DISRUPTED_MS;
    }
    for (const name of [...slots.keys()]) {
      assertWanted();
      await own.remove(name);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Ends after `ms`, when the target changes, or when the budget that denied has room. */
  async function pause(ms: number): Promise<void> {
    if (ms === 0 || stopping.signal.aborted) return;
    const waking = new AbortController();
    wake = () => waking.abort();
    const { signal } = waking;
    if (Number.isFinite(ms)) await clock.sleep(ms, signal);
    else await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    wake = () => {};
  }

  /** What denies the node, where room can come from others. */
  function fullBudget(node: SlotNode): FullBudget | null {
    if (denial?.answer.kind !== 'Full' || denial.view === null) return null;
    return { budget: denial.budget, view: denial.view, node };
  }

  return {
    obey(order) {
      if (target !== null && isSameOrder(order, target)) return;
      const key = JSON.stringify([order.need, order.node.uid, order.node.labels, order.budgets]);
      if (key === target?.key) return;
      target = { ...order, key };
      denials = 0;
      failures = 0;
      wake();
      worked ??= work().catch((error) => {
        worked = null;
        onProblem(error);
      });
    },
    writeBegins() {
      notBeforeMs = clock.nowMs() + mayLandMs;
    },
    writeLanded() {
      notBeforeMs = 0;
      if (waitsForWrite) wake();
    },
    async stop() {
      stopping.abort();
      wake();
      await worked;
      await roomWatch.stop();
    },
  };
}

/** Whether it is made of the same parts; another one may still want the same. */
function isSameOrder(a: SlotsOrder, b: SlotsOrder): boolean {
  return a.need === b.need && a.budgets === b.budgets && a.node.uid === b.node.uid && a.node.labels === b.node.labels;
}

function byName(a: NodeDisruptionBudget, b: NodeDisruptionBudget): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
