import type { Drain } from '../policy.ts';

/** A drain that should be under way: one policy's. */
export type DrainOrder = {
  readonly policy: string;
  /** RFC 3339, by the API server's clock: when it was decided on, just before its cordon landed. */
  readonly since: string;
  /** When this agent saw its cordon land, on the clock of the steps; absent: that was before it began. */
  readonly landedMs?: number;
  /** An attempt before this one gave up: under GiveUp this one has a whole timeout of its own. */
  readonly isRetry: boolean;
  readonly rules: Drain;
};

/** How an attempt at a policy's drain ended. */
export type DrainEnd = {
  readonly policy: string;
  /** The order's: an end of another episode's drain means nothing. */
  readonly since: string;
  readonly state: 'Drained' | 'GaveUp';
  /** What kept it from ending well, a line each: which pods, why, what to change. */
  readonly problems: readonly string[];
};
