import type { Check } from './policy.ts';

/** How one run of a check ended, as the operating system told it. */
export type RunOutcome = {
  readonly ended:
    | { readonly kind: 'Exited'; readonly code: number }
    /** Killed by a signal that is not ours. */
    | { readonly kind: 'Signaled'; readonly signal: string }
    /** Still running after `timeoutSeconds`; its process group got SIGKILL. */
    | { readonly kind: 'TimedOut' }
    /** Nothing ran: not found, not executable, no interpreter, no such root or namespace. */
    | { readonly kind: 'NotStarted'; readonly reason: string };
  /** The first 4 KiB of each stream, as text. */
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes written in all, kept or dropped. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly durationMs: number;
};

/** What one run says about what it checks. Unknown is never failed. */
export type Verdict = { readonly status: 'Healthy' | 'Failed' | 'Unknown'; readonly reason: string };

/** A verdict, or the order to end the agent because the script wrote to stderr under `onStderr: Fatal`. */
export type Judgement = Verdict | { readonly status: 'Fatal'; readonly reason: string };

/**
 * Says what a run means under a check's rules (design: exit 0 and silent stderr is Healthy, any other exit Failed).
 *
 * A run that could not be completed says nothing about the service, so it comes before the exit code; output on
 * stderr under `Fatal` comes before everything, because a script that complains is not to be trusted at all.
 */
export function judge(outcome: RunOutcome, rules: Pick<Check, 'onStderr' | 'onTimeout'>): Judgement {
  const { ended } = outcome;
  if (ended.kind === 'NotStarted') return { status: 'Unknown', reason: `could not be started: ${ended.reason}` };
  if (outcome.stderrBytes > 0 && rules.onStderr === 'Fatal') return { status: 'Fatal', reason: 'wrote to stderr' };
  if (ended.kind === 'Signaled') return { status: 'Unknown', reason: `killed by ${ended.signal}` };
  if (ended.kind === 'TimedOut') return { status: rules.onTimeout, reason: 'timed out' };
  if (outcome.stderrBytes > 0) {
    if (rules.onStderr === 'Failed') return { status: 'Failed', reason: 'wrote to stderr' };
    if (rules.onStderr === 'Unknown') return { status: 'Unknown', reason: 'wrote to stderr' };
  }
  return ended.code === 0
    ? { status: 'Healthy', reason: 'exit code 0' }
    : { status: 'Failed', reason: `exit code ${ended.code}` };
}
