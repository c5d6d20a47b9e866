import type { PolicyReport } from './policy-report.ts';

/** A node's name, and what its agent says of its policies. */
export type ReportingNode = { readonly name: string; readonly report: PolicyReport | 'Absent' | 'Unreadable' };

/** A node that does not run the wanted revision, and what is known of the reason. */
export type Straggler = {
  readonly node: string;
  /** What it runs instead; null for nothing, or nobody knows. */
  readonly revision: string | null;
  readonly reason: 'OtherRevision' | 'InvalidFiles' | 'NothingInForce' | 'NoReport' | 'UnreadableReport';
  /** Why the newest files are not in force there; null unless the reason is InvalidFiles. */
  readonly error: string | null;
};

/** How far a revision has got. */
export type Rollout = {
  readonly nodes: number;
  /** How many of the nodes run the revision. */
  readonly running: number;
  /** The others, by name. */
  readonly stragglers: readonly Straggler[];
};

/** Holds what the nodes report against the revision that they should run. */
export function rolloutOf(revision: string, nodes: Iterable<ReportingNode>): Rollout {
  const stragglers: Straggler[] = [];
  let count = 0;
  for (const node of nodes) {
    count++;
    const straggler = stragglerOf(revision, node);
    if (straggler) stragglers.push(straggler);
  }
  stragglers.sort((a, b) => (a.node < b.node ? -1 : 1));
  return { nodes: count, running: count - stragglers.length, stragglers };
}

/** null for a node that runs the revision, also when files that came after it are invalid. */
function stragglerOf(wanted: string, { name, report }: ReportingNode): Straggler | null {
  if (report === 'Absent') return { node: name, revision: null, reason: 'NoReport', error: null };
  if (report === 'Unreadable') return { node: name, revision: null, reason: 'UnreadableReport', error: null };
  const { revision, error } = report;
  if (revision === wanted) return null;
  if (error !== undefined) return { node: name, revision, reason: 'InvalidFiles', error };
  return { node: name, revision, reason: revision === null ? 'NothingInForce' : 'OtherRevision', error: null };
}
