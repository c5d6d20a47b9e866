import type { AgentEvent } from '../agent-event.ts';
import type { Claim } from '../claim.ts';
import { changedNode, type NodeView } from '../node.ts';
import { factsOf, nodeTransitions } from '../node-facts.ts';
import type { NodeCheckPolicy, PolicySet } from '../policy.ts';
import { budgetSelects } from '../slot.ts';
import { type AgentState, newState } from '../state.ts';
import { step } from '../step.ts';
import type { NodeTransition } from '../transition.ts';
import type { RunOutcome } from '../verdict.ts';

/** A node and its agent, as far as they have been played. */
export type Played = { readonly state: AgentState; readonly view: NodeView };

/** What became of the node, in order. */
export type Turned = { readonly played: Played; readonly transitions: readonly NodeTransition[] };

/** Of an agent that runs in no pod, so nobody asks which taints it tolerates: the one that is shipped tolerates all. */
const PLAYED_AGENT: Claim = { id: 'played', pod: null, boot: 'played', pid: 1, since: '', hasStandby: false };

/** No time passes but that of the steps, each a minute after the one before, so that what began twice began at two times. */
const STEP_MS = 60_000;
const START_MS = Date.UTC(2000, 0, 1);

/** Writes, answers and ends that follow from one event come to rest in fewer; a bound all the same. */
const MAX_TURNS = 50;

/** An agent that has just begun on this node, with these policies in force. What the node's ledger says counts as failing. */
export function beginNode(view: NodeView, set: PolicySet): Played {
  const state = newState(view.name, PLAYED_AGENT, { ms: 0, wallMs: START_MS });
  const seen = { state, view };
  return turn(turn(seen, { kind: 'NodeSeen', node: view }), reload(set));
}

/** The policies that are in force from now on. */
export function reload(set: PolicySet): AgentEvent {
  return { kind: 'PoliciesRead', load: { valid: true, set }, errors: [] };
}

/** So many runs of the policy's check that all end so. */
export function runMany(played: Played, policy: NodeCheckPolicy, outcome: RunOutcome, times: number): Played {
  let after = played;
  for (let run = 0; run < times; run++) {
    after = turn(after, { kind: 'RunStarted', policy });
    after = turn(after, { kind: 'RunEnded', policy, outcome });
  }
  return after;
}

/** After an event whose orders nobody has obeyed yet. */
export function turn(played: Played, event: AgentEvent): Played {
  return { ...played, state: step(played.state, event, nowOf(played)).state };
}

/**
 * Obeys what is ordered until nothing is: each write lands, each budget grants unless it stops everything, and each drain
 * succeeds at once.
 */
export function settle(from: Played): Turned {
  const transitions: NodeTransition[] = [];
  let played = from;
  for (let turns = 0; turns < MAX_TURNS; turns++) {
    const answer = answerOf(played);
    if (answer === null) return { played, transitions };
    const before = played.view;
    if (answer.kind === 'NodeSeen') {
      transitions.push(...turnsOf(before, answer.node, played.state));
      played = { ...played, view: answer.node };
    }
    played = turn(played, answer);
  }
  throw new Error(`a played node did not come to rest in ${MAX_TURNS} turns`);
}

function answerOf(played: Played): AgentEvent | null {
  const { state, view } = played;
  const { orders } = step(state, { kind: 'Tick' }, nowOf(played));
  if (orders.effects !== null) return { kind: 'NodeSeen', node: landed(view, orders.effects.patch.change) };
  if (orders.slots?.need === 'Want') {
    const names = orders.slots.budgets
      .filter((budget) => budgetSelects(budget, view))
      .map(({ metadata }) => metadata.name);
    const isNews = names.some((name) => !state.slots.granted.includes(name)) || state.slots.nodeUid !== view.uid;
    const answer = { nodeUid: view.uid, held: names, granted: names, denial: null };
    if (isNews) return { kind: 'SlotsAnswered', answer };
  }
  const [drain] = orders.drains.filter(({ policy, since }) => state.drainEnds[policy]?.since !== since);
  if (drain === undefined) return null;
  const { policy, since } = drain;
  return { kind: 'DrainEnded', end: { policy, since, state: 'Drained', problems: [] } };
}

function landed(view: NodeView, change: Parameters<typeof changedNode>[1]): NodeView {
  return { ...changedNode(view, change), resourceVersion: String(Number(view.resourceVersion) + 1) };
}

function turnsOf(before: NodeView, after: NodeView, { drainEnds }: AgentState): readonly NodeTransition[] {
  const [was, is] = [factsOf(before), factsOf(after)];
  return was && is ? nodeTransitions(was, is, after, drainEnds) : [];
}

function nowOf({ view }: Played) {
  const ms = Number(view.resourceVersion) * STEP_MS;
  return { ms, wallMs: START_MS + ms };
}
