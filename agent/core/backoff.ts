export type Backoff = { readonly baseMs: number; readonly maxMs: number };

/**
 * How long to wait before retry `attempt` (0 is the first): doubling from `baseMs` to `maxMs`, and anywhere between
 * half of that and all of it, so that a fleet that failed together does not come back together.
 *
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function backoffMs(attempt: number, { baseMs, maxMs }: Backoff, random: number): number {
  // 2 ** 30 is past any maxMs in use and keeps the product finite.
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + (ceiling / 2) * random;
}
