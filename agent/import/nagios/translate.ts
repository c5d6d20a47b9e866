import { type Draft, type DraftCheck, type Imported, toSeconds } from '../draft.ts';
import { PolicyNames } from '../names.ts';
import { formatPlace, type Note } from '../notes.ts';
import { type FoundCheck, findChecks } from './find-checks.ts';
import type { CfgFile, Directives } from './read-cfg.ts';
import { readSettings, type Settings } from './settings.ts';
import { splitCommand } from './split-command.ts';
import { timeoutNotes, timeoutOf } from './timeout.ts';
import { timingOf } from './timing.ts';

/** WARNING and UNKNOWN; and what a shell says when there is no such plugin, which Nagios calls CRITICAL. */
const UNKNOWN_CODES = [1, 3, 126, 127];
/** NRPE calls whatever is not 0, 1 or 2 UNKNOWN. */
const UNKNOWN_CODES_OF_NRPE = [1, ...Array.from({ length: 253 }, (_, index) => index + 3)];

const TAKEN =
  /^(use|name|register|service_description|check_command|active_checks_enabled|max_check_attempts|((normal|retry)_)?check_interval|retry_interval)$/;

/** Makes policies of the checks of Nagios and NRPE. */
export function translateNagios(files: readonly CfgFile[]): Imported {
  const settings = readSettings(files.flatMap((file) => file.settings));
  const definitions = files.flatMap((file) => file.definitions);
  const { checks, notes } = findChecks(definitions, settings);
  const names = new PolicyNames();
  const byCommand = Map.groupBy(checks, ({ runBy, line }) => `${runBy} ${line}`);
  const drafts = [...byCommand.values()].map((same) => draftOf(same, names, settings));
  return { drafts, notes: [...notes, ...settings.notes], errors: [], omitted: 0 };
}

/** @param same checks with the same command line, of which one policy is made, as the first of them says */
function draftOf(same: readonly FoundCheck[], names: PolicyNames, settings: Settings): Draft {
  const check = same[0] as FoundCheck;
  const { line, linePlace, runBy, object } = check;
  const words = splitCommand(line);
  const { periodSeconds, failureThreshold, why } = timingOf(check, settings);
  const timeout = timeoutOf(check, settings);
  return {
    name: names.nameFor(check.label),
    about: `Made of ${same.map(({ what, place }) => `${what} (${formatPlace(place)})`).join(' and ')}, run by ${runBy}; command line from ${formatPlace(linePlace)}.`,
    place: linePlace,
    check: {
      command: (words ?? ['/bin/sh', '-c', line]) as DraftCheck['command'],
      runIn: 'Container',
      periodSeconds,
      timeoutSeconds: toSeconds(timeout.seconds),
      failureThreshold,
      successThreshold: 1,
      onStderr: 'Ignore',
      onTimeout: timeout.means,
      exitCodes: {
        unknown: runBy === 'NRPE' ? UNKNOWN_CODES_OF_NRPE : UNKNOWN_CODES,
        reasons: { 1: 'Warning', 2: 'Critical' },
      },
    },
    why: {
      mode: 'It runs and reports, and does nothing to the node, no more than Nagios did. With Enforce it does what stands in actions, and there are none.',
      ...(words === null && { command: 'It takes a shell to know what this line means.' }),
      runIn: "The plugin has to be there in the agent's container; Host takes it from the node.",
      ...why,
      onStderr: `${runBy} looks at the exit code only.`,
      onTimeout: timeout.why,
      unknown: whyUnknown(runBy),
    },
    notes: [
      ...directiveNotes(object?.directives),
      ...same.flatMap((each) => [...timingOf(each, settings).notes, ...timeoutNotes(each, settings)]),
      ...same.slice(1).flatMap((other) => differences(other, check, settings)),
    ],
  };
}

function whyUnknown(runBy: FoundCheck['runBy']): string {
  const unknown =
    runBy === 'NRPE'
      ? 'WARNING (1), UNKNOWN (3) and what NRPE makes UNKNOWN, any code that is none of a plugin,'
      : 'WARNING (1), UNKNOWN (3) and a plugin that is missing or cannot be run (126, 127; Nagios: CRITICAL)';
  return `${unknown} count as Unknown here: as no failure, and as no recovery either. A warning is no reason to take a node out; without 1 in this list it is a failure.`;
}

function directiveNotes(directives: Directives = new Map()): Note[] {
  const left = [...directives].filter(([name]) => !TAKEN.test(name));
  return left.map(([name, { value, place }]) => {
    if (/^host(group)?_name$/.test(name)) {
      return {
        what: `${name} ${value}`,
        place,
        why: 'the policy is for every node; a nodeSelector in it says for which',
      };
    }
    return { what: name, place, why: whyLeftOut(name) };
  });
}

function whyLeftOut(name: string): string {
  if (name === 'check_period') return 'a check runs at any time';
  if (/^(contacts?|contact_groups|notification.*|first_notification_delay|stalking_options)$/.test(name)) {
    return 'who is told is up to what collects Events and metrics';
  }
  if (/^event_handler/.test(name)) return 'what is done about it is in actions';
  return 'there is nothing like it in a policy';
}

function differences(other: FoundCheck, check: FoundCheck, settings: Settings): Note[] {
  const [a, b] = [timingOf(other, settings), timingOf(check, settings)];
  const [ends, endsFirst] = [timeoutOf(other, settings), timeoutOf(check, settings)];
  const isSameTiming = a.periodSeconds === b.periodSeconds && a.failureThreshold === b.failureThreshold;
  const isSameTimeout = ends.seconds === endsFirst.seconds && ends.means === endsFirst.means;
  const differs = [
    ...(isSameTiming ? [] : [`every ${a.periodSeconds} s, ${a.failureThreshold} in a row`]),
    ...(isSameTimeout ? [] : [`${ends.means} after ${ends.seconds} s`]),
  ];
  if (differs.length === 0) return [];
  const why = `one check runs the command, as ${check.what} says`;
  return [{ what: [other.what, ...differs].join(', '), place: other.place, why }];
}
