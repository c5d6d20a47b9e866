import type { PolicyReport } from './policy-report.ts';

/** A node's name, and what its agent says of its policies. */
export type ReportingNode = { readonly name: string; readonly report: PolicyReport | 'Absent' | 'Unreadable' };

/** A node that does not run the wanted revision, or not well, and what is known of the reason. */
export type Straggler = {
  readonly node: string;
  /** What it runs instead; null for nothing, or nobody knows. */
  readonly revision: string | null;
  readonly reason:
    | 'OtherRevision'
    | 'InvalidFiles'
    | 'NothingInForce'
    | 'NoReport'
    | 'InternalError'
    | 'UnreadableReport';
  /** What is wrong with the newest files (InvalidFiles) or with the agent (InternalError); else null. */
  readonly error: string | null;
};

/** How far a revision has got. */
export type Rollout = {
  readonly nodes: number;
  /** How many of the nodes run the revision. */
  readonly running: number;
  /** The others, by name. */
  readonly stragglers: readonly Straggler[];
  /** Checks that have said nothing of late, by node: no reason to wait, but whoever rolls out wants to know. */
  readonly unknown: readonly { readonly node: string; readonly policy: string; readonly why: string }[];
};

/** Holds what the nodes report against the revision that they should run. */
export function rolloutOf(revision: string, nodes: Iterable<ReportingNode>): Rollout {
  const stragglers: Straggler[] = [];
  const unknown: { node: string; policy: string; why: string }[] = [];
  let count = 0;
  for (const node of nodes) {
    count++;
    const straggler = stragglerOf(revision, node);
    if (straggler) stragglers.push(straggler);
    const silent = typeof node.report === 'object' ? Object.entries(node.report.unknown ?? {}) : [];
    unknown.push(...silent.map(([policy, why]) => ({ node: node.name, policy, why })));
  }
  stragglers.sort((a, b) => (a.node < b.node ? -1 : 1));
  unknown.sort((a, b) => (a.node < b.node ? -1 : Number(a.node > b.node)));
  return { nodes: count, running: count - stragglers.length, stragglers, unknown };
}

/**
 * null for a node that runs the revision, also when files that came after it are invalid. Not so one whose agent meets
 * defects of its own program under it: it may be this revision that brings them out.
 */
function stragglerOf(wanted: string, { name, report }: ReportingNode): Straggler | null {
  if (report === 'Absent') return { node: name, revision: null, reason: 'NoReport', error: null };
  if (report === 'Unreadable') return { node: name, revision: null, reason: 'UnreadableReport', error: null };
  const { revision, error, internalError } = report;
  if (revision === wanted && internalError === undefined) return null;
  if (revision !== wanted && error !== undefined) return { node: name, revision, reason: 'InvalidFiles', error };
  if (internalError !== undefined) return { node: name, revision, reason: 'InternalError', error: internalError };
  return { node: name, revision, reason: revision === null ? 'NothingInForce' : 'OtherRevision', error: null };
}
