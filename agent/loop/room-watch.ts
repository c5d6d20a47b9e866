import type { NodeDisruptionBudget } from '../core/policy.ts';
import { askForSlot, type BudgetView, type SlotLease, type SlotNode } from '../core/slot.ts';
import type { SlotApi } from './slot-ports.ts';

/** When a slot is seen to be free, those who wait for it do not all come at once. */
const WAKE_SPREAD_MS = 1_000;

/** A budget that is full, as it was seen by a node that waits for a slot of it. */
export type FullBudget = {
  readonly budget: NodeDisruptionBudget;
  readonly view: BudgetView;
  readonly node: SlotNode;
};

/**
 * Tells when a full budget seems to have room again: one watch for as long as the same budget is full, however often it is
 * asked meanwhile.
 *
 * @param sleep settles after the milliseconds, or at once on the signal; never rejects
 */
export function createRoomWatch(
  watch: SlotApi['watch'],
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  onRoom: () => void,
) {
  let full: FullBudget | null = null;
  let watching: { budget: string; abort: AbortController; done: Promise<void> } | null = null;
  /** There was room, and it will be told in a moment. */
  let isTelling = false;

  function onLeases(leases: readonly SlotLease[], signal: AbortSignal): void {
    if (full === null || isTelling) return;
    // A holder is uncordoned before its Lease goes, and no watch tells of cordons.
    const holders = new Set(full.view.leases.map(({ holder }) => holder));
    const cordoned = full.view.cordoned.filter(({ name }) => !holders.has(name));
    const view = { ...full.view, leases, cordoned };
    if (askForSlot(full.budget, full.node, null, view).kind !== 'Granted') return;
    isTelling = true;
    void sleep(Math.random() * WAKE_SPREAD_MS, signal).then(() => {
      isTelling = false;
      onRoom();
    });
  }

  return {
    /** Watches this one from now on; null: none. */
    follow(next: FullBudget | null): void {
      full = next;
      const budget = next?.budget.metadata.name ?? null;
      if (budget === (watching?.budget ?? null)) return;
      watching?.abort.abort();
      watching = null;
      if (budget === null) return;
      const abort = new AbortController();
      const { signal } = abort;
      watching = { budget, abort, done: watch(budget, (leases) => onLeases(leases, signal), signal) };
    },
    async stop(): Promise<void> {
      watching?.abort.abort();
      await watching?.done;
    },
  };
}
