import { isPercentage, stopsEverything } from '../../core/slot.ts';
import { lastWritten } from './last-written.ts';
import type { WarningRule } from './warning.ts';

/** As the kubelet labels each node with its own name (core/v1, LabelHostname). */
const HOSTNAME = 'kubernetes.io/hostname';

/** Rounded up, any percentage of one is one, so such a budget limits nothing. */
export const percentageOfOneNode: WarningRule = {
  id: 'PercentageOfOneNode',
  *find({ set, originsOf }) {
    for (const budget of set.budgets) {
      if (budget.spec.topologyKey !== HOSTNAME || !isPercentage(budget) || stopsEverything(budget)) continue;
      yield {
        ...lastWritten(originsOf(budget), ['$.spec.topologyKey', '$.spec.maxUnavailable']),
        problem: `${budget.spec.maxUnavailable} of each single node, rounded up, is that node, so nothing is limited`,
        advice: 'set topologyKey to topology.kubernetes.io/zone, or leave it out',
      };
    }
  },
};
