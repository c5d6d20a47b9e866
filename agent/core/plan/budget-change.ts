import type { NodeDisruptionBudget, PolicySet } from '../policy.ts';
import { labelsInFirstOnly } from '../sample-labels.ts';
import { isPercentage, stopsEverything } from '../slot.ts';
import { type FieldChange, fieldChanges, isEqual } from './field-changes.ts';

/** What a change does to one budget; null: there was none, or is none. Of both at least one is there. */
export type BudgetChange = {
  readonly name: string;
  readonly kind: 'Added' | 'Removed' | 'Changed';
  readonly before: NodeDisruptionBudget | null;
  readonly after: NodeDisruptionBudget | null;
  /** Empty where one side is missing. */
  readonly fields: readonly FieldChange[];
  /** Why it lets, or may let, more nodes be disrupted at once than it did, a clause each; empty: it does not. */
  readonly loosened: readonly string[];
  /** It grants nothing, and did not stop everything before. */
  readonly stops: boolean;
};

/** The budgets in which two sets differ, in the order of the second set; those that are gone come last. */
export function budgetChanges(before: PolicySet, after: PolicySet): BudgetChange[] {
  const old = new Map(before.budgets.map((budget) => [budget.metadata.name, budget]));
  const names = new Set([...after.budgets, ...before.budgets].map(({ metadata }) => metadata.name));
  const now = new Map(after.budgets.map((budget) => [budget.metadata.name, budget]));
  return [...names].flatMap((name) => {
    const [was, is] = [old.get(name) ?? null, now.get(name) ?? null];
    const fields = was && is ? fieldChanges(was.spec, is.spec) : [];
    if (was && is && isEqual(was.spec, is.spec)) return [];
    const kind = was === null ? 'Added' : is === null ? 'Removed' : 'Changed';
    const others = after.budgets.filter(({ metadata }) => metadata.name !== name);
    const stops = is !== null && stopsEverything(is) && (was === null || !stopsEverything(was));
    return [
      { name, kind, before: was, after: is, fields, loosened: was === null ? [] : loosened(was, is, others), stops },
    ];
  });
}

/** @param others the other budgets after the change: one that says the same takes its place */
function loosened(
  before: NodeDisruptionBudget,
  after: NodeDisruptionBudget | null,
  others: readonly NodeDisruptionBudget[],
): string[] {
  if (others.some(({ spec }) => isEqual(spec, before.spec))) return [];
  if (after === null) return ['it limits nothing any more'];
  const [was, is] = [before.spec, after.spec];
  const leaves = labelsInFirstOnly(was.nodeSelector, is.nodeSelector) !== null;
  const joins = labelsInFirstOnly(is.nodeSelector, was.nodeSelector) !== null;
  return [
    ...raised(was.maxUnavailable, is.maxUnavailable),
    ...(leaves ? ['nodes that it selected are not limited by it any more'] : []),
    ...(joins && isPercentage(after) ? ['it is a percentage of other nodes than before'] : []),
    ...(is.topologyKey !== undefined && is.topologyKey !== was.topologyKey
      ? [`its limit counts for each value of ${is.topologyKey}`]
      : []),
  ];
}

function raised(before: number | string, after: number | string): string[] {
  if (typeof before !== typeof after) return ['a number and a percentage cannot be compared without the nodes'];
  return Number.parseInt(String(after), 10) > Number.parseInt(String(before), 10)
    ? [`maxUnavailable is ${after}, was ${before}`]
    : [];
}
