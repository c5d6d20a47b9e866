import type { NodeCheckPolicy, NodeDisruptionBudget } from './generated/policy.ts';

export type {
  Actions,
  Check,
  Drain,
  LabelSelector,
  LabelSelectorRequirement,
  NodeCheckPolicy,
  NodeDisruptionBudget,
  Taint,
} from './generated/policy.ts';

/** What one valid policy directory says, patches applied and defaults filled in. */
export type PolicySet = {
  /** First 12 hex digits of the SHA-256 over the directory's files. */
  readonly revision: string;
  /** In file order. */
  readonly policies: readonly NodeCheckPolicy[];
  /** In file order. */
  readonly budgets: readonly NodeDisruptionBudget[];
};

/** One thing wrong with a policy directory, and where. */
export type PolicyError = {
  /** As the person knows it: the path given on the command line or the name in the directory; `-` for standard input. */
  readonly file: string;
  /** 1-based; 0 when the error is about the file or directory as a whole. */
  readonly line: number;
  /** 1-based, in characters; 0 when the error is about the file or directory as a whole. */
  readonly column: number;
  /** JSON path such as `$.spec.check.command[0]`; `$` for the document. */
  readonly path: string;
  /** What is required there, as a phrase that follows the path: `must be at least 1`. */
  readonly requirement: string;
  /** The value found, as JSON, shortened; empty when there is none to show. */
  readonly found: string;
};

/** The answer of reading a policy directory: all of it is valid, or none of it counts. */
export type PolicyLoad =
  | { readonly valid: true; readonly set: PolicySet }
  | {
      readonly valid: false;
      /** Null when the directory could not be read as a whole. */
      readonly revision: string | null;
      readonly errors: readonly PolicyError[];
      /** How many more errors there are than those listed; absent: none. */
      readonly omitted?: number;
    };
