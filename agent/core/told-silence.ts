import { rivalOn } from './claim.ts';
import { readPolicyReport } from './policy-report.ts';
import { withSilence } from './roster.ts';
import { silentForSure } from './silence.ts';
import { type AgentState, type Now, nodeOf } from './state.ts';

/**
 * The state in which the checks are silent that an earlier life of the agent has told to be so, and that have said nothing since.
 * It stands in the report on the Node, which an agent takes over once: when it knows both its policies and its Node.
 */
export function withToldSilence(before: AgentState, state: AgentState, now: Now): AgentState {
  const node = nodeOf(state);
  const isFirstLook = before.node.kind === 'Unread' || before.inForce === null;
  if (node === null || state.inForce === null || !isFirstLook) return state;
  // An agent that ends reports nothing any more, so its next life takes it over; and the report of one that acts is its own.
  if (state.fatal !== null || rivalOn(node, state.own, state.standing) !== null) return state;
  const report = readPolicyReport(node.annotations);
  if (report === 'Absent' || report === 'Unreadable' || report.revision !== state.inForce.revision) return state;

  const silent = Object.entries(report.unknown ?? {}).filter(([name]) => state.roster.has(name));
  if (silent.length === 0) return state;
  const roster = silent.reduce((known, [name, why]) => {
    const { counted, silence } = known.get(name) ?? {};
    if (counted !== undefined || silence?.lasting) return known;
    return withSilence(known, name, silentForSure(why, now));
  }, state.roster);
  const told = [...new Set([...state.told.checks.silent, ...silent.map(([name]) => name)])];
  return { ...state, roster, told: { ...state.told, checks: { ...state.told.checks, silent: told } } };
}
