import { formatAge } from '../core/age.ts';
import type { Owner } from '../core/effects/mark.ts';
import {
  type ClusterStatus,
  isQuiet,
  type NodeProblem,
  type NodeStatus,
  type SaidStatus,
  type StatusSummary,
} from '../core/status.ts';
import { toPrintable } from '../policy/format-error.ts';
import { REPORT_PROBLEMS } from './report-problems.ts';
import { countNodes, formatNarrowTable, formatTable } from './table.ts';

/** A page that an on-call can still take in; `--all` and JSON have every node. */
const MAX_ROWS = 100;
/** A fleet in the middle of a rollout has two. */
const MAX_REVISIONS = 3;

export type StatusTextOptions = {
  /** Every node, not only those with something to tell. */
  readonly all: boolean;
  /** More columns, and nothing shortened. */
  readonly wide: boolean;
  /** Where the slots were looked for. */
  readonly namespace: string;
  readonly nowMs: number;
};

const PROBLEMS: Readonly<Record<NodeProblem['reason'], string>> = {
  ...REPORT_PROBLEMS,
  AgentNotRunning: 'its agent does not run',
  AgentRestarted: 'its agent ended with an error and was started again',
  UnreadableLedger: 'nothing is done or undone there',
  DrainActiveWithoutLedger: 'says drainActive, and has no ledger: did somebody remove it?',
};

/** A summary in one line, a table of what is held, one of what the checks said, and one of what is the matter. */
export function formatStatus({ summary, nodes }: ClusterStatus, options: StatusTextOptions): string[] {
  const table = options.wide ? formatTable : formatNarrowTable;
  const shown = options.all ? nodes : nodes.filter((node) => node.held || (node.slots ?? []).length > 0);
  const problems = nodes.flatMap(({ name, problems }) => problems.map((problem) => [name, describeProblem(problem)]));
  const said = shown.flatMap(({ name, said }) => said.map((each) => [name, each.policy, describeSaid(each)]));
  const section = (header: readonly string[], rows: readonly (readonly string[])[]): string[] => {
    if (rows.length === 0) return [];
    const fitting = options.all ? rows : rows.slice(0, MAX_ROWS);
    const more = rows.length - fitting.length;
    return ['', ...table([header, ...fitting]), ...(more > 0 ? [`and ${more} more; --all lists every node`] : [])];
  };
  const columns = COLUMNS.filter(
    ({ isWide, ofSlots }) => (options.wide || !isWide) && (summary.slots !== null || !ofSlots),
  );
  const lines = [
    formatSummary(summary, options.namespace),
    ...section(
      columns.map(({ header }) => header),
      shown.map((node) => columns.map(({ cell }) => cell(node, options.nowMs) || '-')),
    ),
    ...section(
      ['NODE', 'POLICY', 'SAID'],
      said.filter(([, , words]) => words !== ''),
    ),
    ...section(['NODE', 'PROBLEM'], problems),
  ];
  // Anybody may have written on a Node.
  return lines.map(toPrintable);
}

/** What a text says, but for the ages in it: the state in which it has to be written anew. */
export function stateOf({ nodes, summary }: ClusterStatus, all: boolean): string {
  return JSON.stringify([summary, all ? nodes : nodes.filter((node) => !isQuiet(node))]);
}

type Column = {
  readonly header: string;
  readonly cell: (node: NodeStatus, nowMs: number) => string;
  readonly isWide?: true;
  readonly ofSlots?: true;
};

const COLUMNS: readonly Column[] = [
  { header: 'NODE', cell: ({ name }) => name },
  { header: 'EFFECTS', cell: describeEffects },
  { header: 'SINCE', cell: ({ since }, nowMs) => (since === null ? '' : formatAge(since, nowMs)) },
  {
    header: 'DRAIN SINCE',
    cell: ({ drain }, nowMs) => (drain === null ? '' : formatAge(drain.since, nowMs)),
    isWide: true,
  },
  { header: 'MARKS', cell: ({ marks }) => marks.map(({ what }) => what).join(', '), isWide: true },
  { header: 'SLOT', cell: ({ slots }) => (slots ?? []).join(', '), ofSlots: true },
  { header: 'REVISION', cell: ({ revision }) => revision ?? '' },
  { header: 'POLICIES', cell: ({ policies }) => policies.join(', ') },
];

/** What is ours first; then what was taken away, and what was there before us. */
function describeEffects({ marks, drain }: NodeStatus): string {
  const effectsOf = (wanted: Owner) => [
    ...new Set(marks.filter(({ owner }) => owner === wanted).map(({ effect }) => effect)),
  ];
  const isStopped = drain?.state === 'Stopped';
  const ours = [...effectsOf('Ours'), ...(drain !== null && !isStopped ? [drain.state] : [])];
  const takenAway = [...effectsOf('TakenAway'), ...(isStopped ? ['drain'] : [])];
  const theirs = effectsOf('Theirs');
  return [
    ours.join(', '),
    takenAway.length > 0 ? `taken away: ${takenAway.join(', ')}` : '',
    theirs.length > 0 ? `theirs: ${theirs.join(', ')}` : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function describeSaid({ reason, words }: SaidStatus): string {
  return [reason, words].filter((part) => part !== null).join(': ');
}

function describeProblem({ reason, error }: NodeProblem): string {
  return error === null ? PROBLEMS[reason] : `${PROBLEMS[reason]}: ${error}`;
}

function formatSummary({ nodes, held, withProblem, revisions, slots, ...counts }: StatusSummary, namespace: string) {
  const details = [
    counts.draining > 0 && `${counts.draining} draining`,
    counts.gaveUp > 0 && `${counts.gaveUp} gave up draining`,
    counts.takenAway > 0 && `${counts.takenAway} with something taken away`,
  ].filter((detail) => detail !== false);
  const parts = [
    `${countNodes(nodes)}: ${held} held${details.length > 0 ? ` (${details.join(', ')})` : ''}, ${withProblem} with a problem`,
    formatRevisions(revisions),
    slots === null
      ? ''
      : slots.length === 0
        ? `no slots in ${namespace}`
        : `slots: ${slots.map(formatSlots).join(', ')}`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function formatRevisions(revisions: StatusSummary['revisions']): string {
  if (revisions.length === 0) return 'no revision in force';
  const shown = revisions.slice(0, MAX_REVISIONS).map(({ revision, nodes }) => `${revision} on ${nodes}`);
  const more = revisions.length - shown.length;
  const title = revisions.length === 1 ? 'revision ' : `${revisions.length} revisions: `;
  return title + shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function formatSlots({ budget, held, others }: { budget: string; held: number; others: number }): string {
  return `${budget} ${held}${others > 0 ? ` (${others} not of these nodes)` : ''}`;
}
