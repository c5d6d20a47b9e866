import type { NodeCheckPolicy } from '../../core/policy.ts';
import type { Origin, ValidPolicies } from '../load-policies.ts';
import type { PolicySource } from '../read-input.ts';

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
  /** @param source what they are: of a File there may be other files that it does not know of */
  readonly find: (load: ValidPolicies, source: SourceFacts) => Iterable<Omit<PolicyWarning, 'id'>>;
};

/** What of a source matters beside its policies. */
export type SourceFacts = Pick<PolicySource, 'kind' | 'configMap'>;

/** Whether the policy does something to nodes; not, where it only says what it would do. */
export function actsOnNodes({ spec: { mode, actions } }: NodeCheckPolicy): boolean {
  return mode === 'Enforce' && (actions.cordon || actions.taint !== undefined || actions.drain !== undefined);
}

/** Whether the policy drains nodes. */
export function drainsNodes({ spec: { mode, actions } }: NodeCheckPolicy): boolean {
  return mode === 'Enforce' && actions.drain !== undefined;
}
