import { checkStates } from './condition-states.ts';
import type { TriedRun } from './foresee.ts';
import type { Health } from './health.ts';
import type { NodeCondition } from './node.ts';
import type { NodeCheckPolicy } from './policy.ts';
import type { WatchedPolicy } from './roster.ts';

/** What a policy writes to the condition of its own, without a budget and beside its actions. */
export type ConditionAhead = {
  readonly type: string;
  /** What it says while the policy fails, also where `mode` or `paused` keeps it from being written. */
  readonly failing: ConditionSaid;
  /** What it says after these runs; null: it is not written, by `mode` or `paused`. */
  readonly after: ConditionSaid | null;
};

export type ConditionSaid = Pick<NodeCondition, 'status' | 'reason'>;

/**
 * What an agent makes of these runs in the condition that the policy names, by its own rules, on a Node that has none of the type.
 *
 * @param healths after each of the runs
 * @param failsBy the run that makes the policy fail; absent: none does
 * @returns null: the policy names none
 */
export function foreseeCondition(
  policy: NodeCheckPolicy,
  runs: readonly TriedRun[],
  healths: readonly Health[],
  failsBy: TriedRun | undefined,
): ConditionAhead | null {
  const type = policy.spec.nodeCondition;
  const health = healths.at(-1);
  if (type === undefined || health === undefined) return null;
  const enforced: NodeCheckPolicy = { ...policy, spec: { ...policy.spec, mode: 'Enforce', paused: false } };
  const failing = nextCondition(type, watchedAs(enforced, { ...health, failing: true }, failsBy), null);
  let after: NodeCondition | null = null;
  for (const [index, run] of runs.entries()) {
    after = nextCondition(type, watchedAs(policy, healths[index] ?? health, run), after);
  }
  return failing && { type, failing: said(failing), after: after && said(after) };
}

function watchedAs(policy: NodeCheckPolicy, health: Health, run: TriedRun | undefined): WatchedPolicy {
  if (run === undefined) return { policy, health };
  const { status, ...rest } = run.judgement;
  if (status === 'Fatal') return { policy, health, complaint: rest.words };
  const verdict = { ...rest, status };
  return { policy, health, verdict, said: verdict };
}

function nextCondition(type: string, watched: WatchedPolicy, before: NodeCondition | null): NodeCondition | null {
  const roster = new Map([[watched.policy.metadata.name, watched]]);
  const state = checkStates(roster, new Map(before === null ? [] : [[type, before]])).get(type);
  return state === undefined || state === 'Kept' ? before : { type, ...state };
}

function said({ status, reason }: NodeCondition): ConditionSaid {
  return { status, reason };
}
