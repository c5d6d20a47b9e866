import { readPolicyReport } from './policy-report.ts';
import { type AgentState, nodeOf, type Told } from './state.ts';
import type { Transition } from './transition.ts';

/**
 * That another revision is in force than was told last. What an earlier life of the agent has told stands in the report on the
 * Node, so that a restart is no reload; until the Node was read, nobody knows of it. An agent that ends writes no report any more,
 * so its next life tells of it.
 */
export function tellReload(state: AgentState): {
  readonly told: Told['inForce'];
  readonly transitions: readonly Transition[];
} {
  const { told, inForce, newestErrors } = state;
  if (state.fatal !== null) return { told: told.inForce, transitions: [] };
  // That the newest is invalid was told as it was read. It is the last word on the directory until one is valid again.
  if (newestErrors !== null && newestErrors.length > 0) return { told: null, transitions: [] };
  const known = told.inForce === 'Unread' ? revisionOnNode(state) : told.inForce;
  if (known === 'Unread' || inForce === null || inForce.revision === known) return { told: known, transitions: [] };
  return { told: inForce.revision, transitions: [{ kind: 'PolicyReloaded', revision: inForce.revision }] };
}

function revisionOnNode(state: AgentState): Told['inForce'] {
  const node = nodeOf(state);
  if (node === null) return 'Unread';
  const report = readPolicyReport(node.annotations);
  const isWhole = report !== 'Absent' && report !== 'Unreadable' && report.error === undefined;
  return isWhole ? report.revision : null;
}
