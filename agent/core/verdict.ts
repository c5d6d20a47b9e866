import type { Check } from './policy.ts';
import { visibleLine, wordsOf } from './words.ts';

/** Of why nothing ran: a path or two and what is wrong with them. */
const MAX_WHY_BYTES = 512;

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
  /** The last 1 KiB of a stream of which more than 4 KiB were written. */
  readonly stdoutEnd?: string;
  readonly stderrEnd?: string;
  /** Bytes written in all, kept or dropped. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly durationMs: number;
};

/** What one run says about what it checks. Unknown is never failed. */
export type Verdict = {
  readonly status: 'Healthy' | 'Failed' | 'Unknown';
  /** How the run ended, in our words. */
  readonly reason: string;
  /** The reason in CamelCase that the policy gives for the exit code; null without one. */
  readonly mapped: string | null;
  /** What the script said: one visible line; empty when it said nothing. */
  readonly words: string;
};

/** A verdict, or the order to end the agent because the script wrote to stderr under `onStderr: Fatal`. */
export type Judgement = Verdict | (Omit<Verdict, 'status'> & { readonly status: 'Fatal' });

export type JudgeRules = Pick<Check, 'onStderr' | 'onTimeout' | 'exitCodes' | 'words'>;

/**
 * Says what a run means under a check's rules (design: exit 0 and silent stderr is Healthy, a code of `exitCodes.unknown`
 * Unknown, any other exit Failed).
 *
 * A run that could not be completed says nothing about the service, so it comes before the exit code, and so does a code
 * that says nothing come before a stderr that counts: a shell that misses a tool complains as well. Output on stderr under
 * `Fatal` comes before everything, because a script that complains is not to be trusted at all.
 */
export function judge(outcome: RunOutcome, rules: JudgeRules): Judgement {
  const { ended } = outcome;
  if (ended.kind === 'NotStarted') {
    return says('Unknown', `could not be started: ${visibleLine(ended.reason, MAX_WHY_BYTES)}`);
  }
  const words = wordsOf(outcome, rules.words);
  const isNoisy = outcome.stderrBytes > 0;
  if (isNoisy && rules.onStderr === 'Fatal') {
    // The first line that it wrote there, whichever is the policy's: what comes after it often follows from it.
    const complaint = rules.words === 'None' ? '' : visibleLine(outcome.stderr);
    return { ...says('Unknown', 'wrote to stderr', complaint), status: 'Fatal' };
  }
  if (ended.kind === 'Signaled') return says('Unknown', `killed by ${ended.signal}`, words);
  if (ended.kind === 'TimedOut') return says(rules.onTimeout, 'timed out', words);

  const { code } = ended;
  const { unknown, reasons } = rules.exitCodes;
  const mapped = Object.hasOwn(reasons, code) ? (reasons[code] ?? null) : null;
  const exit = `exit code ${code}${mapped === null ? '' : ` (${mapped})`}`;
  if (code !== 0 && unknown.includes(code)) return says('Unknown', exit, words, mapped);
  if (isNoisy && (rules.onStderr === 'Failed' || rules.onStderr === 'Unknown')) {
    return says(rules.onStderr, 'wrote to stderr', words, mapped);
  }
  return says(code === 0 ? 'Healthy' : 'Failed', exit, words, mapped);
}

function says(status: Verdict['status'], reason: string, words = '', mapped: string | null = null): Verdict {
  return { status, reason, mapped, words };
}
