import { type Draft, MOST_SECONDS, toSeconds } from '../draft.ts';
import { formatNotes, type Note } from '../notes.ts';
import type { FoundCheck } from './find-checks.ts';
import { parseNumber } from './parse-number.ts';
import type { Directive, Directives } from './read-cfg.ts';
import type { Settings } from './settings.ts';

/** Nagios' own defaults, in its units. */
const DEFAULT_CHECK_INTERVAL = 5;
const DEFAULT_RETRY_INTERVAL = 1;
/** For what says nothing of it. */
const SUGGESTED_PERIOD_SECONDS = 60;
const SUGGESTED_FAILURES = 3;
/** Which the schema allows. */
const MOST_FAILURES = 86_400;

export type Timing = {
  readonly periodSeconds: number;
  readonly failureThreshold: number;
  readonly why: Draft['why'];
  /** Values that are not taken, or cut. */
  readonly notes: readonly Note[];
};

/** How often a check runs, and how many failures in a row are a problem. */
export function timingOf(
  { what, place, object, runBy }: Pick<FoundCheck, 'what' | 'place' | 'object' | 'runBy'>,
  { intervalLength }: Pick<Settings, 'intervalLength'>,
): Timing {
  if (object === null) return suggestedTiming(runBy);
  const { directives } = object;
  const check = readInterval(directives, ['check_interval', 'normal_check_interval'], DEFAULT_CHECK_INTERVAL);
  const retry = readInterval(directives, ['retry_interval', 'retry_check_interval'], DEFAULT_RETRY_INTERVAL);
  const attempts = readAttempts(directives.get('max_check_attempts'));
  const [checkSeconds, retrySeconds] = [check.number * intervalLength, retry.number * intervalLength];
  const isRetried = attempts.number > 1;
  const period = isRetried ? retrySeconds : checkSeconds;
  const often = `Nagios: every ${checkSeconds} s, and every ${retrySeconds} s from the first failure on.`;
  const sameTime = ' A check has one period; with this one a problem is told as long after its first failure as there.';
  const { written } = isRetried ? retry : check;
  const cut = period > MOST_SECONDS ? [cutNote(written ?? { name: what, value: '', place }, `${MOST_SECONDS} s`)] : [];
  const ofPeriod = [...check.notes, ...retry.notes, ...cut];
  return {
    periodSeconds: toSeconds(period),
    failureThreshold: attempts.number,
    why: {
      periodSeconds: [often + (isRetried && cut.length === 0 ? sameTime : ''), ...sentencesOf(ofPeriod)].join(' '),
      failureThreshold: attempts.why,
    },
    notes: [...ofPeriod, ...attempts.notes],
  };
}

function suggestedTiming(runBy: FoundCheck['runBy']): Timing {
  const suggested = 'Suggested: no service in these files says';
  return {
    periodSeconds: SUGGESTED_PERIOD_SECONDS,
    failureThreshold: SUGGESTED_FAILURES,
    why: {
      periodSeconds: `${suggested} how often ${runBy} runs it.`,
      failureThreshold: `${suggested} max_check_attempts.`,
    },
    notes: [],
  };
}

/** Whether Nagios never runs such a check by itself. */
export function isUnscheduled(directives: Directives): boolean {
  const [interval] = findAny(directives, ['check_interval', 'normal_check_interval']);
  return interval !== undefined && parseNumber(interval.value) === 0;
}

type Written = Directive & { readonly name: string };
type Interval = { readonly number: number; readonly written: Written | undefined; readonly notes: readonly Note[] };

function readInterval(directives: Directives, names: readonly string[], usual: number): Interval {
  const [written] = findAny(directives, names);
  const number = written && parseNumber(written.value);
  if (number) return { number, written, notes: [] };
  return { number: usual, written, notes: written ? [refusal(written, 'a number', `Nagios' default, ${usual},`)] : [] };
}

function readAttempts(directive: Directive | undefined): { number: number; why: string; notes: readonly Note[] } {
  if (directive === undefined) {
    const why = 'Suggested: max_check_attempts is in none of these files.';
    return { number: SUGGESTED_FAILURES, why, notes: [] };
  }
  const written = { name: 'max_check_attempts', ...directive };
  const number = parseNumber(directive.value) ?? 0;
  if (number === 0 || !Number.isInteger(number)) {
    const notes = [refusal(written, 'a whole number', `${SUGGESTED_FAILURES}`)];
    return { number: SUGGESTED_FAILURES, why: ['Suggested.', ...sentencesOf(notes)].join(' '), notes };
  }
  const notes = number > MOST_FAILURES ? [cutNote(written, `${MOST_FAILURES}`)] : [];
  const why = ['max_check_attempts: so many, and the state is hard.', ...sentencesOf(notes)].join(' ');
  return { number: Math.min(number, MOST_FAILURES), why, notes };
}

function sentencesOf(notes: readonly Note[]): string[] {
  return formatNotes(notes).map((note) => `${note}.`);
}

function findAny(directives: Directives, names: readonly string[]): Written[] {
  return names.flatMap((name) => {
    const directive = directives.get(name);
    return directive ? [{ name, ...directive }] : [];
  });
}

/** @param requirement as `a number`, of which only those above zero are taken */
function refusal({ name, value, place }: Written, requirement: string, instead: string): Note {
  return { what: `${name} ${value}`, place, why: `must be ${requirement} above zero; ${instead} is taken` };
}

function cutNote({ name, value, place }: Written, most: string): Note {
  return { what: `${name} ${value}`.trim(), place, why: `cut to ${most}, the most that a policy can have` };
}
