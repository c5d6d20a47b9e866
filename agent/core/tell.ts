import type { Decision } from './decide.ts';
import { isPending } from './gates/gate.ts';
import type { Withheld } from './holds.ts';
import { factsOf, type NodeFacts, nodeTransitions } from './node-facts.ts';
import { problemsKey } from './orders/drain-words.ts';
import { slotStateOf } from './slot.ts';
import { type AgentState, nodeOf, type Told } from './state.ts';
import { tellChecks } from './tell-checks.ts';
import { tellReload } from './tell-reload.ts';
import type { Transition } from './transition.ts';

/** What has to be told, because it is not what was told last. */
export function tell(
  state: AgentState,
  { comparison, conditions, rival, orders }: Decision,
): { readonly told: Told; readonly transitions: readonly Transition[] } {
  const { told } = state;
  const node = nodeOf(state);
  const transitions: Transition[] = [];
  const say = (...more: readonly Transition[]) => transitions.push(...more);

  const checks = tellChecks(told.checks, state.roster, state.node.kind === 'Gone' ? 'Gone' : node);
  say(...checks.transitions);

  const reload = tellReload(state);
  say(...reload.transitions);

  // What an earlier life of the agent, another agent or somebody else has done is theirs to tell.
  const facts = (node && factsOf(node)) ?? told.node;
  if (node && facts && told.node && rival === null) say(...nodeTransitions(told.node, facts, node, state.drainEnds));

  const failed = rival === null ? failedDrains(facts, state) : told.drainProblems;
  for (const [policy, key] of failed) {
    const isTold = transitions.some((each) => each.kind === 'DrainFailed' && each.policy === policy);
    if (isTold || told.drainProblems.get(policy) === key) continue;
    say({ kind: 'DrainFailsAnew', policy, problems: state.drainEnds[policy]?.problems ?? [] });
  }

  const rivalId = rival?.id ?? null;
  if (rival !== null && told.rival !== rival.id) {
    say({ kind: 'StandingBy', rival: rival.pod === null ? 'in no pod' : `${rival.pod.namespace}/${rival.pod.name}` });
  }
  if (rival === null && told.rival !== null && node !== null) say({ kind: 'TookOver' });

  const all = comparison?.kind === 'Compared' && rival === null ? comparison.withheld : [];
  const withheld = all.filter(({ why }) => !isPending(why));
  const denial =
    node && isDenied(withheld) ? slotStateOf(node, state.inForce?.budgets ?? [], state.slots).denial : null;
  const denialKey = denial && `${denial.budget} ${denial.answer.kind}`;
  if (denial !== null && denialKey !== told.denial) say({ kind: 'SlotDenied', denial });
  for (const each of withheld) {
    if (!told.withheld.includes(keyOf(each, denialKey))) say({ kind: 'Withheld', withheld: each });
  }

  const unreadable = comparison?.kind === 'Unreadable' ? comparison.problem : null;
  if (unreadable !== null && unreadable !== told.unreadable) say({ kind: 'Unreadable', problem: unreadable });

  const foreign = conditions?.kind === 'Compared' ? conditions.foreign : [];
  const conditionsKey =
    conditions?.kind === 'Unreadable'
      ? conditions.problem
      : foreign.map(({ type, status, reason }) => JSON.stringify({ type, status, reason })).join();
  if (rival === null && conditionsKey !== told.foreignConditions) {
    say(...foreign.map((condition) => ({ kind: 'ConditionForeign' as const, condition })));
    if (conditions?.kind === 'Unreadable') say({ kind: 'ConditionsUnreadable', problem: conditions.problem });
  }

  // Before it is known who acts on the Node nobody can say whose it is to write an Event.
  const isFatal = state.fatal !== null && (state.node.kind !== 'Unread' || orders.end !== null);
  if (state.fatal !== null && isFatal && !told.isFatal) {
    const { policy, outcome, complaint } = state.fatal;
    say({ kind: 'CheckFatal', policy, outcome, complaint });
  }
  const leftOutside = [...state.leftOutside].filter(([policy]) => state.roster.has(policy));
  for (const [policy, left] of leftOutside) {
    if (!told.leftOutside.includes(policy)) say({ kind: 'ProcessesLeftBehind', policy, left });
  }

  return {
    told: {
      leftOutside: leftOutside.map(([policy]) => policy),
      node: facts,
      checks: checks.told,
      inForce: reload.told,
      withheld: withheld.map((each) => keyOf(each, denialKey)),
      denial: denialKey,
      unreadable,
      foreignConditions: rival === null ? conditionsKey : told.foreignConditions,
      rival: node === null ? told.rival : rivalId,
      drainProblems: failed,
      isFatal,
    },
    transitions,
  };
}

/** Why drains gave up that the ledger knows to have done so, by policy. */
function failedDrains(facts: NodeFacts | null, { drainEnds }: AgentState): Told['drainProblems'] {
  const drains = [...(facts?.drains ?? [])].flatMap(([policy, { state, since }]) => {
    const end = Object.hasOwn(drainEnds, policy) ? drainEnds[policy] : undefined;
    const isIts = state === 'GaveUp' && end?.state === 'GaveUp' && end.since === since;
    return isIts ? [[policy, problemsKey(end.problems)] as const] : [];
  });
  return new Map(drains);
}

function isDenied(withheld: readonly Withheld[]): boolean {
  return withheld.some(({ why }) => why === 'BudgetDenied');
}

function keyOf({ policy, why }: Withheld, denial: string | null): string {
  return why === 'BudgetDenied' ? `${policy} ${why} ${denial}` : `${policy} ${why}`;
}
