import { backoffMs } from '../backoff.ts';
import type { DaemonSetLookup } from './eviction-choice.ts';

const RETRY = { baseMs: 1_000, maxMs: 30_000 };
/** A look-up refused so often holds up the end of a drain no longer: whoever lacks the right lacks it the next time. */
const MAX_REFUSALS = 3;

/** How far the look-up of one DaemonSet is. */
export type LookupProgress = {
  readonly attempts: number;
  readonly isInFlight: boolean;
  /** When the last try was sent. */
  readonly sentMs: number;
  /** The last answer; null before the first. */
  readonly lookup: DaemonSetLookup | null;
  /** When it may be tried again; means nothing once it succeeded. */
  readonly nextMs: number;
};

export const NOT_LOOKED_UP: LookupProgress = { attempts: 0, isInFlight: false, sentMs: 0, lookup: null, nextMs: 0 };

export function lookupSent(before: LookupProgress, nowMs: number): LookupProgress {
  return { ...before, attempts: before.attempts + 1, isInFlight: true, sentMs: nowMs };
}

/** @param random from 0 (inclusive) to 1 (exclusive) */
export function lookupAnswered(
  { attempts, sentMs }: LookupProgress,
  lookup: DaemonSetLookup,
  nowMs: number,
  random: number,
): LookupProgress {
  return { attempts, isInFlight: false, sentMs, lookup, nextMs: nowMs + backoffMs(attempts - 1, RETRY, random) };
}

/** Whether it is worth another try at some time: nobody knows yet whose pods these are. */
export function isUnresolved({ lookup }: LookupProgress): boolean {
  return lookup === null || lookup.kind === 'Unknown';
}

/** Whether its pods keep the node from counting as drained. */
export function holdsTheEnd(progress: LookupProgress): boolean {
  if (!isUnresolved(progress)) return false;
  const isRefusal = progress.lookup?.kind === 'Unknown' && progress.lookup.isRefusal === true;
  return !isRefusal || progress.attempts < MAX_REFUSALS;
}
