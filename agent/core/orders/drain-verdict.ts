import { holdsTheEnd, type LookupProgress, NOT_LOOKED_UP } from './daemon-sets.ts';
import { type Attempt, type DrainState, podsOf } from './drain-state.ts';
import { describeLeft, groupByReason } from './drain-words.ts';
import { type Choice, chooseEvictions, daemonSetKey } from './eviction-choice.ts';
import type { KnownPods } from './known-pods.ts';
import type { PodView } from './pod.ts';

/** A node that seems empty is worth one more look, even past the deadline. */
export const LAST_LOOK_MS = 2_000;
/**
 * How long pods deleted at the deadline may take to end, beyond their grace periods; and how long nobody is told that pods
 * which are due to be deleted cannot be listed.
 */
const DELETED_MS = 60_000;

/** How an attempt ended. */
export type AttemptEnd = {
  readonly attempt: Attempt;
  readonly state: 'Drained' | 'GaveUp' | 'Aborted';
  readonly skipped: Choice['skip'];
  readonly problems: readonly string[];
};

export type Verdict =
  | { readonly kind: 'Ended'; readonly end: AttemptEnd }
  | {
      readonly kind: 'Goes';
      readonly attempt: Attempt;
      /** null until the pods were listed, and when it asks for nothing more. */
      readonly choice: Choice | null;
      /** Every DaemonSet was asked for once, so the choice says all there is to refuse. */
      readonly isReady: boolean;
      /** Nothing seems to be left: a list asked for from now on has the last word. */
      readonly needsLook: boolean;
    };

/** What an attempt has come to, from the pods as they are known now. */
export function judgeAttempt(state: DrainState, before: Attempt, nowMs: number): Verdict {
  const there = before.there ?? (state.pods === null ? null : new Set(state.pods.byUid.keys()));
  const attempt = { ...before, there };
  const isLate = nowMs >= attempt.untilMs;
  if (attempt.fatal !== null) return judgeFatal(state, attempt, attempt.fatal, nowMs);
  if (state.pods === null) {
    const goes: Verdict = { kind: 'Goes', attempt, choice: null, isReady: false, needsLook: false };
    if (nowMs < attempt.untilMs + (attempt.deletesMs === null ? 0 : DELETED_MS)) return goes;
    const problem = `the pods of the node could not be read: ${state.podsProblem ?? 'no answer'}`;
    return ended(attempt, 'GaveUp', [], [problem]);
  }

  const choice = choiceOf(state, attempt);
  const isReady = unknownIn(choice).every((pod) => lookupOf(state, pod)?.lookup != null);
  // One that comes later stays and is told; it takes back nothing that was promised for the others.
  const isBegun = choice.refuse.every(({ pod }) => there?.has(pod.uid) !== true);
  if (!isBegun && (isReady || isLate)) return ended(attempt, 'GaveUp', choice.skip, describeRefused(choice));
  const isDue = isLate && attempt.deletesMs !== null && attempt.phase === 'Evicting';
  // A look-up that is on its way may say that nothing may be taken at all; one that takes so long holds up no deletion.
  const isAwaited = unknownIn(choice).some((pod) => {
    const { lookup, isInFlight, sentMs } = lookupOf(state, pod) ?? NOT_LOOKED_UP;
    return lookup === null && (!isInFlight || nowMs < Math.max(attempt.untilMs, sentMs) + LAST_LOOK_MS);
  });
  if (isDue && isAwaited) return { kind: 'Goes', attempt, choice, isReady, needsLook: false };
  return judgeLeft(state, isDue ? beginDeleting(attempt, choice, state.pods, nowMs) : attempt, choice, isReady, nowMs);
}

/** It asks for nothing more; what it has asked for may be answered still, and tell how many pods it is about. */
function judgeFatal(
  state: DrainState,
  attempt: Attempt,
  { saidMs, refused }: NonNullable<Attempt['fatal']>,
  nowMs: number,
): Verdict {
  const isAsking = [...state.progress.values()].some(
    (each) => each.state.kind === 'InFlight' && each.state.policies.includes(attempt.order.policy),
  );
  if (isAsking && nowMs < Math.min(attempt.untilMs, saidMs + LAST_LOOK_MS)) {
    return { kind: 'Goes', attempt, choice: null, isReady: false, needsLook: false };
  }
  const choice = choiceOf(state, attempt);
  const uids = new Set(refused.map(({ pod }) => pod.uid));
  const others = [...choice.evict, ...choice.wait].filter(({ uid }) => !uids.has(uid));
  const problems = [
    ...groupByReason(refused),
    ...describeRefused(choice),
    ...describeLeft(state, others, nowMs, 'End'),
  ];
  return ended(attempt, 'GaveUp', choice.skip, problems);
}

function judgeLeft(state: DrainState, attempt: Attempt, choice: Choice, isReady: boolean, nowMs: number): Verdict {
  const left = [...choice.evict, ...choice.wait];
  const unresolved = unknownIn(choice).filter((pod) => holdsTheEnd(lookupOf(state, pod) ?? NOT_LOOKED_UP));
  if (left.length + choice.refuse.length + unresolved.length === 0) {
    const emptySince = attempt.emptySince ?? state.turn;
    if (state.look.answeredFrom >= emptySince) return ended(attempt, 'Drained', choice.skip, []);
    if (nowMs >= attempt.untilMs + LAST_LOOK_MS) return ended(attempt, 'GaveUp', choice.skip, [unseen(state)]);
    return { kind: 'Goes', attempt: { ...attempt, emptySince }, choice, isReady, needsLook: true };
  }
  const onlyRefused = left.length + unresolved.length === 0;
  if (nowMs >= attempt.untilMs || onlyRefused) {
    const problems = [...describeLeft(state, left, nowMs, 'End'), ...describeUnresolved(state, unresolved)];
    return ended(attempt, 'GaveUp', choice.skip, [...describeRefused(choice), ...problems]);
  }
  return { kind: 'Goes', attempt: { ...attempt, emptySince: null }, choice, isReady, needsLook: false };
}

function ended(
  attempt: Attempt,
  state: 'Drained' | 'GaveUp',
  skipped: Choice['skip'],
  problems: readonly string[],
): Verdict {
  return { kind: 'Ended', end: { attempt, state, skipped, problems } };
}

/** When time alone may change what an attempt comes to, the soonest after now; null: never. */
export function nextLookMs({ phase, untilMs, fatal }: Attempt, nowMs: number): number | null {
  if (phase === 'Drained') return null;
  const answersMs = fatal === null ? [] : [fatal.saidMs + LAST_LOOK_MS];
  const later = [...answersMs, untilMs, untilMs + LAST_LOOK_MS, untilMs + DELETED_MS].filter((ms) => ms > nowMs);
  return later.length === 0 ? null : Math.min(...later);
}

/**
 * The grace period of a deletion at the deadline, in seconds: the policy's; where it leaves it to the pod, the pod's own,
 * yet none longer than the whole drain was given.
 */
export function deletionSeconds({ order: { rules } }: Attempt, pod: PodView): number {
  return rules.gracePeriodSeconds ?? Math.min(pod.terminationGracePeriodSeconds, Math.ceil(rules.timeoutSeconds));
}

function beginDeleting(attempt: Attempt, { evict, wait }: Choice, pods: KnownPods, nowMs: number): Attempt {
  const longest = Math.max(0, ...[...evict, ...wait].map((pod) => deletionSeconds(attempt, pod)));
  const due = attempt.due ?? new Set(pods.byUid.keys());
  return { ...attempt, phase: 'Deleting', untilMs: nowMs + longest * 1000 + DELETED_MS, due };
}

function unknownIn({ skip }: Choice): readonly PodView[] {
  return skip.filter(({ reason }) => reason === 'DaemonSetUnknown').map(({ pod }) => pod);
}

function lookupOf(state: DrainState, pod: PodView): LookupProgress | undefined {
  return state.daemonSets.get(daemonSetKey(pod) ?? '');
}

function choiceOf(state: DrainState, { order }: Attempt): Choice {
  const { nodeName, ownPod } = state;
  const daemonSets = new Map(
    [...state.daemonSets].flatMap(([key, { lookup }]) => (lookup === null ? [] : [[key, lookup] as const])),
  );
  return chooseEvictions(podsOf(state), { nodeName, ownPod, drain: order.rules, daemonSets });
}

function unseen({ look }: DrainState): string {
  const problem = look.problem === null ? '' : `: ${look.problem}`;
  return `whether pods are left could not be read in time${problem}`;
}

function describeRefused({ refuse }: Choice): readonly string[] {
  return groupByReason(refuse.map(({ pod, reasons }) => ({ pod, why: reasons.join('; ') })));
}

function describeUnresolved(state: DrainState, pods: readonly PodView[]): readonly string[] {
  const entries = pods.map((pod) => {
    const lookup = lookupOf(state, pod)?.lookup;
    const problem = lookup?.kind === 'Unknown' ? lookup.problem : 'no answer';
    return { pod, why: `whether its DaemonSet is there could not be found out: ${problem}` };
  });
  return groupByReason(entries);
}
