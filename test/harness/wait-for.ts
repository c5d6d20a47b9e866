import { setTimeout as pause } from 'node:timers/promises';

/** How often a condition is looked at, in milliseconds. */
const POLL_MS = 20;

export interface WaitOptions {
  /** Milliseconds until the wait fails; 10 s when absent. */
  readonly deadlineMs?: number;
  /** What is awaited, as it reads after "waited N ms for ". */
  readonly what: string;
}

/**
 * Polls `condition` until it returns something truthy, and returns that. A condition that throws is not met yet.
 * @throws Error naming what was awaited, the deadline and what the condition last returned or threw.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 10_000, what }: WaitOptions,
): Promise<NonNullable<T>> {
  const endsAt = performance.now() + deadlineMs;
  let last: unknown = 'nothing: the condition never answered';
  for (;;) {
    const leftMs = endsAt - performance.now();
    if (leftMs <= 0) {
      throw new Error(`waited ${deadlineMs} ms for ${what}; last: ${describe(last)}`, { cause: last });
    }
    const seen = await settle(condition, leftMs);
    if (seen === 'late') continue;
    if ('value' in seen && seen.value) return seen.value;
    last = 'value' in seen ? seen.value : seen.error;
    await pause(POLL_MS);
  }
}

type Settled<T> = { value: T } | { error: unknown } | 'late';

/** The deadline holds even when the condition itself hangs. */
async function settle<T>(condition: () => T | Promise<T>, leftMs: number): Promise<Settled<T>> {
  const timer = new AbortController();
  const late = pause(leftMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const);
  const answer = (async (): Promise<Settled<T>> => {
    try {
      return { value: await condition() };
    } catch (error) {
      return { error };
    }
  })();
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
  }
}

function describe(last: unknown): string {
  if (last instanceof Error) return last.message;
  const text = typeof last === 'string' ? last : (JSON.stringify(last) ?? String(last));
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
