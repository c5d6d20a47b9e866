/** A burst takes every pod of the largest node at once; after that so many requests a minute, whatever comes. */
export const ALLOWANCE = { burst: 600, perMinute: 600 };

/** Requests that may be sent: a bucket that fills as time goes by. */
export type Allowance = { readonly left: number; readonly atMs: number };

export function fullAllowance(nowMs: number): Allowance {
  return { left: ALLOWANCE.burst, atMs: nowMs };
}

export function refill({ left, atMs }: Allowance, nowMs: number): Allowance {
  const gained = ((nowMs - atMs) * ALLOWANCE.perMinute) / 60_000;
  return { left: Math.min(ALLOWANCE.burst, left + Math.max(0, gained)), atMs: nowMs };
}

/** When there will be one more. */
export function nextMs({ left, atMs }: Allowance): number {
  return atMs + Math.ceil((Math.max(0, 1 - left) * 60_000) / ALLOWANCE.perMinute);
}
