import { describeHold } from '../core/holds.ts';
import type { BudgetChange } from '../core/plan/budget-change.ts';
import type { FailureAhead } from '../core/plan/failure-ahead.ts';
import type { NodeAfter } from '../core/plan/held-node.ts';
import type { PolicyChange } from '../core/plan/policy-change.ts';
import type { NamedPlan } from './plan.ts';
import { describeTransitions } from './plan-words.ts';
import { printableJson } from './printable-json.ts';

/** One line of JSON: `{"plans": […]}`, of an input that is one set with `"configMaps": null`. */
export function formatPlansJson(plans: readonly NamedPlan[]): string {
  return printableJson({
    plans: plans.map(({ configMaps, plan: { policies, budgets, nodes, ...plan } }) => ({
      configMaps,
      ...plan,
      policies: policies.map(policyToJson),
      budgets: budgets.map(budgetToJson),
      nodes: nodes && { ...nodes, held: nodes.held.map(({ name, ...after }) => ({ name, ...afterToJson(after) })) },
    })),
  });
}

function policyToJson({ before, after: _, held, ahead, ...change }: PolicyChange): object {
  return {
    ...change,
    wasCalled: before?.metadata.name ?? null,
    ahead: { before: ahead.before && aheadToJson(ahead.before), after: ahead.after && aheadToJson(ahead.after) },
    held: { stays: held.stays && afterToJson(held.stays), leaves: held.leaves && afterToJson(held.leaves) },
  };
}

function aheadToJson({ threshold, wanted, withheld }: FailureAhead): object {
  return { threshold, does: wanted && describeHold(wanted), withheld };
}

function afterToJson({ before, after, atOnce, later }: NodeAfter): object {
  return { before, atOnce: describeTransitions(atOnce), later: describeTransitions(later), after };
}

function budgetToJson({ before, after, ...change }: BudgetChange): object {
  return { ...change, before: before?.spec ?? null, after: after?.spec ?? null };
}
