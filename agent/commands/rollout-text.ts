import type { Rollout, Straggler } from '../core/rollout.ts';
import { toPrintable } from '../policy/format-error.ts';
import { REPORT_PROBLEMS } from './report-problems.ts';
import { countNodes, formatTable } from './table.ts';

/** Of stragglers in the text output; JSON has all of them. */
const MAX_ROWS = 100;

const REASONS: Readonly<Record<Straggler['reason'], string>> = {
  ...REPORT_PROBLEMS,
  OtherRevision: 'has not got the files yet',
};

/** Warnings, a line each with its end: a revision is rolled out whatever its checks say. */
export function describeUnknown({ unknown }: Rollout): string[] {
  const lines = unknown
    .slice(0, MAX_ROWS)
    .map(({ node, policy, why }) =>
      toPrintable(`warning: node ${node}: the check of policy ${policy} says nothing: ${why}`),
    );
  const more = unknown.length - lines.length;
  return [...lines, ...(more > 0 ? [`warning: and ${more} more`] : [])].map((line) => `${line}\n`);
}

/** How it ended: one line, or those that say which nodes are missing and why. */
export function describeResult({ nodes, stragglers }: Rollout, revision: string, timeout: string): string[] {
  if (stragglers.length === 0) return [`rolled out: revision ${revision} is in force on ${countNodes(nodes)}`];
  const errors = [...new Set(stragglers.flatMap(({ error }) => error ?? []))];
  const rows = stragglers.slice(0, MAX_ROWS).map(({ node, revision: runs, reason, error }) => {
    const footnote = error === null ? '' : ` [${errors.indexOf(error) + 1}]`;
    return [node, runs ?? '-', REASONS[reason] + footnote];
  });
  const more = stragglers.length - rows.length;
  const well = stragglers.some(({ reason }) => reason === 'InternalError') ? ' without an internal error' : '';
  const lines = [
    `not rolled out: after ${timeout}, ${stragglers.length} of ${countNodes(nodes)} do not run revision ${revision}${well}`,
    '',
    ...formatTable([['NODE', 'RUNS', 'REASON'], ...rows]),
    ...(more > 0 ? [`and ${more} more; --output json lists all`] : []),
    ...(errors.length > 0 ? ['', ...errors.map((error, index) => `[${index + 1}] ${error}`)] : []),
  ];
  return lines.map(toPrintable);
}
