import type { Clock } from '../agent/core/ports.ts';
import { seededRandom } from './random.ts';
import { TimerHeap } from './timer-heap.ts';

export interface VirtualClockOptions {
  /** Of everything random; 1 when absent. */
  readonly seed?: number;
  /** The wall clock at the beginning, in milliseconds since the epoch; 2026-01-01T00:00:00Z when absent. */
  readonly epochMs?: number;
  /** Timers of one moment fire in an order that the seed decides, not as they were set; false when absent. */
  readonly shuffle?: boolean;
  /** How many timers may fire without time going on, before a run fails: something asks without pause. 100,000 when absent. */
  readonly maxTimersAtOnce?: number;
}

const EPOCH_MS = Date.UTC(2026, 0, 1);
const MAX_TIMERS_AT_ONCE = 100_000;
/** After so many timers the event loop gets a turn, so that a long run can be interrupted. */
const TIMERS_PER_TURN = 10_000;

/**
 * A clock that stands still while anything runs, and jumps to the next timer when nothing does. What runs must wait for
 * nothing but this clock and promises: no sockets, no files, no ticks or timers of the runtime.
 */
export class VirtualClock implements Clock {
  readonly random: () => number;
  readonly #epochMs: number;
  readonly #maxTimersAtOnce: number;
  readonly #shuffle: (() => number) | null;
  readonly #timers = new TimerHeap();
  #nowMs = 0;
  #set = 0;
  #firedAtOnce = 0;

  constructor({ seed = 1, epochMs = EPOCH_MS, shuffle = false, maxTimersAtOnce }: VirtualClockOptions = {}) {
    this.random = seededRandom(seed);
    this.#epochMs = epochMs;
    // Of its own, so that the same seed draws the same numbers in either order.
    this.#shuffle = shuffle ? seededRandom(~seed) : null;
    this.#maxTimersAtOnce = maxTimersAtOnce ?? MAX_TIMERS_AT_ONCE;
  }

  // As functions of their own, so that whoever takes them from the clock may call them alone.
  readonly nowMs = (): number => this.#nowMs;

  readonly wallMs = (): number => this.#epochMs + Math.floor(this.#nowMs);

  readonly after = (ms: number, callback: () => void): (() => void) => {
    const rank = this.#shuffle === null ? this.#set++ : this.#shuffle();
    const timer = { atMs: this.#nowMs + Math.max(0, ms), rank, callback: callback as (() => void) | null };
    this.#timers.push(timer);
    return () => {
      timer.callback = null;
    };
  };

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = (): void => {
        cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.after(ms, end);
      signal?.addEventListener('abort', end, { once: true });
    });

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.count();
  }

  /**
   * Lives through all that happens up to and at a moment, which is the present one afterwards.
   *
   * @throws Error what a timer's callback throws; or that time does not go on
   */
  async run(untilMs: number): Promise<void> {
    await this.#live(untilMs, () => false);
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /**
   * Lives until a condition holds, which is looked at whenever nothing runs, and stops at that moment.
   *
   * @throws Error when it does not hold within `withinMs` (a virtual hour when absent); and as `run` does
   */
  async runUntil(condition: () => boolean, { what, withinMs = 3_600_000 }: RunUntilOptions): Promise<void> {
    if (await this.#live(this.#nowMs + withinMs, condition)) return;
    const why = this.#timers.peek() === undefined ? '; nothing is left that could bring it about' : '';
    throw new Error(`waited ${withinMs} virtual ms for ${what}${why}`);
  }

  /** Fires timers up to a moment, each after everything that the one before set off. @returns whether the condition holds */
  #live(untilMs: number, holds: () => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let fired = 0;
      const step = (): void => {
        try {
          const isOver = holds();
          const next = isOver ? undefined : this.#timers.peek();
          if (next === undefined || next.atMs > untilMs) {
            resolve(isOver);
            return;
          }
          this.#fire();
          fired += 1;
          if (fired % TIMERS_PER_TURN === 0) setImmediate(step);
          else whenQuiet(step);
        } catch (error) {
          reject(error);
        }
      };
      whenQuiet(step);
    });
  }

  #fire(): void {
    const timer = this.#timers.pop();
    if (timer === undefined) return;
    this.#firedAtOnce = timer.atMs > this.#nowMs ? 1 : this.#firedAtOnce + 1;
    if (this.#firedAtOnce > this.#maxTimersAtOnce) {
      throw new Error(`${this.#maxTimersAtOnce} timers fired at ${this.#nowMs} ms: something goes on without pause`);
    }
    this.#nowMs = timer.atMs;
    const { callback } = timer;
    timer.callback = null;
    callback?.();
  }
}

export interface RunUntilOptions {
  /** What is awaited, as it reads after "waited N virtual ms for ". */
  readonly what: string;
  readonly withinMs?: number;
}

/**
 * Calls back once all promises that can settle have settled. The queue of ticks is looked at when that of promises is
 * empty, and before the event loop goes on, which is five times cheaper than a turn of that loop.
 */
function whenQuiet(callback: () => void): void {
  queueMicrotask(() => process.nextTick(callback));
}
