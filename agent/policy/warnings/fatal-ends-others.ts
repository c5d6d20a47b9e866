import type { NodeCheckPolicy } from '../../core/policy.ts';
import { labelsInBoth } from '../../core/sample-labels.ts';
import { lastWritten } from './last-written.ts';
import type { WarningRule } from './warning.ts';

/** One noisy script takes all other checks of the node with it. */
export const fatalEndsOthers: WarningRule = {
  id: 'FatalEndsOthers',
  *find({ set, originsOf }) {
    for (const policy of set.policies) {
      if (policy.spec.check.onStderr !== 'Fatal') continue;
      const [first, ...more] = companionsOf(policy, set.policies);
      if (first === undefined) continue;
      const which = more.length === 0 ? `that of ${first.metadata.name}` : `those of ${more.length + 1} other policies`;
      yield {
        ...lastWritten(originsOf(policy), ['$.spec.check.onStderr', '$.spec.check']),
        problem: `a line on stderr ends the agent, and with this check ${which} (onStderr: Fatal)`,
        advice: 'set check.onStderr to Failed, Unknown or Ignore',
      };
    }
  },
};

/** The other policies that there can be on one node with this one. */
function companionsOf(policy: NodeCheckPolicy, policies: readonly NodeCheckPolicy[]): NodeCheckPolicy[] {
  const { nodeSelector } = policy.spec;
  // Many policies share a few selectors.
  const bySelector = Map.groupBy(policies, ({ spec }) => JSON.stringify(spec.nodeSelector));
  return [...bySelector.values()]
    .filter(([other]) => labelsInBoth(other?.spec.nodeSelector, nodeSelector) !== null)
    .flat()
    .filter((other) => other !== policy);
}
