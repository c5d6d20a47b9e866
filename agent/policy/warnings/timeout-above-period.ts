import { lastWritten } from './last-written.ts';
import type { WarningRule } from './warning.ts';

/** Runs do not overlap, so a slow check runs less often than its policy says. */
export const timeoutAbovePeriod: WarningRule = {
  id: 'TimeoutAbovePeriod',
  *find({ set, originsOf }) {
    for (const policy of set.policies) {
      const { timeoutSeconds, periodSeconds } = policy.spec.check;
      if (timeoutSeconds <= periodSeconds) continue;
      yield {
        ...lastWritten(originsOf(policy), ['$.spec.check.timeoutSeconds', '$.spec.check.periodSeconds']),
        problem: `a run may take ${timeoutSeconds} s, and those that fall due every ${periodSeconds} s meanwhile are left out`,
        advice: `set check.timeoutSeconds to at most ${periodSeconds}, or check.periodSeconds to at least ${timeoutSeconds}`,
      };
    }
  },
};
