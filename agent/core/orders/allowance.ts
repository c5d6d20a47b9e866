/** A burst takes every pod of the largest node at once; after that so many requests a minute, whatever comes. */
export const ALLOWANCE = { burst: 600, perMinute: 600 };

/**
 * For deletions that are tried again, and what is read between: every pod of the largest node several times, as long as
 * an API server takes to start. The first of each pod needs none.
 */
export const DELETING_AGAIN = { burst: 2_000, perMinute: 600 };

/** For pods that come while the node is drained, whoever brings them: a few owners at once, and then no stream of them. */
export const NEWCOMERS = { burst: 60, perMinute: 30 };

type Size = { readonly burst: number; readonly perMinute: number };

/** Requests that may be sent: a bucket that fills as time goes by. */
export type Allowance = { readonly left: number; readonly atMs: number };

export function fullAllowance(nowMs: number, { burst }: Size = ALLOWANCE): Allowance {
  return { left: burst, atMs: nowMs };
}

export function refill({ left, atMs }: Allowance, nowMs: number, { burst, perMinute }: Size = ALLOWANCE): Allowance {
  const gained = ((nowMs - atMs) * perMinute) / 60_000;
  return { left: Math.min(burst, left + Math.max(0, gained)), atMs: nowMs };
}

/** When there will be one more. */
export function nextMs({ left, atMs }: Allowance, { perMinute }: Size = ALLOWANCE): number {
  return atMs + Math.ceil((Math.max(0, 1 - left) * 60_000) / perMinute);
}
