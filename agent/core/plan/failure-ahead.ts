import { foresee } from '../foresee.ts';
import type { Hold } from '../ledger.ts';
import type { NodeCheckPolicy } from '../policy.ts';
import { judge } from '../verdict.ts';
import { failingRun, silentRun } from './failing-run.ts';

/** How a policy comes to act, and what it does then. */
export type FailureAhead = {
  /** null: no run of its check counts as failed. */
  readonly threshold: {
    /** Failed runs in a row. */
    readonly inARow: number;
    readonly everyMs: number;
    /** From the start of the first of them to that of the last, where none takes longer than its period. */
    readonly afterFirstMs: number;
  } | null;
  /** What it does to the node, were nothing to withhold it; null: it has no actions. */
  readonly wanted: Hold | null;
  /** Why none of that is done; null: it is, or there is nothing. */
  readonly withheld: 'Observe' | 'Paused' | null;
};

/** By the agent's own rules, for a node with which nothing else is the matter. */
export function failureAhead(policy: NodeCheckPolicy): FailureAhead {
  const { check } = policy.spec;
  const outcome = failingRun(check);
  const judgement = judge(outcome ?? silentRun({ kind: 'Exited', code: 0 }), check);
  const { failing, wanted, withheld } = foresee(policy, [{ judgement, outcomeMs: 0, busyMs: 0 }], []);
  const threshold = failing && { inARow: failing.inARow, everyMs: failing.everyMs, afterFirstMs: failing.afterFirstMs };
  return { threshold, wanted, withheld };
}

/** Whether the policy does anything to a node while its check fails. */
export function acts({ threshold, wanted, withheld }: FailureAhead): boolean {
  return threshold !== null && wanted !== null && withheld === null;
}
