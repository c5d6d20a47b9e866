import { type Draft, toSeconds } from '../draft.ts';
import type { FoundCheck } from './find-checks.ts';
import type { Directives } from './read-cfg.ts';
import type { Settings } from './settings.ts';

/** Nagios' own defaults, in its units. */
const DEFAULT_CHECK_INTERVAL = 5;
const DEFAULT_RETRY_INTERVAL = 1;
/** For what says nothing of it. */
const SUGGESTED_PERIOD_SECONDS = 60;
const SUGGESTED_FAILURES = 3;
/** Which the schema allows. */
const MOST_FAILURES = 86_400;

/** How often a check runs, and how many failures in a row are a problem. */
export function timingOf(
  { object, runBy }: Pick<FoundCheck, 'object' | 'runBy'>,
  { intervalLength }: Settings,
): { readonly periodSeconds: number; readonly failureThreshold: number; readonly why: Draft['why'] } {
  if (object === null) {
    const suggested = 'Suggested: no service in these files says';
    return {
      periodSeconds: SUGGESTED_PERIOD_SECONDS,
      failureThreshold: SUGGESTED_FAILURES,
      why: {
        periodSeconds: `${suggested} how often ${runBy} runs it.`,
        failureThreshold: `${suggested} max_check_attempts.`,
      },
    };
  }
  const { directives } = object;
  const checkSeconds =
    (numberIn(directives, 'check_interval', 'normal_check_interval') ?? DEFAULT_CHECK_INTERVAL) * intervalLength;
  const retrySeconds =
    (numberIn(directives, 'retry_interval', 'retry_check_interval') ?? DEFAULT_RETRY_INTERVAL) * intervalLength;
  const attempts = numberIn(directives, 'max_check_attempts');
  const failureThreshold = Math.min(Math.ceil(attempts ?? SUGGESTED_FAILURES), MOST_FAILURES);
  const periodSeconds = toSeconds(failureThreshold > 1 ? retrySeconds : checkSeconds);
  const often = `Nagios: every ${checkSeconds} s, and every ${retrySeconds} s from the first failure on.`;
  return {
    periodSeconds,
    failureThreshold,
    why: {
      periodSeconds:
        failureThreshold > 1
          ? `${often} A check has one period; with this one a problem is told as long after its first failure as there.`
          : often,
      failureThreshold:
        attempts === undefined
          ? 'Suggested: max_check_attempts is in none of these files.'
          : 'max_check_attempts: so many, and the state is hard.',
    },
  };
}

/** Above zero; undefined where there is none. */
function numberIn(directives: Directives, ...names: readonly string[]): number | undefined {
  const [found] = names.flatMap((name) => directives.get(name)?.value ?? []);
  const number = Number(found);
  return number > 0 ? number : undefined;
}
