import { isEqualMark, isSameMark } from '../effects/mark.ts';
import { TAINT } from '../effects/taint.ts';
import type { NodeCheckPolicy, NodeDisruptionBudget, PolicySet } from '../policy.ts';
import { isEqual } from './field-changes.ts';

/**
 * Whether agents do the same to their nodes under both sets, whatever happens: cordon, taint, drain, and take back, at the same
 * moments. What they say may differ. False is no promise that it differs.
 */
export function treatsNodesTheSame(before: PolicySet, after: PolicySet): boolean {
  return isEqual(treatment(before), treatment(after));
}

function treatment({ policies, budgets }: PolicySet): object {
  const kept = policies.flatMap((policy) => policyTreatment(policy) ?? []);
  const limits = kept.length === 0 ? [] : budgets.map(budgetTreatment);
  return { policies: sorted(kept), budgets: sorted(limits), order: contenders(policies) };
}

/**
 * The policies that want one taint with different values, in their order, which decides whose value counts. Nothing else depends on
 * the order.
 */
export function contenders(policies: readonly NodeCheckPolicy[]): string[] {
  const marks = policies.map(({ metadata, spec }) => ({ name: metadata.name, mark: TAINT.wanted(spec.actions) }));
  return marks.flatMap(({ name, mark }) => {
    const isContested = marks.some(
      (other) => mark && other.mark && isSameMark(TAINT, mark, other.mark) && !isEqualMark(TAINT, mark, other.mark),
    );
    return isContested ? [name] : [];
  });
}

/** Of a policy what decides about its nodes; null: it touches none. */
function policyTreatment({ metadata, spec }: NodeCheckPolicy): { readonly name: string } | null {
  const { check, nodeSelector = {}, actions, paused } = spec;
  const { words: _, exitCodes, ...run } = check;
  const unknown = [...exitCodes.unknown].sort((a, b) => a - b);
  // What is paused freezes what it holds, whatever else it says; what observes takes back what it held.
  const isIdle = !paused && (spec.mode === 'Observe' || (!actions.cordon && !actions.taint && !actions.drain));
  // But every check can end the agent that runs all of them.
  if (isIdle && check.onStderr !== 'Fatal') return null;
  return {
    name: metadata.name,
    ...{ nodeSelector, paused, run, unknown, mode: spec.mode, actions: isIdle ? null : actions },
  };
}

function budgetTreatment({ metadata, spec }: NodeDisruptionBudget): { readonly name: string } {
  return { name: metadata.name, ...{ ...spec, nodeSelector: spec.nodeSelector ?? {} } };
}

function sorted<Named extends { readonly name: string }>(documents: readonly Named[]): Named[] {
  return [...documents].sort((a, b) => (a.name < b.name ? -1 : 1));
}
