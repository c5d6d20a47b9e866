import { type Backoff, backoffMs } from '../backoff.ts';

/** What came back from an Eviction, or from the deletion of a pod. */
export type EvictionAnswer = {
  /** HTTP status; null when no whole answer came. */
  readonly status: number | null;
  readonly message: string;
  /** Of the Status's details.causes. */
  readonly causes: readonly string[];
  /** null without a Retry-After header. */
  readonly retryAfterMs: number | null;
  /** The API server says of this very pod that it is not there; a 404 alone may be about its namespace, or a proxy's. */
  readonly isNotFound: boolean;
};

/** What to do about it. */
export type EvictionNext =
  /** Accepted: wait until the pod is gone. */
  | { readonly kind: 'Wait' }
  /** There is no such pod any more. */
  | { readonly kind: 'Gone' }
  /**
   * Whether this pod is still there, on this node and with this UID must be read before anything else. If it is, it is
   * tried again, `afterMs` from the answer.
   */
  | { readonly kind: 'Recheck'; readonly afterMs: number; readonly why: string }
  | { readonly kind: 'Retry'; readonly afterMs: number; readonly why: string }
  /** No retry can help: the drain ends. */
  | { readonly kind: 'Fail'; readonly why: string };

/** A PodDisruptionBudget frees a place when another pod has become ready: seconds, not milliseconds. */
const BLOCKED = { baseMs: 1_000, maxMs: 10_000 };
const TRANSIENT = { baseMs: 200, maxMs: 5_000 };
/** Of a deletion: at its deadline all pods of a node are tried again together, each taking part of what may be asked. */
const TRANSIENT_DELETION = { baseMs: 1_000, maxMs: 30_000 };
/** A webhook or a policy says no, often for as long as its operator moves the pod by itself. */
const DENIED = { baseMs: 2_000, maxMs: 30_000 };
/** It is said not to be there, and it is. */
export const CONTRADICTED: Backoff = { baseMs: 5_000, maxMs: 60_000 };
/** Somebody has to mend the budgets first. */
const MISCONFIGURED = { baseMs: 10_000, maxMs: 60_000 };

/** Retry-After counts for no more where the answer is no 429: a page of a proxy may ask for a day. */
const MAX_RETRY_AFTER_MS = 10_000;

/** No two requests of a kind about the same object are closer, whatever the answers are. */
export const MIN_PAUSE_MS = TRANSIENT.baseMs / 2;

/**
 * Decides what an answer to an Eviction, or to a deletion, means (registry/core/pod/rest/eviction.go).
 *
 * @param how which of them
 * @param attempt how often this pod was tried before
 * @param leftMs until the drain's deadline; no wait is longer
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function decideEviction(
  answer: EvictionAnswer,
  how: 'Evict' | 'Delete',
  attempt: number,
  leftMs: number,
  random: number,
): EvictionNext {
  const { status, message, causes, retryAfterMs } = answer;
  const transient = how === 'Delete' ? TRANSIENT_DELETION : TRANSIENT;
  const again = <Kind extends 'Recheck' | 'Retry'>(kind: Kind, backoff: Backoff, why: string) => {
    const mostMs = status === 429 ? Number.POSITIVE_INFINITY : MAX_RETRY_AFTER_MS;
    const wished = Math.max(backoffMs(attempt, backoff, random), Math.min(retryAfterMs ?? 0, mostMs));
    return { kind, afterMs: Math.max(0, Math.min(wished, leftMs)), why };
  };
  const retry = (backoff: Backoff, why: string) => again('Retry', backoff, why);
  if (status === null) return again('Recheck', transient, message);
  if (status >= 200 && status < 300) return { kind: 'Wait' };
  switch (status) {
    case 404:
      return answer.isNotFound ? { kind: 'Gone' } : again('Recheck', CONTRADICTED, message);
    case 409:
      return again('Recheck', BLOCKED, message);
    case 429:
      return isBudgetRefusal(answer)
        ? retry(BLOCKED, message)
        : retry(transient, `the API server asks for patience: ${message}`);
    case 403:
      if (causes.includes('NamespaceTerminating')) {
        return retry(BLOCKED, 'its namespace is being deleted, which ends it too');
      }
      return isAuthorizerRefusal(answer) ? { kind: 'Fail', why: message } : retry(DENIED, message);
    case 400:
    case 422:
      return retry(DENIED, message);
    // The credentials are being replaced, or their token is not known to this server yet.
    case 401:
      return retry(transient, message);
    case 500:
      return message.includes('more than one PodDisruptionBudget')
        ? retry(
            MISCONFIGURED,
            `more than one PodDisruptionBudget selects it, which evictions do not support: ${message}`,
          )
        : retry(transient, message);
    default:
      // Anything else, such as a redirect, is hardly the API server's: unknown is not failed.
      return retry(status > 500 || status === 408 ? transient : DENIED, message);
  }
}

/** A PodDisruptionBudget allows no disruption now; any other 429 is the API server's own. */
export function isBudgetRefusal({ status, causes }: Pick<EvictionAnswer, 'status' | 'causes'>): boolean {
  return status === 429 && causes.includes('DisruptionBudget');
}

/**
 * Whether a refusal is the authorizer's, about a right that we lack (apiserver, responsewriters.Forbidden: `User "x" cannot
 * create resource …`), and not admission's, about this one pod.
 */
export function isAuthorizerRefusal({ status, message }: Pick<EvictionAnswer, 'status' | 'message'>): boolean {
  return status === 403 && /^cannot |\bUser\b.* cannot /.test(message) && !/\bdenied (the )?request\b/.test(message);
}
