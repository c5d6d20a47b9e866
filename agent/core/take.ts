import type { AgentEvent } from './agent-event.ts';
import { type Claim, claimOn, rivalOn } from './claim.ts';
import { decide } from './decide.ts';
import type { DrainEnds } from './effects/drain.ts';
import { countVerdict } from './health.ts';
import { drainsOf, ledgerOf, readLedger } from './ledger.ts';
import type { NodeView } from './node.ts';
import type { NodeCheckPolicy, PolicySet } from './policy.ts';
import { isOlderVersion } from './resource-version.ts';
import {
  adoptLedger,
  forgetCounts,
  rosterOf,
  sameCheck,
  type WatchedPolicy,
  withComplaint,
  withHealth,
  withRun,
  withSilence,
} from './roster.ts';
import { silentAgain, spokenAfter, whySilent } from './silence.ts';
import { NO_SLOTS_ANSWER } from './slot.ts';
import { type AgentState, lastingBugs, lastNodeOf, type Now, nodeOf, RELOOK_MS } from './state.ts';
import { timestamp } from './timestamp.ts';
import { withToldSilence } from './told-silence.ts';
import type { Transition } from './transition.ts';
import { judge, type Verdict } from './verdict.ts';
import { visibleLine } from './words.ts';

/** So many different defects are told; what has this many has one cause, and the metric goes on counting. */
const MAX_BUGS = 20;

/** What is known after an event; with what the event itself has to tell. */
export type Taken = { readonly state: AgentState; readonly transitions: readonly Transition[] };

export function take(state: AgentState, event: AgentEvent, now: Now): Taken {
  const taken = takeEvent(state, event, now);
  const held = mayBeAnothers(state, taken.state) ? withOthersHolds(state, taken.state) : taken.state;
  return { ...taken, state: withToldSilence(state, held, now) };
}

/**
 * Whether what is on the Node now may be another agent's doing, or an earlier life's, and this one acts. No guarded write of
 * theirs lands any more once our claim has stood.
 */
function mayBeAnothers(before: AgentState, after: AgentState): boolean {
  const node = nodeOf(after);
  const last = lastNodeOf(before);
  if (node === null || (node === last && before.told.rival === null)) return false;
  const { own, standing } = after;
  const hasStood = last?.uid === node.uid && claimOn(last)?.id === own.id;
  return !hasStood && rivalOn(node, own, standing) === null;
}

/**
 * It stays until the check is seen to have recovered; what was seen while another one acted is too old to say so. Each hold is
 * taken over once: what is seen again says nothing that the check has not answered since.
 */
function withOthersHolds(before: AgentState, state: AgentState): AgentState {
  const node = nodeOf(state);
  const last = lastNodeOf(before);
  const ledger = ledgerOf(node);
  if (state.told.rival !== null) return { ...state, roster: adoptLedger(state.roster, ledger, null, false) };
  // Of our own write, which may land late, what was seen since it was sent is no older.
  const isOwn = node !== null && claimOn(node)?.id === state.own.id;
  const known = last?.uid === node?.uid ? ledgerOf(last) : null;
  return { ...state, roster: adoptLedger(state.roster, ledger, known, last === null || isOwn) };
}

function takeEvent(state: AgentState, event: AgentEvent, now: Now): Taken {
  switch (event.kind) {
    case 'PoliciesRead':
      return policiesRead(state, event);
    case 'NodeSeen':
      return nodeSeen({ ...state, lookedAtMs: now.ms, own: dated(state, now) }, event, now);
    case 'NodeGone':
      return nodeGone({ ...state, lookedAtMs: now.ms, readAtMs: null });
    case 'RunStarted':
      return {
        state: { ...state, roster: withRun(state.roster, event.policy.metadata.name) },
        transitions: [{ kind: 'CheckStarted', policy: event.policy }],
      };
    case 'RunSkipped':
      return runSkipped(state, event, now);
    case 'RunEnded':
      return runEnded(state, event, now);
    case 'LeftOutsideSeen':
      return quietly({ ...state, leftOutside: visible(event.left) });
    case 'ConditionsWritten':
      return { state, transitions: conditionTransitions(event) };
    case 'Failed': {
      // What it would have done is counted as not done.
      const attempted = event.loop === 'effects' ? (decide(state, now).orders.effects?.transitions ?? []) : [];
      return { state, transitions: [{ kind: 'Trouble', message: event.message, attempted }] };
    }
    case 'BugMet':
      return bugMet(state, event, now);
    case 'SlotsAnswered':
      return quietly({ ...state, slots: event.answer });
    case 'DrainEnded':
      return quietly({ ...state, drainEnds: { ...state.drainEnds, [event.end.policy]: event.end } });
    case 'TolerationsRead':
      return quietly({ ...state, ownTolerations: event.tolerations });
    case 'RivalLooked':
      return quietly(rivalLooked({ ...state, rivalLookedAtMs: now.ms }, event));
    case 'LookFailed':
      return quietly({ ...state, lookedAtMs: now.ms, readAtMs: state.readAtMs === null ? null : now.ms + RELOOK_MS });
    case 'Tick':
      return quietly(state);
    default:
      return event satisfies never;
  }
}

function quietly(state: AgentState): Taken {
  return { state, transitions: [] };
}

/** What is invalid changes nothing but the report. */
function policiesRead(state: AgentState, { load, errors }: Extract<AgentEvent, { kind: 'PoliciesRead' }>): Taken {
  if (!load.valid) {
    const inForce = state.inForce?.revision ?? null;
    return {
      state: { ...state, newestErrors: errors },
      transitions: [{ kind: 'PolicyInvalid', errors, inForce }],
    };
  }
  // Whether a defect shows under this one, too, is open.
  const known = { ...state, newestErrors: [], inForce: load.set, bugs: [] };
  return { state: withRoster(known, load.set), transitions: [{ kind: 'PolicyInForce', set: load.set }] };
}

/** Which policies apply, after a reload or a change of the node's labels. */
function withRoster(state: AgentState, set: PolicySet): AgentState {
  // While there is no Node, the last one's labels are the best guess which checks matter here.
  const last = lastNodeOf(state);
  return { ...state, roster: rosterOf(set.policies, last?.labels ?? null, state.roster, ledgerOf(last)) };
}

/**
 * A view that is older than what is known is ignored: a watch and an answer overtake each other, and a watch that begins anew
 * may begin in the past. But where a read that began after all that is known says so, the API server itself has gone back,
 * as it does when its store is restored from a backup.
 */
function nodeSeen(
  state: AgentState,
  { node: view, knownBefore }: Extract<AgentEvent, { kind: 'NodeSeen' }>,
  now: Now,
): Taken {
  const last = lastNodeOf(state);
  const isOlder = last !== null && isOlderVersion(view.resourceVersion, last.resourceVersion, false);
  if (isOlder && knownBefore !== last.resourceVersion) {
    return quietly({ ...state, readAtMs: state.readAtMs ?? now.ms });
  }
  // Who finds no Node at its start has counted for none.
  const isAnother = last === null ? state.node.kind === 'Gone' : last.uid !== view.uid;
  // The same version again, after it was said to be gone: either that was not so, or this is from before.
  const isDoubtful = state.node.kind === 'Gone' && view.resourceVersion === last?.resourceVersion;
  const readAtMs = knownBefore === undefined ? state.readAtMs : null;
  let next: AgentState = {
    ...state,
    node: { kind: 'There', view },
    readAtMs: isDoubtful ? now.ms : readAtMs,
    drainEnds: openEnds(state.drainEnds, view),
    landings: landingsOf(state.landings, last, view, now),
  };
  if (claimOn(view)?.id === state.own.id) next = { ...next, standing: { ...next.standing, claimedUid: view.uid } };
  if (isAnother) {
    // Nothing is known of a newcomer: what was asked, counted and done was about another node.
    next = { ...next, roster: forgetCounts(next.roster), slots: NO_SLOTS_ANSWER, drainEnds: {} };
  }
  const isRelabelled = last === null || isAnother || JSON.stringify(last.labels) !== JSON.stringify(view.labels);
  if (isRelabelled && next.inForce !== null) next = withRoster(next, next.inForce);
  return { state: next, transitions: isAnother ? [{ kind: 'NodeReplaced', uid: view.uid }] : [] };
}

/** Those of drains that the ledger knows of. */
function openEnds(ends: DrainEnds, view: NodeView): DrainEnds {
  const drains = drainsOf(ledgerOf(view));
  const open = Object.entries(ends).filter(([policy, { since }]) =>
    drains.some((drain) => drain.policy === policy && drain.since === since),
  );
  return Object.fromEntries(open);
}

/** A drain has landed when the Node that was seen without it is seen with it; a ledger that cannot be read shows neither. */
function landingsOf(
  known: AgentState['landings'],
  last: NodeView | null,
  view: NodeView,
  now: Now,
): AgentState['landings'] {
  if (!readLedger(view).readable) return known;
  const before = drainsOf(ledgerOf(last));
  const sawLast = last !== null && readLedger(last).readable;
  const entries = drainsOf(ledgerOf(view)).flatMap(({ policy, since }) => {
    const landing = known.get(policy);
    if (landing?.since === since) return [[policy, landing] as const];
    const isNew = sawLast && !before.some((drain) => drain.policy === policy && drain.since === since);
    return isNew ? [[policy, { since, atMs: now.ms }] as const] : [];
  });
  return new Map(entries);
}

/** Our claim, which says when we started by the API server's clock, once that is known. */
function dated({ node, own, startedAtMs }: AgentState, now: Now): Claim {
  return node.kind === 'Unread' ? { ...own, since: timestamp(now.wallMs - (now.ms - startedAtMs)) } : own;
}

/** One that is back with the UID it had was never gone, so nothing is forgotten yet. */
function nodeGone(state: AgentState): Taken {
  if (state.node.kind === 'Gone') return quietly(state);
  return { state: { ...state, node: { kind: 'Gone', last: nodeOf(state) } }, transitions: [{ kind: 'NodeGone' }] };
}

/** What is known of the very check that a run is of. What another command said says nothing about the one in force now. */
function watchedCheck({ roster }: AgentState, policy: NodeCheckPolicy): WatchedPolicy | undefined {
  return sameCheck(roster.get(policy.metadata.name), policy);
}

/** Of a run that takes longer than its period, and not than it may, the end will say more. */
function runSkipped(
  state: AgentState,
  { policy, isHung }: Extract<AgentEvent, { kind: 'RunSkipped' }>,
  now: Now,
): Taken {
  const transitions = [{ kind: 'CheckSkipped', policy } as const];
  const watched = watchedCheck(state, policy);
  if (watched === undefined || !isHung) return { state, transitions };
  const silence = silentAgain(watched.silence, 'left out: the run before has not ended', now);
  if (silence === watched.silence) return { state, transitions };
  return { state: { ...state, roster: withSilence(state.roster, policy.metadata.name, silence) }, transitions };
}

function runEnded(state: AgentState, { policy, outcome }: Extract<AgentEvent, { kind: 'RunEnded' }>, now: Now): Taken {
  const { name } = policy.metadata;
  const watched = watchedCheck(state, policy);
  if (watched === undefined) return quietly(state);
  const judgement = judge(outcome, watched.policy.spec.check);
  if (judgement.status === 'Fatal') {
    const { words: complaint } = judgement;
    const fatal = state.fatal ?? { policy: watched.policy, outcome, complaint, atMs: now.ms };
    return quietly({ ...state, fatal, roster: withComplaint(state.roster, name, complaint) });
  }
  const verdict: Verdict = judgement;
  if (watched.awaitsRun) {
    const ended = { kind: 'CheckEnded', policy: watched.policy, outcome, verdict, health: watched.health } as const;
    return { state, transitions: [ended] };
  }
  const health = countVerdict(watched.health, verdict, watched.policy.spec.check);
  const isSilent = verdict.status === 'Unknown';
  const silence = isSilent ? silentAgain(watched.silence, whySilent(verdict), now) : spokenAfter(watched.silence, now);
  return {
    state: { ...state, roster: withSilence(withHealth(state.roster, name, health, verdict), name, silence) },
    transitions: [{ kind: 'CheckEnded', policy: watched.policy, outcome, verdict, health }],
  };
}

/** Whatever a process calls itself, it is one visible line. */
function visible(left: AgentState['leftOutside']): AgentState['leftOutside'] {
  const lines = [...left].map(([policy, { processes, example }]) => {
    return [policy, { processes, example: visibleLine(example) }] as const;
  });
  return new Map(lines);
}

function conditionTransitions({ patch }: Extract<AgentEvent, { kind: 'ConditionsWritten' }>): Transition[] {
  return [
    ...patch.set.map((change) => ({ kind: 'ConditionWritten' as const, change })),
    ...patch.remove.map((type) => ({ kind: 'ConditionRemoved' as const, type })),
  ];
}

/** Each is counted, and told once for as long as it lasts. */
function bugMet(state: AgentState, { text, stack }: Extract<AgentEvent, { kind: 'BugMet' }>, now: Now): Taken {
  const others = lastingBugs(state, now).filter((bug) => bug.text !== text);
  const before = lastingBugs(state, now).find((bug) => bug.text === text);
  if (before === undefined && others.length >= MAX_BUGS) {
    return { state, transitions: [{ kind: 'InternalError', text, stack, isNews: false }] };
  }
  const isNews = before === undefined;
  return {
    state: { ...state, bugs: [...others, { text, atMs: now.ms }] },
    transitions: [{ kind: 'InternalError', text, stack, isNews }],
  };
}

function rivalLooked(state: AgentState, { id, isGone }: Extract<AgentEvent, { kind: 'RivalLooked' }>): AgentState {
  return { ...state, standing: { ...state.standing, looked: { id, isGone } } };
}
