import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/ports.ts';

/** A 409 means that somebody else wrote first; so many in a row are no coincidence and wait like any other failure. */
const MAX_CONFLICTS = 5;
/** Whatever happens, so many writes go out at once and one for each of these milliseconds after that. */
const BURST = 20;
const REFILL_MS = 1_000;

export type WriteLoopOptions<Order extends { readonly key: string }> = {
  readonly clock: Clock;
  /** What is to be written now; null: nothing. */
  order(): Order | null;
  /** Has what is known of the Node renewed, where the write needs that; the order is asked for again after it. */
  prepare(): Promise<void>;
  /** Makes the write, and has its answer known. */
  write(order: Order): Promise<void>;
  /** Something did not succeed and will be tried again. */
  onProblem(error: unknown): void;
  isConflict(error: unknown): boolean;
  /** It has nothing left to write, or waits before it tries again. */
  onRest?(): void;
  readonly retry: { readonly baseMs: number; readonly maxMs: number };
};

export type WriteLoop = {
  /** The order may be another one. Returns at once; news ends a back-off. */
  look(): void;
  /** Whether it makes a write, or is about to. */
  isAtWork(): boolean;
  /** Nothing is begun after this call; settles when the write under way has ended. */
  stop(): Promise<void>;
};

/** Makes one write after the other until nothing is left to write, and after a failure again with back-off. */
export function createWriteLoop<Order extends { readonly key: string }>(options: WriteLoopOptions<Order>): WriteLoop {
  const { clock, order, retry } = options;
  const stopping = new AbortController();
  let working = false;
  let worked: Promise<void> = Promise.resolve();
  /** Ends a back-off; and for which order that goes on. */
  let wake: (() => void) | null = null;
  let waitsFor: string | null = null;
  let failures = 0;
  let conflicts = 0;
  let spentUntilMs = 0;

  async function work(): Promise<void> {
    try {
      while (!stopping.signal.aborted) {
        const wanted = order();
        if (wanted === null) {
          failures = 0;
          return;
        }
        const waitMs = await attempt(wanted.key);
        if (waitMs > 0) await backOff(waitMs);
      }
    } catch (error) {
      options.onProblem(error);
      await clock.sleep(retry.maxMs, stopping.signal);
    } finally {
      // In the same turn as the last look at the order, or one that comes in between would be overlooked.
      working = false;
      options.onRest?.();
    }
  }

  /** @returns how long to wait before the next one, in milliseconds */
  async function attempt(key: string): Promise<number> {
    const paceMs = untilTurnMs();
    if (paceMs > 0) return paceMs;
    try {
      await options.prepare();
      const wanted = order();
      if (wanted === null || stopping.signal.aborted) return 0;
      spentUntilMs = Math.max(spentUntilMs, clock.nowMs()) + REFILL_MS;
      await options.write(wanted);
      conflicts = 0;
      if (order()?.key !== wanted.key) {
        failures = 0;
        return 0;
      }
      options.onProblem(new Error('the API server took a write to the Node and did not keep what it says'));
    } catch (error) {
      if (options.isConflict(error) && ++conflicts < MAX_CONFLICTS) return 0;
      conflicts = 0;
      options.onProblem(error);
    }
    // What was heard meanwhile may have made another order of it.
    return order()?.key === key ? backoffMs(failures++, retry, clock.random()) : retry.baseMs;
  }

  /** How long to wait for a write: `spentUntilMs` is a bucket of tokens, as the time by which it will be full again. */
  function untilTurnMs(): number {
    return Math.max(0, spentUntilMs + REFILL_MS - BURST * REFILL_MS - clock.nowMs());
  }

  async function backOff(ms: number): Promise<void> {
    const waking = new AbortController();
    wake = () => waking.abort();
    waitsFor = order()?.key ?? null;
    options.onRest?.();
    if (!stopping.signal.aborted) await clock.sleep(ms, waking.signal);
    wake = null;
  }

  return {
    look() {
      if (stopping.signal.aborted) return;
      if (wake !== null && (order()?.key ?? null) !== waitsFor) wake();
      if (working || order() === null) return;
      working = true;
      worked = work().catch(options.onProblem);
    },
    isAtWork: () => wake === null && (working || order() !== null),
    stop() {
      stopping.abort();
      wake?.();
      return worked;
    },
  };
}
