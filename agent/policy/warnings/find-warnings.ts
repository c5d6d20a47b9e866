import type { ValidPolicies } from '../load-policies.ts';
import { compareOrigins } from './last-written.ts';
import { WARNING_RULES } from './list.ts';
import type { PolicyWarning, SourceFacts } from './warning.ts';

/** What every rule has to say about these policies, in the order of the files and of the lines in them. */
export function findWarnings(load: ValidPolicies, source: SourceFacts): PolicyWarning[] {
  return WARNING_RULES.flatMap(({ id, find }) => [...find(load, source)].map((found) => ({ id, ...found }))).sort(
    compareOrigins,
  );
}
