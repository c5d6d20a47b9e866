import type { NodeView } from '../node.ts';
import type { PolicySet } from '../policy.ts';
import { type BudgetChange, budgetChanges } from './budget-change.ts';
import { type NodesChange, nodesChange } from './nodes-change.ts';
import { type PolicyChange, policyChanges } from './policy-change.ts';
import { type Risk, risksOf } from './risks.ts';
import { contenders, treatsNodesTheSame } from './same-treatment.ts';

/** What a change of the policies does, before it does it. */
export type Plan = {
  readonly revision: { readonly before: string; readonly after: string };
  /**
   * Nothing: every policy and budget means what it meant. Told: agents say something else, and do the same to their nodes.
   * Nodes: what they do to nodes may differ.
   */
  readonly changes: 'Nothing' | 'Told' | 'Nodes';
  readonly policies: readonly PolicyChange[];
  /** Of the policies that want one taint with different values, where their order is another: whose value counts may be, too. */
  readonly order: { readonly before: readonly string[]; readonly after: readonly string[] } | null;
  readonly budgets: readonly BudgetChange[];
  /** The gravest first. */
  readonly risks: readonly Risk[];
  /** null: no nodes were given. */
  readonly nodes: NodesChange | null;
};

/**
 * Compares two sets, and plays the agent's own step over the change for what becomes of nodes.
 *
 * @param nodes those that there are; null: not known
 */
export function planChange(before: PolicySet, after: PolicySet, nodes: readonly NodeView[] | null): Plan {
  const policies = policyChanges(before, after);
  const budgets = budgetChanges(before, after);
  const [was, is] = [contenders(before.policies), contenders(after.policies)];
  const order = policies.length > 0 || was.join() === is.join() ? null : { before: was, after: is };
  const isNothing = policies.length === 0 && budgets.length === 0 && order === null;
  return {
    revision: { before: before.revision, after: after.revision },
    changes: isNothing ? 'Nothing' : treatsNodesTheSame(before, after) ? 'Told' : 'Nodes',
    policies,
    order,
    budgets,
    risks: risksOf(policies, budgets),
    nodes: nodes && nodesChange(before, after, nodes),
  };
}
