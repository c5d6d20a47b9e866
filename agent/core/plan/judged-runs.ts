import type { Check } from '../policy.ts';
import { type Judgement, judge, type RunOutcome } from '../verdict.ts';
import { noisyRun, silentRun } from './failing-run.ts';

/** One way in which a run can end, and what it counts as. */
export type JudgedRun = {
  /** As `exit code 3`, or `exit code 0 with output on stderr`. */
  readonly run: string;
  readonly before: Judgement['status'];
  readonly after: Judgement['status'];
};

const HIGHEST_EXIT_CODE = 255;

/** The ways to end that count as something else than before. */
export function judgedOtherwise(before: Check, after: Check): JudgedRun[] {
  const kinds: readonly (readonly [run: string, outcome: RunOutcome])[] = [
    ['timed out', silentRun({ kind: 'TimedOut' })],
    ['exit code 0 with output on stderr', noisyRun({ kind: 'Exited', code: 0 })],
    ...codes((code) => silentRun({ kind: 'Exited', code })).map(([code, run]) => [`exit code ${code}`, run] as const),
  ];
  return kinds.flatMap(([run, outcome]) => {
    const [was, is] = [judge(outcome, before).status, judge(outcome, after).status];
    return was === is ? [] : [{ run, before: was, after: is }];
  });
}

function codes(outcomeOf: (code: number) => RunOutcome): (readonly [number, RunOutcome])[] {
  return Array.from({ length: HIGHEST_EXIT_CODE }, (_, n) => [n + 1, outcomeOf(n + 1)] as const);
}
