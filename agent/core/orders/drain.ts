import { backoffMs } from '../backoff.ts';
import { DELETING_AGAIN, NEWCOMERS, refill } from './allowance.ts';
import { nextAttempt } from './attempts.ts';
import { chooseCalls, type DrainCall } from './drain-calls.ts';
import { type Attempt, type DrainState, isActive, withoutPods } from './drain-state.ts';
import { type AttemptEnd, judgeAttempt, nextLookMs } from './drain-verdict.ts';
import { describeLeft } from './drain-words.ts';
import type { PodView } from './pod.ts';
import type { Wanted } from './up-next.ts';

/** A drain that gave up is tried again while its policy fails; whoever has to mend something needs minutes. */
const RETRY = { baseMs: 30_000, maxMs: 300_000 };

export type DrainStep = {
  readonly state: DrainState;
  /** To be sent now, each answered with an event. */
  readonly calls: readonly DrainCall[];
  /** Attempts that ended with this step. */
  readonly ends: readonly AttemptEnd[];
  /** What the attempts under way chose, once they know all of it. */
  readonly wanted: readonly Wanted[];
  /** Pods that still have to go, each once. */
  readonly left: readonly PodView[];
  /** Whether the pods of the node have to be followed. */
  readonly needsPods: boolean;
  /** When the next step is due, on the clock of `nowMs`, always after it; null: when something happens. */
  readonly wakeAtMs: number | null;
};

/**
 * The next step of a node's drain: pure, so the same state at the same time always gives the same step.
 *
 * @param random from 0 (inclusive) to 1 (exclusive)
 */
export function nextDrainStep(before: DrainState, nowMs: number, random: number): DrainStep {
  const begun = beginTurn(before, nowMs);
  const attempts = new Map(begun.attempts);
  const ends: AttemptEnd[] = [];
  const wanted: Wanted[] = [];
  for (const [policy, attempt] of begun.attempts) {
    if (!isActive(attempt)) continue;
    const verdict = judgeAttempt(begun, attempt, nowMs);
    if (verdict.kind === 'Ended') {
      ends.push(verdict.end);
      attempts.set(policy, attemptEnded(verdict.end, begun.pods === null, nowMs, random));
    } else {
      attempts.set(policy, verdict.attempt);
      if (verdict.choice !== null) wanted.push({ ...verdict, choice: verdict.choice });
    }
  }
  const judged = { ...begun, attempts };
  const needsPods = [...attempts.values()].some(isActive);
  const sending = needsPods
    ? chooseCalls(judged, wanted, nowMs, random)
    : { state: withoutPods(judged, nowMs), calls: [], wakesMs: [] };
  const looksMs = [...attempts.values()].map((attempt) => nextLookMs(attempt, nowMs)).filter((ms) => ms !== null);
  const wakes = [...sending.wakesMs, ...looksMs];
  return {
    state: sending.state,
    calls: sending.calls,
    ends,
    wanted: wanted.filter(({ isReady }) => isReady),
    left: leftOf(wanted),
    needsPods,
    wakeAtMs: wakes.length === 0 ? null : Math.min(...wakes),
  };
}

/** What is waited for and why, for whoever reads the log. */
export function describeWaits(state: DrainState, left: readonly PodView[], nowMs: number): readonly string[] {
  if (state.pods === null) return [`the pods of the node are not known yet: ${state.podsProblem ?? 'no answer'}`];
  return describeLeft(state, left, nowMs, 'Log');
}

/** What rested long enough begins anew. */
function beginTurn(state: DrainState, nowMs: number): DrainState {
  const attempts = new Map(state.attempts);
  for (const [policy, attempt] of state.attempts) {
    if (attempt.phase === 'Resting' && attempt.untilMs <= nowMs) attempts.set(policy, nextAttempt(attempt, nowMs));
  }
  const requests = {
    asking: refill(state.asking, nowMs),
    deletingAgain: refill(state.deletingAgain, nowMs, DELETING_AGAIN),
  };
  const allowances = { ...requests, arriving: refill(state.arriving, nowMs, NEWCOMERS) };
  return { ...state, ...allowances, attempts, turn: state.turn + 1 };
}

/** Until what is left is deleted an attempt rests no longer, and not at all while nobody knows what that is. */
function attemptEnded({ attempt, state }: AttemptEnd, isBlind: boolean, nowMs: number, random: number): Attempt {
  if (state === 'Drained') return { ...attempt, phase: 'Drained' };
  const { number, deletesMs } = attempt;
  const isDue = deletesMs !== null && deletesMs <= nowMs;
  if (isDue && isBlind) return nextAttempt(attempt, nowMs);
  const restedMs = nowMs + backoffMs(number, RETRY, random);
  const untilMs = deletesMs === null || isDue ? restedMs : Math.min(restedMs, deletesMs);
  return { ...attempt, phase: 'Resting', untilMs };
}

function leftOf(wanted: readonly Wanted[]): readonly PodView[] {
  const left = wanted.flatMap(({ choice }) => [...choice.evict, ...choice.wait]);
  return [...new Map(left.map((pod) => [pod.uid, pod])).values()];
}
