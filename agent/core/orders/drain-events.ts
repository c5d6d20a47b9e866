import { backoffMs } from '../backoff.ts';
import { changedAttempt, newAttempt } from './attempts.ts';
import { type LookupProgress, lookupAnswered, NOT_LOOKED_UP } from './daemon-sets.ts';
import type { DrainOrder } from './drain-order.ts';
import { type Attempt, type DrainState, isActive, OUTDATED, type PodProgress } from './drain-state.ts';
import {
  CONTRADICTED,
  decideEviction,
  type EvictionAnswer,
  type EvictionNext,
  isBudgetRefusal,
  MIN_PAUSE_MS,
} from './eviction-answer.ts';
import type { DaemonSetLookup } from './eviction-choice.ts';
import { dropped, withPaces } from './interruption.ts';
import { forgetPod, NO_PODS, replacePods, reviewPods, updatePod } from './known-pods.ts';
import { sentAway, withPods } from './origins.ts';
import type { PodView } from './pod.ts';

/** A node that seems empty is listed once more; a list that does not settle it is followed by others, ever slower. */
const RELIST = { baseMs: 200, maxMs: 10_000 };
/** The words for a pod that one answer knows and another does not. */
const CONTRADICTION = 'the API server lists it, and says that there is no such pod';
/** And for one that should be terminating. */
const NOT_ENDED = 'the API server accepted that it ends, and lists it as if it had not';

export type Stopped = { readonly attempt: Attempt; readonly why: string };

/**
 * These drains should be under way, and no other. One that is unchanged goes on; another `since` or other rules begin
 * anew. One that was not ordered for a while is the same drain still: what was due to be deleted stays so, and no more is.
 *
 * @param serverNowMs the API server's wall clock, in milliseconds since the epoch
 * @param why what it says of a drain that is ordered no more
 * @returns also the attempts that stop
 */
export function ordersGiven(
  state: DrainState,
  orders: readonly DrainOrder[],
  nowMs: number,
  serverNowMs: number,
  why: string,
): { state: DrainState; stopped: readonly Stopped[] } {
  const attempts = new Map<string, Attempt>();
  for (const order of orders) {
    const current = state.attempts.get(order.policy);
    const before = current ?? state.dropped.get(order.policy);
    const isSame = current !== undefined && keyOf(current.order) === keyOf(order);
    const heardMs = before?.order.since === order.since ? before.heardMs : nowMs;
    attempts.set(
      order.policy,
      isSame ? current : changedAttempt(before, newAttempt(order, heardMs, nowMs, serverNowMs), nowMs),
    );
  }
  const stopped = [...state.attempts.values()]
    .filter((attempt) => isActive(attempt) && attempts.get(attempt.order.policy) !== attempt)
    .map((attempt) => ({ attempt, why: attempts.has(attempt.order.policy) ? 'it begins anew by other rules' : why }));
  // What an answer said of a pod binds whoever wants it.
  const progress = withoutPolicies(state.progress, new Set(stopped.map(({ attempt }) => attempt.order.policy)));
  // Whether the pods are needed any more is for the next step to say: one that rests may be about to begin.
  return {
    state: { ...withPaces(state, orders, nowMs), attempts, progress, ...dropped(state, attempts, nowMs) },
    stopped,
  };
}

/** What was sent for attempts that stopped is theirs no more, and not that of those in their place. */
function withoutPolicies(progress: DrainState['progress'], stopped: ReadonlySet<string>): DrainState['progress'] {
  const entries = [...progress].map(([uid, each]) => {
    if (each.state.kind !== 'InFlight') return [uid, each] as const;
    const policies = each.state.policies.filter((policy) => !stopped.has(policy));
    return [uid, { ...each, state: { ...each.state, policies } }] as const;
  });
  return new Map(entries);
}

function keyOf({ since, rules }: DrainOrder): string {
  return JSON.stringify([since, rules]);
}

/** The watch lists the pods of the node. */
export function podsListed(state: DrainState, pods: readonly PodView[]): DrainState {
  // A fresh list under way may be older than this one.
  const look = { ...state.look, askedAt: OUTDATED };
  return withPods({ ...state, podsProblem: null, look }, replacePods(state.pods ?? NO_PODS, pods));
}

export function podSeen(state: DrainState, pod: PodView): DrainState {
  return state.pods === null ? state : withPods(state, updatePod(state.pods, pod));
}

/** The watch has seen the pod go. */
export function podGone(state: DrainState, { uid }: PodView): DrainState {
  return state.pods === null ? state : forget(state, uid, null);
}

export function watchFailed(state: DrainState, problem: string): DrainState {
  return { ...state, podsProblem: problem };
}

/**
 * An eviction or a deletion was answered. The answer to an eviction that a deletion has taken the place of counts no more.
 *
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function podAnswered(
  state: DrainState,
  pod: PodView,
  how: PodProgress['how'],
  answer: EvictionAnswer,
  nowMs: number,
  random: number,
): DrainState {
  const before = state.progress.get(pod.uid);
  if (before?.state.kind !== 'InFlight' || before.how !== how) return state;
  const concerned = before.state.policies.flatMap((policy) => {
    const attempt = state.attempts.get(policy);
    return attempt !== undefined && isActive(attempt) ? [attempt] : [];
  });
  const leftMs = Math.max(0, ...concerned.map(({ untilMs }) => untilMs - nowMs));
  const next = decideEviction(answer, how, before.attempts - 1, leftMs, random);
  const attempts = new Map(state.attempts);
  for (const attempt of concerned) attempts.set(attempt.order.policy, attemptAfter(attempt, pod, next, nowMs));
  const progress = new Map(state.progress).set(pod.uid, progressAfter(before, next, answer, state.turn, nowMs));
  const answered = next.kind === 'Wait' ? sentAway(state, pod) : state;
  const after = { ...answered, attempts, progress };
  if (after.pods === null) return withoutProgress(after, pod.uid);
  if (next.kind === 'Gone') return forget(after, pod.uid, state.turn);
  return after.pods.byUid.has(pod.uid) ? after : withoutProgress(after, pod.uid);
}

function attemptAfter(attempt: Attempt, pod: PodView, next: EvictionNext, nowMs: number): Attempt {
  if (next.kind === 'Wait') return { ...attempt, accepted: attempt.accepted + 1 };
  if (next.kind !== 'Fail') return attempt;
  const { saidMs, refused } = attempt.fatal ?? { saidMs: nowMs, refused: [] };
  return { ...attempt, fatal: { saidMs, refused: [...refused, { pod, why: next.why }] } };
}

function progressAfter(
  before: PodProgress,
  next: EvictionNext,
  answer: EvictionAnswer,
  turn: number,
  nowMs: number,
): PodProgress {
  switch (next.kind) {
    case 'Wait':
    case 'Gone': {
      const isOwed = before.isOwed || next.kind === 'Wait';
      return { ...before, isOwed, said: null, isBudget: false, silence: null, state: { kind: 'Accepted', turn } };
    }
    case 'Fail': {
      const untilMs = nowMs + CONTRADICTED.baseMs;
      return { ...before, said: next.why, isBudget: false, silence: null, state: { kind: 'Waiting', untilMs } };
    }
    case 'Recheck':
    case 'Retry': {
      // A wait is cut short by its drain's deadline; another drain may want the pod still.
      const untilMs = nowMs + Math.max(MIN_PAUSE_MS, next.afterMs);
      const state =
        next.kind === 'Retry'
          ? ({ kind: 'Waiting', untilMs } as const)
          : ({ kind: 'Reading', isSent: false, untilMs } as const);
      // No answer says less than the one before: who looks at a drain that gave up has to know what refused.
      if (answer.status === null) return { ...before, silence: next.why, state };
      return { ...before, said: next.why, isBudget: isBudgetRefusal(answer), silence: null, state };
    }
    default:
      return next satisfies never;
  }
}

/** @param found null when there is none of its name */
export function podRead(state: DrainState, pod: PodView, found: PodView | null): DrainState {
  const after = readEnded(state, pod.uid, null);
  if (after.pods === null) return after;
  const isIt = found !== null && found.uid === pod.uid && found.nodeName === pod.nodeName;
  return isIt ? podSeen(after, found) : forget(after, pod.uid, state.turn);
}

export function podReadFailed(state: DrainState, pod: PodView, problem: string): DrainState {
  return readEnded(state, pod.uid, problem);
}

/** It waits for what is left of the back-off. */
function readEnded(state: DrainState, uid: string, problem: string | null): DrainState {
  const before = state.progress.get(uid);
  if (before?.state.kind !== 'Reading') return state;
  const waiting = { ...before, state: { kind: 'Waiting', untilMs: before.state.untilMs } as const };
  const silence = problem ?? before.silence;
  return { ...state, progress: new Map(state.progress).set(uid, { ...waiting, silence }) };
}

/** @param random from 0 (inclusive) to 1 (exclusive) */
export function daemonSetAnswered(
  state: DrainState,
  key: string,
  lookup: DaemonSetLookup,
  nowMs: number,
  random: number,
): DrainState {
  const before: LookupProgress = state.daemonSets.get(key) ?? NOT_LOOKED_UP;
  if (!before.isInFlight) return state;
  return { ...state, daemonSets: new Map(state.daemonSets).set(key, lookupAnswered(before, lookup, nowMs, random)) };
}

/** The fresh list was answered: with the pods, or with why there are none. @param random from 0 to 1 (exclusive) */
export function looked(
  state: DrainState,
  result: readonly PodView[] | Error,
  nowMs: number,
  random: number,
): DrainState {
  const { attempts, askedAt, knew, sentMs } = state.look;
  const failures = result instanceof Error ? state.look.failures + 1 : 0;
  const nextMs = nowMs + backoffMs(Math.max(0, Math.max(attempts, failures) - 1), RELIST, random);
  const ended = { ...state.look, isInFlight: false, failures, nextMs, knew: NO_PODS.byUid };
  if (result instanceof Error) return { ...state, look: { ...ended, problem: result.message } };
  const look = { ...ended, askedMs: sentMs };
  if (state.pods === null || askedAt === OUTDATED) return { ...state, look };
  const { known, contradicted } = reviewPods(state.pods, result, askedAt, knew);
  const progress = new Map(state.progress);
  const tryAgain = (uid: string, said: string) => {
    const before = progress.get(uid);
    if (before?.state.kind === 'InFlight') return;
    const attempts = before?.attempts ?? 1;
    const untilMs = nowMs + backoffMs(attempts - 1, CONTRADICTED, random);
    const words = { said, isBudget: false, silence: null };
    const isOwed = before?.isOwed ?? false;
    progress.set(uid, { how: before?.how ?? 'Evict', attempts, isOwed, ...words, state: { kind: 'Waiting', untilMs } });
  };
  for (const { uid } of contradicted) tryAgain(uid, CONTRADICTION);
  for (const { uid, terminating } of result) {
    const accepted = progress.get(uid)?.state;
    if (!terminating && accepted?.kind === 'Accepted' && accepted.turn < askedAt) tryAgain(uid, NOT_ENDED);
  }
  return { ...withPods(state, known), progress, look: { ...look, answeredFrom: askedAt, problem: null } };
}

/** How often it was tried is kept where only an answer says so: a list may show the pod once more. */
function forget(state: DrainState, uid: string, turn: number | null): DrainState {
  const after = withPods(state, forgetPod(state.pods ?? NO_PODS, uid, turn));
  const isFinal = after.pods?.gone.get(uid) === null;
  const isInFlight = state.progress.get(uid)?.state.kind === 'InFlight';
  return isFinal && !isInFlight ? withoutProgress(after, uid) : after;
}

function withoutProgress(state: DrainState, uid: string): DrainState {
  const progress = new Map(state.progress);
  progress.delete(uid);
  return { ...state, progress };
}
