import type { LabelSelector, LabelSelectorRequirement } from './policy.ts';

/**
 * Whether labels satisfy a metav1.LabelSelector: every matchLabels entry and every matchExpressions entry must hold;
 * an empty or absent selector selects everything (apimachinery, LabelSelectorAsSelector).
 */
export function selectorMatches(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labelOf(labels, key) === value) &&
    (selector?.matchExpressions ?? []).every((requirement) => requirementHolds(requirement, labels))
  );
}

/** Whether the answer of {@link selectorMatches} depends on the labels at all. */
export function selectsEverything(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;
}

function requirementHolds(requirement: LabelSelectorRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labelOf(labels, requirement.key);
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      // An absent key satisfies NotIn, as in Kubernetes.
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return requirement.operator satisfies never;
  }
}

/** The value of a label, which may be named `constructor`, as every object inherits; undefined when it is not there. */
export function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
