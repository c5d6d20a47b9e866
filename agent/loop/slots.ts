import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import {
  askForSlot,
  type BudgetView,
  budgetSelects,
  isPercentage,
  type LabelledNode,
  type SlotDenial,
  type SlotLease,
  type SlotState,
  stopsEverything,
} from '../core/slot.ts';

/** After a denial, or an error. */
const RETRY = { baseMs: 1_000, maxMs: 30_000 };
/** When a slot is seen to be free, those who wait for it do not all come at once. */
const WAKE_SPREAD_MS = 1_000;
/** A Lease that was deleted by hand is made anew within this time, as long as its node is disrupted. */
const KEEP_CHECK = { baseMs: 30_000, maxMs: 30_000 };
/** How old a count of nodes may be when it only tells whether asking is worth the while. */
const COUNT_AGE_MS = 300_000;
/** A node that is still disrupted when its slot should be given back is looked at again after this time. */
const STILL_DISRUPTED_MS = 5_000;

/** What the node needs slots for. */
export type SlotNeed =
  /** It is disrupted, so its slots stay, and those that are missing are taken without asking. */
  | 'Keep'
  /** It should be disrupted as soon as every budget has granted. */
  | 'Want'
  | 'None';

export type SlotNode = LabelledNode & { readonly uid: string };

export type SlotsOptions = {
  readonly api: {
    list(budget?: string): Promise<readonly SlotLease[]>;
    read(name: string): Promise<SlotLease | null>;
    create(budget: NodeDisruptionBudget, holder: SlotNode): Promise<SlotLease>;
    nameOf(budget: string, node: string): string;
    remove(lease: SlotLease): Promise<void>;
    listCordoned(): Promise<readonly LabelledNode[]>;
    listSelected(budget: NodeDisruptionBudget): Promise<readonly LabelledNode[]>;
    watch(budget: string, onLeases: (leases: readonly SlotLease[]) => void, signal: AbortSignal): Promise<void>;
    isConflict(error: unknown): boolean;
  };
  /** Whether anything of ours disrupts the node right now, as the API server has it. */
  stillDisrupted(): Promise<boolean>;
  /** The answer of `state` may have changed. */
  onChange(): void;
  /** A budget said no; once for each time that it begins to. */
  onDenied(budget: string, answer: SlotDenial): void;
  /** How many slots are held, and which budget denies one, after each change. */
  onHeld(held: readonly string[], denying: string | null): void;
  onProblem(error: unknown): void;
  /** Settles after `ms`, or at once on the signal; never rejects. Default: the clock. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
};

export type Slots = {
  state(node: SlotNode, budgets: readonly NodeDisruptionBudget[]): SlotState;
  /** Takes what is needed from now on; returns at once. `node` is null when there is none any more. */
  obey(need: SlotNeed, node: SlotNode | null, budgets: readonly NodeDisruptionBudget[]): void;
  /** A write may still land although nobody knows; no slot is given back before that time is over. */
  keepFor(ms: number): void;
  stop(): Promise<void>;
};

type Target = { need: SlotNeed; node: SlotNode; budgets: readonly NodeDisruptionBudget[]; key: string };
type Slot = {
  lease: SlotLease;
  granted: boolean /** Found after a restart, or granted: an effect may rest on it. */;
  mayBeUsed: boolean;
};
type Denial = {
  budget: NodeDisruptionBudget;
  answer: SlotDenial;
  view: BudgetView | null;
};

/**
 * Acquires, keeps and gives back the Leases that let this node be disrupted: one for each budget that selects it.
 *
 * One worker brings the Leases to what is needed, level-triggered as the reconciler: whatever was lost, done by hand or
 * by an earlier life of the agent is found by looking. A slot is given back only after a fresh look at the Node.
 */
export function createSlots(options: SlotsOptions): Slots {
  const { api, sleep = sleepByClock } = options;
  const stopping = new AbortController();
  let target: Target | null = null;
  let slots = new Map<string, Slot>();
  /** Of the Node whose Leases were looked up; null before that. */
  let knownUid: string | null = null;
  let denial: (Denial & { key: string }) | null = null;
  let notBeforeMs = 0;
  let attempt = 0;
  let wake = () => {};
  let worked: Promise<void> | null = null;
  let watching: { budget: string; abort: AbortController; done: Promise<void> } | null = null;
  /** The watch saw room, and the worker will be woken in a moment. */
  let isWaking = false;
  const counts = new Map<string, { nodes: readonly LabelledNode[]; atMs: number; selector: string }>();

  async function work(): Promise<void> {
    while (!stopping.signal.aborted && target !== null) {
      const current: Target = target;
      let waitMs: number;
      try {
        waitMs = await turn(current);
        if (denial === null) attempt = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        options.onProblem(error);
        waitMs = backoffMs(attempt++, RETRY, Math.random());
      }
      watchForRoom();
      options.onHeld([...slots.keys()], denial?.budget.metadata.name ?? null);
      if (target.key === current.key) await pause(waitMs);
    }
  }

  /** @returns how long nothing has to be done unless something changes, in milliseconds */
  async function turn({ need, node, budgets, key }: Target): Promise<number> {
    await lookUpOwn(node);
    const matching = budgets.filter((budget) => budgetSelects(budget, node)).sort(byName);
    const names = new Set(matching.map(({ metadata }) => metadata.name));
    // A budget that is gone, or does not select the node any more, limits nothing.
    for (const name of [...slots.keys()]) if (!names.has(name)) await remove(name);
    if (need !== 'Want') denial = null;
    if (need === 'None') return giveBackAll();
    if (need === 'Keep') return keep(matching, node);
    return acquire(matching, node, key);
  }

  async function lookUpOwn(node: SlotNode): Promise<void> {
    if (knownUid === node.uid) return;
    const found = new Map<string, Slot>();
    for (const lease of await api.list()) {
      if (lease.holder !== node.name) continue;
      // Of an earlier Node of this name; the garbage collector would remove it, too.
      if (lease.ownerUid !== node.uid) await api.remove(lease);
      else found.set(lease.budget, { lease, granted: false, mayBeUsed: true });
    }
    slots = found;
    knownUid = node.uid;
  }

  async function acquire(budgets: readonly NodeDisruptionBudget[], node: SlotNode, key: string): Promise<number> {
    const denied = await firstDenial(budgets, node);
    if (denied === null) {
      denial = null;
      options.onChange();
      return Number.POSITIVE_INFINITY;
    }
    const isNew =
      denial?.budget.metadata.name !== denied.budget.metadata.name || denial.answer.kind !== denied.answer.kind;
    denial = { ...denied, key };
    if (isNew) options.onDenied(denied.budget.metadata.name, denied.answer);
    options.onChange();
    const giveBackMs = await giveBackAll();
    if (slots.size > 0) return giveBackMs;
    // Only another policy file can change that.
    if (stopsEverything(denied.budget)) return Number.POSITIVE_INFINITY;
    return backoffMs(attempt++, RETRY, Math.random());
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
    if (!slots.has(name)) {
      // Looking first keeps those who wait for a slot from making Leases, each of which the others would see.
      const view = await look(budget, COUNT_AGE_MS);
      const answer = askForSlot(budget, node, null, view);
      if (answer.kind !== 'Granted') return { budget, answer, view };
      const foreign = await create(budget, node);
      if (foreign !== null) return { budget, answer: { kind: 'Uncountable', problem: foreign }, view };
    }
    const view = await look(budget, 0);
    const slot = slots.get(name);
    const listed = view.leases.find(({ uid }) => uid === slot?.lease.uid);
    if (slot === undefined || listed === undefined) {
      slots.delete(name);
      return { budget, answer: { kind: 'Uncountable', problem: 'its Lease was deleted meanwhile' }, view };
    }
    slot.lease = listed;
    const answer = askForSlot(budget, node, listed, view);
    if (answer.kind !== 'Granted') return { budget, answer, view };
    slot.granted = true;
    slot.mayBeUsed = true;
    return null;
  }

  /** The Leases first: a node that is cordoned in between is seen by its cordon. */
  async function look(budget: NodeDisruptionBudget, countAgeMs: number): Promise<BudgetView> {
    const leases = await api.list(budget.metadata.name);
    const cordoned = await api.listCordoned();
    const selected = isPercentage(budget) ? await countSelected(budget, countAgeMs) : null;
    return { leases, cordoned, selected };
  }

  async function countSelected(budget: NodeDisruptionBudget, maxAgeMs: number): Promise<readonly LabelledNode[]> {
    const { name } = budget.metadata;
    const selector = JSON.stringify(budget.spec.nodeSelector);
    const known = counts.get(name);
    if (known?.selector === selector && performance.now() - known.atMs < maxAgeMs) return known.nodes;
    const nodes = await api.listSelected(budget);
    counts.set(name, { nodes, atMs: performance.now(), selector });
    return nodes;
  }

  /** @returns null when the Lease is ours now, else why it cannot be */
  async function create(budget: NodeDisruptionBudget, node: SlotNode): Promise<string | null> {
    const { name } = budget.metadata;
    try {
      slots.set(name, { lease: await api.create(budget, node), granted: false, mayBeUsed: false });
      return null;
    } catch (error) {
      if (!api.isConflict(error)) throw error;
    }
    const found = await api.read(api.nameOf(name, node.name));
    if (found === null) return 'its Lease was deleted meanwhile';
    if (found.holder !== node.name || found.budget !== name) {
      return `the Lease ${found.name} must be held by ${node.name} under budget ${name}, found ${JSON.stringify(found.holder)} under ${JSON.stringify(found.budget)}; delete it if nobody needs it`;
    }
    if (found.ownerUid !== node.uid) {
      await api.remove(found);
      return 'its Lease was of an earlier Node of that name';
    }
    // Ours, by a call whose answer was lost.
    slots.set(name, { lease: found, granted: false, mayBeUsed: true });
    return null;
  }

  /** The node is disrupted, whatever a budget says now: its slots have to show it. */
  async function keep(budgets: readonly NodeDisruptionBudget[], node: SlotNode): Promise<number> {
    let changed = false;
    for (const budget of budgets) {
      const { name } = budget.metadata;
      const slot = slots.get(name);
      if (slot?.granted && (await api.read(slot.lease.name))?.uid === slot.lease.uid) continue;
      if (slot === undefined || slot.granted) {
        slots.delete(name);
        const problem = await create(budget, node);
        if (problem !== null) {
          options.onProblem(
            new Error(`could not take a slot of budget ${name} for what is done to the node: ${problem}`),
          );
          continue;
        }
      }
      const taken = slots.get(name);
      if (taken) Object.assign(taken, { granted: true, mayBeUsed: true });
      changed = true;
    }
    if (changed) options.onChange();
    return budgets.length === 0 ? Number.POSITIVE_INFINITY : backoffMs(0, KEEP_CHECK, Math.random());
  }

  async function giveBackAll(): Promise<number> {
    if (slots.size === 0) return Number.POSITIVE_INFINITY;
    if ([...slots.values()].some(({ mayBeUsed }) => mayBeUsed)) {
      const leftMs = notBeforeMs - performance.now();
      if (leftMs > 0) return leftMs;
      if (await options.stillDisrupted()) return STILL_DISRUPTED_MS;
    }
    for (const name of [...slots.keys()]) await remove(name);
    return Number.POSITIVE_INFINITY;
  }

  async function remove(name: string): Promise<void> {
    const slot = slots.get(name);
    if (slot === undefined) return;
    // Not granted from here on, whether the call succeeds or has to be made again.
    slot.granted = false;
    await api.remove(slot.lease);
    slots.delete(name);
  }

  /** Ends after `ms`, when the target changes, or when the budget that denied has room. */
  async function pause(ms: number): Promise<void> {
    if (ms === 0 || stopping.signal.aborted) return;
    const waking = new AbortController();
    wake = () => waking.abort();
    const { signal } = waking;
    if (Number.isFinite(ms)) await sleep(ms, signal);
    else await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    wake = () => {};
  }

  /** One watch for as long as the same budget is full, however often it is asked meanwhile. */
  function watchForRoom(): void {
    const budget = denial?.answer.kind === 'Full' && denial.view !== null ? denial.budget.metadata.name : null;
    if (budget === (watching?.budget ?? null)) return;
    watching?.abort.abort();
    watching = null;
    if (budget === null || stopping.signal.aborted) return;
    const abort = new AbortController();
    const { signal } = abort;
    watching = { budget, abort, done: api.watch(budget, (leases) => onLeases(leases, signal), signal) };
  }

  function onLeases(leases: readonly SlotLease[], signal: AbortSignal): void {
    if (denial === null || denial.view === null || target === null || isWaking) return;
    if (askForSlot(denial.budget, target.node, null, { ...denial.view, leases }).kind !== 'Granted') return;
    isWaking = true;
    void sleep(Math.random() * WAKE_SPREAD_MS, signal).then(() => {
      isWaking = false;
      wake();
    });
  }

  return {
    state(node, budgets) {
      const matching = budgets.filter((budget) => budgetSelects(budget, node));
      if (matching.length === 0) return 'Granted';
      if (matching.some(stopsEverything)) return 'Denied';
      const isGranted = ({ metadata }: NodeDisruptionBudget) => slots.get(metadata.name)?.granted === true;
      if (knownUid === node.uid && matching.every(isGranted)) return 'Granted';
      return denial !== null && denial.key === target?.key ? 'Denied' : 'Pending';
    },
    obey(need, node, budgets) {
      if (node === null) {
        if (target !== null) this.obey('None', target.node, []);
        return;
      }
      const key = JSON.stringify([need, node.uid, node.labels, budgets]);
      if (key === target?.key) return;
      target = { need, node, budgets, key };
      attempt = 0;
      wake();
      worked ??= work();
    },
    keepFor(ms) {
      notBeforeMs = performance.now() + ms;
    },
    async stop() {
      stopping.abort();
      wake();
      watching?.abort.abort();
      await worked;
      await watching?.done;
    },
  };
}

async function sleepByClock(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

function byName(a: NodeDisruptionBudget, b: NodeDisruptionBudget): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
