import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';

export type RetryLoop = {
  /** Has a turn made. Returns at once; false when one is under way, after which another one is made. */
  poke(): boolean;
  /** No turn begins after this call; settles when the one under way has ended. */
  stop(): Promise<void>;
};

/**
 * Makes one turn at a time, whenever it is poked, and again with back-off as long as a turn says that it must be.
 *
 * @param turn returns false when it must be tried again later
 */
export function createRetryLoop(
  turn: (stopping: AbortSignal) => Promise<boolean>,
  retry: { readonly baseMs: number; readonly maxMs: number },
): RetryLoop {
  const stopping = new AbortController();
  let dirty = false;
  let working = false;
  let worked: Promise<void> = Promise.resolve();
  let failures = 0;

  async function work(): Promise<void> {
    while (dirty && !stopping.signal.aborted) {
      dirty = false;
      if (await turn(stopping.signal)) {
        failures = 0;
        continue;
      }
      dirty = true;
      await sleep(backoffMs(failures++, retry, Math.random()), undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    poke() {
      dirty = true;
      if (stopping.signal.aborted) return true;
      if (working) return false;
      working = true;
      worked = work().finally(() => {
        working = false;
      });
      return true;
    },
    stop() {
      stopping.abort();
      return worked;
    },
  };
}
