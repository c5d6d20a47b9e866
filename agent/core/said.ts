import type { Verdict } from './verdict.ts';

/**
 * What a check said when it began to fail, to be healthy, or to say nothing; it stays the same until it begins something else.
 *
 * Words and exit codes vary from run to run, and nothing is written because of that: whatever is shown of a check outside its
 * log shows this.
 */
export type Said = Omit<Verdict, 'status' | 'reason'> & {
  /** What it counts as since then; Unknown below both thresholds, while nothing is known. */
  readonly status: Verdict['status'];
  /** How the run ended; null where the ledger alone remembers it. */
  readonly reason: string | null;
};

/** `exit code 2 (DiskFull): DISK CRITICAL`, as far as it is known; empty when nothing is. */
export function describeSaid({ reason, mapped, words }: Said): string {
  return [reason ?? mapped, words].filter((part) => part !== null && part !== '').join(': ');
}
