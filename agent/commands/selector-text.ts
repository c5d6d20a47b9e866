import type { LabelSelector } from '../core/policy.ts';

/** Which nodes, as kubectl writes a selector: `nodes with role=storage,zone in (a,b),!gpu`. */
export function describeSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const requirements = [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
    }),
  ];
  return requirements.length === 0 ? 'every node' : `nodes with ${requirements.join(',')}`;
}
