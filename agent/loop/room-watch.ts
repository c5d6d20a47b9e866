import { backoffMs } from '../core/backoff.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { Clock, SlotApi } from '../core/ports.ts';
import { askForSlot, type BudgetView, type SlotLease, type SlotNode } from '../core/slot.ts';

/** When a slot is seen to be free, those who wait for it do not all come at once. */
const WAKE_SPREAD_MS = 1_000;
/** A watch ends only by a defect of this program. */
const RETRY = { baseMs: 1_000, maxMs: 30_000 };

/** A budget that is full, as it was seen by a node that waits for a slot of it. */
export type FullBudget = {
  readonly budget: NodeDisruptionBudget;
  readonly view: BudgetView;
  readonly node: SlotNode;
};

export type RoomWatchOptions = {
  readonly watch: SlotApi['watch'];
  readonly clock: Clock;
  onRoom(): void;
  onProblem(error: unknown): void;
};

/**
 * Tells when a full budget seems to have room again: one watch for as long as the same budget is full, however often it is
 * asked meanwhile.
 */
export function createRoomWatch({ watch, clock, onRoom, onProblem }: RoomWatchOptions) {
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
    clock
      .sleep(clock.random() * WAKE_SPREAD_MS, signal)
      .then(() => {
        isTelling = false;
        onRoom();
      })
      .catch(onProblem);
  }

  /** Until the signal: what is wrong in looking at the Leases is told, and ends no watch. */
  async function watchLeases(budget: string, signal: AbortSignal): Promise<void> {
    const tell = (leases: readonly SlotLease[]) => {
      try {
        onLeases(leases, signal);
      } catch (error) {
        onProblem(error);
      }
    };
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await watch(budget, tell, signal);
      } catch (error) {
        onProblem(error);
        await clock.sleep(backoffMs(attempt, RETRY, clock.random()), signal);
      }
    }
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
      watching = { budget, abort, done: watchLeases(budget, signal) };
    },
    async stop(): Promise<void> {
      watching?.abort.abort();
      await watching?.done;
    },
  };
}
