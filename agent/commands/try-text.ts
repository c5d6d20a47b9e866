import { KEPT_BYTES } from '../check/bounded-output.ts';
import type { LeftProcess } from '../check/left-behind.ts';
import { formatDuration } from '../core/age.ts';
import type { Judgement, RunOutcome } from '../core/verdict.ts';
import { toPrintable } from '../policy/format-error.ts';
import { formatNarrowTable } from './table.ts';
import { chop, visibleLines, wrap } from './terminal-text.ts';
import type { Tried, TriedCheck } from './try-check.ts';
import { describeAgent, describeSelector, describeSeries } from './try-outlook-text.ts';

const COLUMNS = 100;
const LABEL_COLUMNS = 14;
/** Of a stream on the screen; JSON has all that was kept. */
const MAX_LINES = 20;
const MAX_END_LINES = 3;
const MAX_PROCESSES = 5;
const STATUSES = ['Healthy', 'Failed', 'Unknown', 'Fatal'] as const;

/** What is to be known of one check that was tried, in lines of at most 100 columns. */
export function formatTried(tried: TriedCheck, isSourceTold: boolean): string[] {
  const { policy, source, runs } = tried;
  const { check, nodeSelector } = policy.spec;
  const where = check.runIn === 'Container' ? '' : ` (runIn: ${check.runIn})`;
  return [
    ...wrap(`${policy.metadata.name}: ${headline(tried)}`, COLUMNS),
    ...(isSourceTold ? section('from', nameSource(source)) : []),
    ...section('command', toPrintable(check.command.map(quote).join(' ')) + where),
    ...(nodeSelector === undefined ? [] : section('only on', describeSelector(nodeSelector))),
    ...(runs.length === 1 ? runs.flatMap(runLines) : seriesLines(runs)),
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

function describeRun({ judgement: { status, reason }, outcome: { ended, durationMs } }: Tried): string {
  const byStderr = reason === 'wrote to stderr' ? ` (${describeEnd(ended)})` : '';
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

/** A line for each run; of the last one of each verdict also what it wrote. */
function seriesLines(runs: readonly Tried[]): string[] {
  const inFull = new Set(STATUSES.map((status) => runs.findLast(({ judgement }) => judgement.status === status)));
  return runs.flatMap((run, index) => [
    ...section(`run ${index + 1}`, describeRun(run)),
    ...(inFull.has(run) ? runLines(run) : leftLines(run)),
  ]);
}

function runLines(run: Tried): string[] {
  const { judgement, outcome } = run;
  const { stdout, stdoutEnd, stdoutBytes, stderr, stderrEnd, stderrBytes } = outcome;
  const isSilent = stdoutBytes + stderrBytes === 0 && outcome.ended.kind !== 'NotStarted';
  return [
    ...(judgement.words === '' ? [] : section('words', toPrintable(judgement.words))),
    ...streamLines('stdout', stdout, stdoutEnd, stdoutBytes),
    ...streamLines('stderr', stderr, stderrEnd, stderrBytes),
    ...(isSilent ? section('output', 'none') : []),
    ...leftLines(run),
  ];
}

function streamLines(label: string, text: string, end: string | undefined, bytes: number): string[] {
  if (bytes === 0) return [];
  const lines = visibleLines(text).flatMap((line) => chop(line, COLUMNS - LABEL_COLUMNS));
  const more = lines.length - MAX_LINES;
  const cut = bytes > KEPT_BYTES ? [`… ${bytes} bytes in all, of which the first ${KEPT_BYTES} are kept`] : [];
  const last = visibleLines(end ?? '').slice(-MAX_END_LINES);
  return labelled(label, [
    ...lines.slice(0, MAX_LINES),
    ...(more > 0 ? [`… ${more} more lines; --output json has what was kept`] : []),
    ...(last.length > 0 ? [...cut, '… and at its end:', ...last.flatMap((line) => chopEnd(line))] : cut),
  ]);
}

/** The end of what may be the end of a very long line. */
function chopEnd(line: string): string[] {
  return chop(line, COLUMNS - LABEL_COLUMNS).slice(-MAX_END_LINES);
}

function leftLines({ left: { inGroup, outside }, isGone }: Tried): string[] {
  const told = [
    ...(inGroup.length > 0 ? [`${describeProcesses(inGroup)} in its process group, killed`] : []),
    ...(outside.length > 0 ? [`${describeProcesses(outside)} outside of its process group, still running`] : []),
    ...(isGone ? [] : ['the run was given up and is not over; an agent starts no other one beside it']),
  ];
  return told.length > 0
    ? labelled(
        'left',
        told.flatMap((text) => wrap(text, COLUMNS - LABEL_COLUMNS)),
      )
    : [];
}

function describeProcesses(processes: readonly LeftProcess[]): string {
  const shown = processes.slice(0, MAX_PROCESSES).map(({ pid, name }) => `${toPrintable(name)} (pid ${pid})`);
  const more = processes.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** As a shell takes it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function section(label: string, text: string): string[] {
  return labelled(label, wrap(text, COLUMNS - LABEL_COLUMNS));
}

function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${`    ${index === 0 ? label : ''}`.padEnd(LABEL_COLUMNS)}${line}`.trimEnd());
}
