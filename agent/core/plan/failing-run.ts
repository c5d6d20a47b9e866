import type { Check } from '../policy.ts';
import { judge, type RunOutcome } from '../verdict.ts';

/** Exit codes of a process. */
const HIGHEST_EXIT_CODE = 255;

/** A run that wrote nothing and ended so. */
export function silentRun(ended: RunOutcome['ended']): RunOutcome {
  return { ended, stdout: '', stderr: '', stdoutBytes: 0, stderrBytes: 0, durationMs: 0 };
}

/** A run that ended so and wrote a line to stderr. */
export function noisyRun(ended: RunOutcome['ended']): RunOutcome {
  const stderr = 'a line\n';
  return { ...silentRun(ended), stderr, stderrBytes: stderr.length };
}

/** A run that counts as failed; null: whatever the check does, it never fails. */
export function failingRun(check: Check): RunOutcome | null {
  const exits = Array.from({ length: HIGHEST_EXIT_CODE }, (_, n) => silentRun({ kind: 'Exited', code: n + 1 }));
  const others = [noisyRun({ kind: 'Exited', code: 0 }), silentRun({ kind: 'TimedOut' })];
  return [...exits, ...others].find((outcome) => judge(outcome, check).status === 'Failed') ?? null;
}
