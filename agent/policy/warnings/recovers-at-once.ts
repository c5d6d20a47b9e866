import { lastWritten } from './last-written.ts';
import { drainsNodes, type WarningRule } from './warning.ts';

/** A check that flaps would have pods come and be evicted again and again. */
export const recoversAtOnce: WarningRule = {
  id: 'RecoversAtOnce',
  *find({ set, originsOf }) {
    for (const policy of set.policies) {
      if (!drainsNodes(policy) || policy.spec.check.successThreshold > 1) continue;
      yield {
        ...lastWritten(originsOf(policy), ['$.spec.mode', '$.spec.actions.drain', '$.spec.check.successThreshold']),
        problem: 'one healthy run gives a drained node back, so a check that flaps drains it again and again',
        advice: 'set check.successThreshold to 3 or more',
      };
    }
  },
};
