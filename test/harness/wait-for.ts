import { setTimeout as pause } from 'node:timers/promises';

/** Only what fails waits so long, in milliseconds: the machine may be busy with other tests. */
const DEADLINE_MS = 180_000;
/** Between two looks at a condition, in milliseconds: at first, and at most. Looking costs the API server as much as us. */
const FIRST_POLL_MS = 10;
const SLOWEST_POLL_MS = 200;
const SLOWER_BY = 1.25;

export interface WaitOptions {
  /** Milliseconds until the wait fails; three minutes when absent. */
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
  { deadlineMs = DEADLINE_MS, what }: WaitOptions,
): Promise<NonNullable<T>> {
  const endsAt = performance.now() + deadlineMs;
  let last: unknown = 'nothing: the condition never answered';
  let pollMs = FIRST_POLL_MS;
  for (;;) {
    const leftMs = endsAt - performance.now();
    if (leftMs <= 0) {
      throw new Error(`waited ${deadlineMs} ms for ${what}; last: ${describe(last)}`, { cause: last });
    }
    const seen = await settle(condition, leftMs);
    if (seen === 'late') continue;
    if ('value' in seen && seen.value) return seen.value;
    last = 'value' in seen ? seen.value : seen.error;
    await pause(pollMs);
    pollMs = Math.min(pollMs * SLOWER_BY, SLOWEST_POLL_MS);
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
