import type { Drain, LabelSelector, LabelSelectorRequirement } from '../policy.ts';

/** Of a drain what says which pods it takes. */
export type DrainRules = Pick<Drain, 'podSelector' | 'namespaces' | 'deleteEmptyDirData' | 'evictUnmanagedPods'>;

export function drainRules({ podSelector, namespaces, deleteEmptyDirData, evictUnmanagedPods }: Drain): DrainRules {
  return { podSelector, namespaces, deleteEmptyDirData, evictUnmanagedPods };
}

/**
 * Whether rules may take a pod that the rules before did not, so that a node drained by those is not drained by these.
 * In doubt true: then the node is looked at once more.
 */
export function widensDrain(before: DrainRules, after: DrainRules): boolean {
  return (
    (after.deleteEmptyDirData && !before.deleteEmptyDirData) ||
    (after.evictUnmanagedPods && !before.evictUnmanagedPods) ||
    before.namespaces.exclude.some((name) => !after.namespaces.exclude.includes(name)) ||
    !isNarrower(after.podSelector, before.podSelector)
  );
}

/** Whether whatever the first selector matches, the second surely matches too. */
function isNarrower(narrow: LabelSelector, wide: LabelSelector): boolean {
  const given = requirementsOf(narrow);
  return requirementsOf(wide).every((wanted) => given.some((requirement) => implies(requirement, wanted)));
}

function requirementsOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector): LabelSelectorRequirement[] {
  const exact = Object.entries(matchLabels).map(([key, value]) => ({ key, operator: 'In' as const, values: [value] }));
  return [...exact, ...matchExpressions];
}

function implies(given: LabelSelectorRequirement, wanted: LabelSelectorRequirement): boolean {
  if (given.key !== wanted.key) return false;
  const has = given.values ?? [];
  const wants = wanted.values ?? [];
  switch (wanted.operator) {
    case 'In':
      return given.operator === 'In' && has.every((value) => wants.includes(value));
    case 'NotIn':
      if (given.operator === 'DoesNotExist') return true;
      if (given.operator === 'In') return !has.some((value) => wants.includes(value));
      return given.operator === 'NotIn' && wants.every((value) => has.includes(value));
    case 'Exists':
      return given.operator === 'In' || given.operator === 'Exists';
    case 'DoesNotExist':
      return given.operator === 'DoesNotExist';
    default:
      return wanted.operator satisfies never;
  }
}
