import type { Check } from './policy.ts';
import type { Verdict } from './verdict.ts';

/** What the verdicts of one check add up to. */
export type Health = {
  /** Failed verdicts since the last Healthy one. */
  readonly failures: number;
  /** Healthy verdicts since the last Failed one. */
  readonly successes: number;
  /** Reached `failureThreshold` and has not reached `successThreshold` since. */
  readonly failing: boolean;
  /**
   * Failing only because the node is held for it: under the check and the thresholds in force it has not failed often
   * enough itself. It keeps what it holds until it recovers, and adds nothing before it reaches `failureThreshold`.
   */
  readonly remembered: boolean;
};

export type Thresholds = Pick<Check, 'failureThreshold' | 'successThreshold'>;

export const NEW_HEALTH: Health = { failures: 0, successes: 0, failing: false, remembered: false };

/** Adds one verdict. Unknown moves nothing: it says neither that the service is well nor that it is not. */
export function countVerdict(health: Health, verdict: Verdict, thresholds: Thresholds): Health {
  switch (verdict.status) {
    case 'Unknown':
      return health;
    case 'Failed':
      return settleHealth({ ...health, failures: health.failures + 1, successes: 0 }, thresholds);
    case 'Healthy':
      return settleHealth({ ...health, failures: 0, successes: health.successes + 1 }, thresholds);
    default:
      return verdict.status satisfies never;
  }
}

/**
 * Compares counters with thresholds, after a verdict and after a reload that moved the thresholds alike.
 *
 * Between the two thresholds the answer stays what it was, as for the kubelet's probes.
 */
export function settleHealth(health: Health, thresholds: Thresholds): Health {
  if (health.failures >= thresholds.failureThreshold) return { ...health, failing: true, remembered: false };
  if (health.successes >= thresholds.successThreshold) return { ...health, failing: false, remembered: false };
  return health;
}
