import { drainsWithinSeconds } from './drains-within-seconds.ts';
import { exitCode3CountsAsFailed } from './exit-code-3-counts-as-failed.ts';
import { fatalEndsOthers } from './fatal-ends-others.ts';
import { fluxSubstitutes } from './flux-substitutes.ts';
import { immutableConfigMap } from './immutable-config-map.ts';
import { largeConfigMap } from './large-config-map.ts';
import { noBudget } from './no-budget.ts';
import { percentageOfOneNode } from './percentage-of-one-node.ts';
import { recoversAtOnce } from './recovers-at-once.ts';
import { timeoutAbovePeriod } from './timeout-above-period.ts';
import type { WarningRule } from './warning.ts';

/** Every rule that warns. */
export const WARNING_RULES: readonly WarningRule[] = [
  noBudget,
  percentageOfOneNode,
  fatalEndsOthers,
  exitCode3CountsAsFailed,
  timeoutAbovePeriod,
  recoversAtOnce,
  drainsWithinSeconds,
  fluxSubstitutes,
  immutableConfigMap,
  largeConfigMap,
];
