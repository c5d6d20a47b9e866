import { KEPT_BYTES } from '../check/bounded-output.ts';
import type { LeftProcess } from '../check/left-behind.ts';
import { formatDuration } from '../core/age.ts';
import type { Judgement, RunOutcome } from '../core/verdict.ts';
import { toPrintable } from '../policy/format-error.ts';
import { describeSelector } from './selector-text.ts';
import { formatNarrowTable } from './table.ts';
import { chop, quoteForShell, visibleLines, wrap } from './terminal-text.ts';
import type { Tried, TriedCheck } from './try-check.ts';
import { describeAgent, describeSeries } from './try-outlook-text.ts';

const LABEL_COLUMNS = 14;
/** Of a stream on the screen; JSON has all that was kept. */
const MAX_LINES = 20;
const MAX_END_LINES = 3;
const MAX_PROCESSES = 5;
const NOT_LOOKED_AT = '(nodeSelector; the labels of this node are not looked at)';
const STATUSES = ['Healthy', 'Failed', 'Unknown', 'Fatal'] as const;

export type TriedTextOptions = {
  /** At most so many in a line; Infinity: none is wrapped, as for a file. */
  readonly columns: number;
  /** Says where the policy stands; false without it. */
  readonly isSourceTold?: boolean;
};

/** What is to be known of one check that was tried, in lines. */
export function formatTried(tried: TriedCheck, { columns, isSourceTold = false }: TriedTextOptions): string[] {
  const { policy, source, runs } = tried;
  const { check, nodeSelector } = policy.spec;
  const where = check.runIn === 'Container' ? '' : ` (runIn: ${check.runIn})`;
  const room = columns - LABEL_COLUMNS;
  const section = (label: string, text: string) => sectionIn(room, label, text);
  return [
    ...wrap(`${policy.metadata.name}: ${headline(tried)}`, columns),
    ...(isSourceTold ? section('from', nameSource(source)) : []),
    ...section('command', check.command.map(quoteForShell).join(' ') + where),
    ...(nodeSelector === undefined ? [] : section('only on', `${describeSelector(nodeSelector)} ${NOT_LOOKED_AT}`)),
    ...(runs.length === 1 ? runs.flatMap((run) => runLines(run, room)) : seriesLines(tried, room)),
    ...(runs.length + tried.leftOut > 1 ? section('adds up', describeSeries(tried)) : []),
    ...section('agent', describeAgent(tried)),
  ];
}

/** A line that counts the checks, and a table of them. */
export function formatSummary(all: readonly TriedCheck[], isSourceTold: boolean): string[] {
  const from = (name: string) => (isSourceTold ? [name] : []);
  const rows = all.map(({ policy, source, runs }) => {
    const last = shownLast(runs);
    const { reason, words } = last.judgement;
    const why = toPrintable(words === '' ? reason : `${reason}: ${words}`);
    const name = [policy.metadata.name, ...from(nameSource(source))];
    return [...name, describeStatuses(runs), formatDuration(last.outcome.durationMs), why];
  });
  return [
    `${all.length} checks: ${describeStatuses(all.map(({ runs }) => shownLast(runs)))}`,
    '',
    ...formatNarrowTable([['POLICY', ...from('FROM'), 'VERDICT', 'TIME', 'WHY'], ...rows]),
  ];
}

function nameSource(source: string): string {
  return source === '-' ? 'standard input' : toPrintable(source);
}

function headline({ runs }: TriedCheck): string {
  const [only] = runs;
  if (only !== undefined && runs.length === 1) return describeRun(only);
  return `${runs.length} runs, one right after the other: ${describeStatuses(runs)}`;
}

/** The run that says most of a series: the last that was not healthy. */
function shownLast(runs: readonly Tried[]): Tried {
  const last = runs.findLast(({ judgement }) => judgement.status !== 'Healthy') ?? runs.at(-1);
  if (last === undefined) throw new TypeError('a check that was tried has a run');
  return last;
}

/** `3 Failed, 1 Unknown`; of one alone, `Failed`. */
function describeStatuses(runs: readonly { readonly judgement: Judgement }[]): string {
  const counts = STATUSES.flatMap((status) => {
    const count = runs.filter(({ judgement }) => judgement.status === status).length;
    return count > 0 ? [{ status, count }] : [];
  });
  return counts.map(({ status, count }) => (runs.length === 1 ? status : `${count} ${status}`)).join(', ');
}

function describeRun({ judgement: { status, reason, mapped }, outcome: { ended, durationMs } }: Tried): string {
  const byStderr =
    reason === 'wrote to stderr' ? ` (${describeEnd(ended)}${mapped === null ? '' : `, ${mapped}`})` : '';
  return `${status}, ${toPrintable(reason)}${byStderr}, after ${formatDuration(durationMs)}`;
}

function describeEnd(ended: RunOutcome['ended']): string {
  switch (ended.kind) {
    case 'Exited':
      return `exit code ${ended.code}`;
    case 'Signaled':
      return `killed by ${ended.signal}`;
    case 'TimedOut':
      return 'timed out';
    case 'NotStarted':
      return 'could not be started';
    default:
      return ended satisfies never;
  }
}

/** A line for each run; of the last one of each verdict, and of that which makes the policy fail, also what it wrote. */
function seriesLines({ runs, foresight: { turns } }: TriedCheck, room: number): string[] {
  const inFull = new Set(STATUSES.map((status) => runs.findLast(({ judgement }) => judgement.status === status)));
  const [first] = turns;
  if (first !== undefined) inFull.add(runs[first.run - 1]);
  const which = `the output of the last run of each verdict${first === undefined ? '' : ', and of the run at which the policy begins to fail'}`;
  return [
    ...runs.flatMap((run, index) => [
      ...sectionIn(room, `run ${index + 1}`, describeRun(run)),
      ...(inFull.has(run) ? runLines(run, room) : leftLines(run, room)),
    ]),
    ...(runs.every((run) => inFull.has(run))
      ? []
      : sectionIn(room, 'shown', `${which}; --output json has that of all`)),
  ];
}

function runLines(run: Tried, room: number): string[] {
  const { judgement, outcome } = run;
  const { stdout, stdoutEnd, stdoutBytes, stderr, stderrEnd, stderrBytes } = outcome;
  const isSilent = stdoutBytes + stderrBytes === 0 && outcome.ended.kind !== 'NotStarted';
  return [
    ...(judgement.words === '' ? [] : sectionIn(room, 'words', toPrintable(judgement.words))),
    ...streamLines(room, 'stdout', stdout, stdoutEnd, stdoutBytes),
    ...streamLines(room, 'stderr', stderr, stderrEnd, stderrBytes),
    ...(isSilent ? sectionIn(room, 'output', 'none') : []),
    ...leftLines(run, room),
  ];
}

function streamLines(room: number, label: string, text: string, end: string | undefined, bytes: number): string[] {
  if (bytes === 0) return [];
  const lines = visibleLines(text).flatMap((line) => chop(line, room));
  const more = lines.length - MAX_LINES;
  const cut = bytes > KEPT_BYTES ? [`… ${bytes} bytes in all, of which the first ${KEPT_BYTES} are kept`] : [];
  const last = visibleLines(end ?? '').slice(-MAX_END_LINES);
  return labelled(label, [
    ...lines.slice(0, MAX_LINES),
    ...(more > 0 ? [`… ${more} more lines; --output json has what was kept`] : []),
    ...(last.length > 0 ? [...cut, '… and at its end:', ...last.flatMap((line) => chopEnd(line, room))] : cut),
  ]);
}

/** The end of what may be the end of a very long line. */
function chopEnd(line: string, room: number): string[] {
  return chop(line, room).slice(-MAX_END_LINES);
}

function leftLines({ left: { inGroup, outside }, isGone }: Tried, room: number): string[] {
  const told = [
    ...(inGroup.length > 0 ? [`${describeProcesses(inGroup)} in its process group, killed`] : []),
    ...(outside.length > 0 ? [`${describeProcesses(outside)} outside of its process group, still running`] : []),
    ...(isGone ? [] : ['the run was given up and is not over; an agent starts no other one beside it']),
  ];
  return told.length > 0
    ? labelled(
        'left',
        told.flatMap((text) => wrap(text, room)),
      )
    : [];
}

function describeProcesses(processes: readonly LeftProcess[]): string {
  const shown = processes.slice(0, MAX_PROCESSES).map(({ pid, name }) => `${toPrintable(name)} (pid ${pid})`);
  const more = processes.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function sectionIn(room: number, label: string, text: string): string[] {
  return labelled(label, wrap(text, room));
}

function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${`    ${index === 0 ? label : ''}`.padEnd(LABEL_COLUMNS)}${line}`.trimEnd());
}
