import { foresee } from '../core/foresee.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import { samplePolicy } from '../core/samples.ts';
import { judge, type RunOutcome } from '../core/verdict.ts';
import type { Tried, TriedCheck } from './try-check.ts';

/** For tests: how a run ended, with exit code 1 and nothing written unless it says otherwise. */
export type SampleRun = Partial<RunOutcome> & Partial<Pick<Tried, 'left' | 'isGone'>> & { readonly code?: number };

export type SampleTried = {
  readonly name?: string;
  readonly runs?: readonly SampleRun[];
  readonly budgets?: readonly NodeDisruptionBudget[];
  readonly leftOut?: number;
  readonly source?: string;
} & Parameters<typeof samplePolicy>[1];

/** For tests: a check that was tried, with the verdicts and what follows from them as they really are. */
export function sampleTried({
  name = 'storage',
  runs = [{}],
  budgets = [],
  leftOut = 0,
  ...more
}: SampleTried): TriedCheck {
  const { source = 'policies', check, ...rest } = more;
  const policy = samplePolicy(name, { check: { onStderr: 'Failed', ...check }, ...rest });
  const tried = runs.map(({ left, isGone = true, code = 1, ...outcome }): Tried => {
    const whole: RunOutcome = {
      ended: { kind: 'Exited', code },
      stdout: '',
      stderr: '',
      stdoutBytes: Buffer.byteLength(outcome.stdout ?? ''),
      stderrBytes: Buffer.byteLength(outcome.stderr ?? ''),
      durationMs: 200,
      ...outcome,
    };
    return {
      outcome: whole,
      judgement: judge(whole, policy.spec.check),
      outcomeMs: whole.durationMs,
      busyMs: whole.durationMs,
      left: left ?? { inGroup: [], outside: [] },
      isGone,
    };
  });
  return { policy, source, runs: tried, leftOut, foresight: foresee(policy, tried, budgets) };
}
