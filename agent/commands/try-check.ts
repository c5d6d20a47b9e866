import { within } from '../check/delay.ts';
import { type LeftBehind, watchLeftBehind } from '../check/left-behind.ts';
import { type RunningCheck, type StartOptions, startCheck } from '../check/run-check.ts';
import { type Foresight, foresee, type TriedRun } from '../core/foresee.ts';
import type { NodeCheckPolicy, NodeDisruptionBudget } from '../core/policy.ts';
import { judge, type RunOutcome } from '../core/verdict.ts';

/** How long to wait for the end of what was killed, in milliseconds; on a busy machine it takes a moment. */
const GONE_WITHIN_MS = 5_000;

/** One run, and what was left of it. */
export type Tried = TriedRun & {
  readonly outcome: RunOutcome;
  readonly left: LeftBehind;
  /** Else SIGKILL did not end what is left in its process group, and an agent would start no other run beside it. */
  readonly isGone: boolean;
};

/** What became of a check that was tried. */
export type TriedCheck = {
  readonly policy: NodeCheckPolicy;
  /** Where the policy stands: `namespace/name` of its ConfigMap, or a path. */
  readonly source: string;
  /** At least one. */
  readonly runs: readonly Tried[];
  /** Runs that were asked for, and that an agent would not have made after these. */
  readonly leftOut: number;
  readonly foresight: Foresight;
};

export type TryOptions = Omit<StartOptions, 'policyName' | 'watcher'> & {
  /** How many runs, one right after the other. */
  readonly runs: number;
  /** A run begins; it ends at once when it is killed. */
  onRun(run: RunningCheck, number: number): void;
};

/** A check to try, and where it stands. */
export type Candidate = Pick<TriedCheck, 'policy' | 'source'> & { readonly budgets: readonly NodeDisruptionBudget[] };

/** Runs a check as an agent does, so often; but for what an agent would not run again. Never rejects. */
export async function tryCheck({ policy, source, budgets }: Candidate, options: TryOptions): Promise<TriedCheck> {
  const runs: Tried[] = [];
  while (runs.length < options.runs) {
    const run = await tryOnce(policy, options, runs.length + 1);
    runs.push(run);
    if (run.judgement.status === 'Fatal' || !run.isGone) break;
  }
  return { policy, source, runs, leftOut: options.runs - runs.length, foresight: foresee(policy, runs, budgets) };
}

async function tryOnce(policy: NodeCheckPolicy, options: TryOptions, number: number): Promise<Tried> {
  const { runs: _, onRun, ...shared } = options;
  const { check } = policy.spec;
  const policyName = policy.metadata.name;
  const leftBehind = await watchLeftBehind(options.nodeName, policyName, check);
  const startedAtMs = performance.now();
  const sinceStartMs = () => performance.now() - startedAtMs;
  const { watcher } = leftBehind;
  const run = startCheck(check, { ...shared, policyName, watcher });
  onRun(run, number);
  const outcome = await run.outcome;
  const outcomeMs = sinceStartMs();
  let isGone = false;
  const gone = run.gone.then(() => {
    isGone = true;
  });
  await within(GONE_WITHIN_MS, gone);
  const busyMs = sinceStartMs();
  return { outcome, judgement: judge(outcome, check), outcomeMs, busyMs, left: await leftBehind.look(), isGone };
}
