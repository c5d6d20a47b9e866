import { lastWritten } from './last-written.ts';
import { drainsNodes, type WarningRule } from './warning.ts';

/** A restart of what is checked takes longer than this. */
const TOO_SOON_SECONDS = 10;

/** What lasts shorter than a restart is no reason to move every pod. */
export const drainsWithinSeconds: WarningRule = {
  id: 'DrainsWithinSeconds',
  *find({ set, originsOf }) {
    for (const policy of set.policies) {
      const { periodSeconds, failureThreshold } = policy.spec.check;
      const seconds = periodSeconds * failureThreshold;
      if (!drainsNodes(policy) || seconds >= TOO_SOON_SECONDS) continue;
      const paths = ['mode', 'actions.drain', 'check.periodSeconds', 'check.failureThreshold'];
      yield {
        ...lastWritten(
          originsOf(policy),
          paths.map((path) => `$.spec.${path}`),
        ),
        problem: `what fails for ${seconds} s has the node drained, which a restart of a service does`,
        advice: `set check.failureThreshold to ${Math.ceil(TOO_SOON_SECONDS / periodSeconds)} or more`,
      };
    }
  },
};
