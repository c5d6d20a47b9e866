import { lastWritten } from './last-written.ts';
import { drainsNodes, type WarningRule } from './warning.ts';

/** What a plugin of Nagios, Icinga or Sensu exits with when it could not find out. */
const PLUGIN_UNKNOWN = 3;

/** A plugin that is broken says UNKNOWN on every node, and would have every node drained. */
export const exitCode3CountsAsFailed: WarningRule = {
  id: 'ExitCode3CountsAsFailed',
  *find({ set, originsOf }) {
    for (const policy of set.policies) {
      const { unknown } = policy.spec.check.exitCodes;
      if (!drainsNodes(policy) || unknown.includes(PLUGIN_UNKNOWN)) continue;
      const codes = [...unknown, PLUGIN_UNKNOWN].sort((a, b) => a - b);
      yield {
        ...lastWritten(originsOf(policy), ['$.spec.mode', '$.spec.actions.drain', '$.spec.check.exitCodes.unknown']),
        problem:
          'the node is drained when the check exits with 3, which monitoring plugins do when they could not find out',
        advice: `set check.exitCodes.unknown to [${codes.join(', ')}], unless its 3 means failed, as that of systemctl does`,
      };
    }
  },
};
