import { labelsInBoth } from '../../core/sample-labels.ts';
import { lastWritten } from './last-written.ts';
import { actsOnNodes, type WarningRule } from './warning.ts';

/** A check that is wrong fails everywhere at once. */
export const noBudget: WarningRule = {
  id: 'NoBudget',
  *find({ set, originsOf }, { kind }) {
    // The budget may stand in another file.
    if (kind === 'File') return;
    for (const policy of set.policies) {
      const { nodeSelector } = policy.spec;
      const isLimited = set.budgets.some(({ spec }) => labelsInBoth(nodeSelector, spec.nodeSelector) !== null);
      if (!actsOnNodes(policy) || isLimited) continue;
      yield {
        ...lastWritten(originsOf(policy), ['$.spec.mode', '$.spec.actions', '$.spec.nodeSelector']),
        problem: 'no budget selects these nodes, so a check that fails on all of them takes all of them at once',
        advice: 'add a NodeDisruptionBudget that selects them, with maxUnavailable: 1 or 10%',
      };
    }
  },
};
