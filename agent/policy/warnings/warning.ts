import type { Origin, ValidPolicies } from '../load-policies.ts';

/** What is valid and yet likely to be regretted, and where it was written. */
export type PolicyWarning = Origin & {
  /** In CamelCase. Stable, for whoever filters, counts or suppresses warnings. */
  readonly id: string;
  /** JSON path of what stands at that place. */
  readonly path: string;
  /** What would happen that nobody may want, as a clause without an end. */
  readonly problem: string;
  /** What to write instead, as a clause in the imperative. */
  readonly advice: string;
};

/** Warns of one thing. Pure: it sees nothing but the policies, whose patches are applied and defaults filled in. */
export type WarningRule = {
  readonly id: PolicyWarning['id'];
  readonly find: (load: ValidPolicies) => Iterable<Omit<PolicyWarning, 'id'>>;
};
