import { backoffMs } from './backoff.ts';

/** What came back from an Eviction. */
export type EvictionAnswer = {
  /** HTTP status; null when no whole answer came. */
  readonly status: number | null;
  readonly message: string;
  /** Of the Status's details.causes. */
  readonly causes: readonly string[];
  /** null without a Retry-After header. */
  readonly retryAfterMs: number | null;
};

/** What to do about it. */
export type EvictionNext =
  /** Accepted: wait until the pod is gone. */
  | { readonly kind: 'Wait' }
  /** There is no such pod any more. */
  | { readonly kind: 'Gone' }
  /** Whether this pod is still there, on this node and with this UID must be read before anything else. */
  | { readonly kind: 'Recheck' }
  | { readonly kind: 'Retry'; readonly afterMs: number; readonly why: string }
  /** No retry can help: the drain ends. */
  | { readonly kind: 'Fail'; readonly why: string };

/** A PodDisruptionBudget frees a place when another pod has become ready: seconds, not milliseconds. */
const BLOCKED = { baseMs: 1_000, maxMs: 10_000 };
const TRANSIENT = { baseMs: 200, maxMs: 5_000 };
/** Somebody has to mend the budgets first. */
const MISCONFIGURED = { baseMs: 10_000, maxMs: 60_000 };

/**
 * Decides what an answer to an Eviction means (registry/core/pod/rest/eviction.go).
 *
 * @param attempt how often this pod was tried before
 * @param leftMs until the drain's deadline; no wait is longer
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function decideEviction(answer: EvictionAnswer, attempt: number, leftMs: number, random: number): EvictionNext {
  const { status, message, causes, retryAfterMs } = answer;
  const retry = (backoff: typeof BLOCKED, why: string): EvictionNext => {
    const wished = Math.max(backoffMs(attempt, backoff, random), retryAfterMs ?? 0);
    return { kind: 'Retry', afterMs: Math.max(0, Math.min(wished, leftMs)), why };
  };
  if (status === null) return { kind: 'Recheck' };
  if (status >= 200 && status < 300) return { kind: 'Wait' };
  switch (status) {
    case 404:
      return { kind: 'Gone' };
    case 409:
      return { kind: 'Recheck' };
    case 429:
      return causes.includes('DisruptionBudget')
        ? retry(BLOCKED, message)
        : retry(TRANSIENT, `the API server asks for patience: ${message}`);
    case 403:
      return causes.includes('NamespaceTerminating')
        ? retry(BLOCKED, 'its namespace is being deleted, which ends it too')
        : { kind: 'Fail', why: message };
    case 500:
      return message.includes('more than one PodDisruptionBudget')
        ? retry(
            MISCONFIGURED,
            `more than one PodDisruptionBudget selects it, which evictions do not support: ${message}`,
          )
        : retry(TRANSIENT, message);
    default:
      return status > 500 || status === 408 ? retry(TRANSIENT, message) : { kind: 'Fail', why: message };
  }
}
