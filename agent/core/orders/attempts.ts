import type { DrainOrder } from './drain-order.ts';
import type { Attempt } from './drain-state.ts';

/** A drain resumed after its deadline still finds out what is left on the node, and under Delete deletes it. */
const RESUMED_MS = 5_000;
/** What the ledger says and the API server's clock are whole seconds, each up to one behind; nothing is deleted too soon. */
const ROUNDED_MS = 2_000;

/**
 * The timeout runs from the landing of the cordon, also over a restart. Under GiveUp an attempt after one that gave up has its
 * own; what is left is deleted once, so the deadline of that stays where it was.
 *
 * @param heardMs when this agent was first told of this drain
 */
export function newAttempt(order: DrainOrder, heardMs: number, nowMs: number, serverNowMs: number): Attempt {
  const { timeoutSeconds, onTimeout } = order.rules;
  const timeoutMs = timeoutSeconds * 1000;
  const canDelete = onTimeout === 'Delete';
  const hasOwn = order.isRetry && !canDelete;
  const spentMs = hasOwn ? 0 : spentOf(order, nowMs, serverNowMs);
  const leastMs = (canDelete ? heardMs - nowMs : 0) + RESUMED_MS;
  const untilMs = nowMs + Math.min(timeoutMs, Math.max(0, leastMs, timeoutMs - spentMs));
  const begun = { order, number: 0, heardMs, deletesMs: canDelete ? untilMs : null, due: null, there: null };
  return beginAttempt(begun, nowMs, untilMs);
}

/** How long ago the cordon landed, as far as this agent can know, in milliseconds: none that it did not see land may be older. */
export function spentOf({ since, landedMs }: DrainOrder, nowMs: number, serverNowMs: number): number {
  if (landedMs !== undefined) return nowMs - landedMs;
  const sinceMs = Date.parse(since);
  return Number.isNaN(sinceMs) ? 0 : serverNowMs - sinceMs - ROUNDED_MS;
}

/** In place of one by other rules, or before an interruption: that does not bring back the moment when all are deleted. */
export function changedAttempt(before: Attempt | undefined, attempt: Attempt, nowMs: number): Attempt {
  const isPast = attempt.deletesMs !== null && attempt.deletesMs <= nowMs;
  return isPast && before?.order.since === attempt.order.since ? { ...attempt, due: before.due } : attempt;
}

/** The attempt after one that gave up. */
export function nextAttempt({ order, number, heardMs, deletesMs, due, there }: Attempt, nowMs: number): Attempt {
  const untilMs = deletesMs === null ? nowMs + order.rules.timeoutSeconds * 1000 : Math.max(nowMs, deletesMs);
  return beginAttempt({ order, number: number + 1, heardMs, deletesMs, due, there }, nowMs, untilMs);
}

function beginAttempt(
  begun: Pick<Attempt, 'order' | 'number' | 'heardMs' | 'deletesMs' | 'due' | 'there'>,
  nowMs: number,
  untilMs: number,
): Attempt {
  return { ...begun, phase: 'Evicting', startedMs: nowMs, untilMs, accepted: 0, fatal: null, emptySince: null };
}
