import type { Attempt, DrainState } from './drain-state.ts';
import { deletionSeconds } from './drain-verdict.ts';
import type { Choice } from './eviction-choice.ts';
import { isNewcomer } from './origins.ts';
import { CRITICAL_PRIORITY, isCritical, isFinished, type PodView } from './pod.ts';

/** What an attempt under way wants. */
export type Wanted = {
  readonly attempt: Attempt;
  readonly choice: Choice;
  /** Whether its evictions may begin. */
  readonly isReady: boolean;
  readonly needsLook: boolean;
};

/** A pod, the attempts that want it gone, and the shortest grace period that they ask for; null: the pod's own. */
export type Candidate = {
  readonly pod: PodView;
  readonly by: readonly Attempt[];
  readonly gracePeriodSeconds: number | null;
};

/**
 * Pods that are deleted, by UID, as the deadline of a drain has passed: all that are left, also those that end already
 * but were given longer. In the order that they go in: by rank, critical ones last.
 */
export function chooseDeletions(wanted: readonly Wanted[]): ReadonlyMap<string, Candidate> {
  const deleting = wanted.filter(({ attempt }) => attempt.phase === 'Deleting');
  const candidates = new Map<string, Candidate>();
  for (const { attempt, choice } of deleting) {
    for (const pod of [...choice.evict, ...choice.wait]) {
      const seconds = deletionSeconds(attempt, pod);
      if (pod.deletionGracePeriodSeconds !== null && pod.deletionGracePeriodSeconds <= seconds) continue;
      const isOwn = attempt.order.rules.gracePeriodSeconds === null && seconds === pod.terminationGracePeriodSeconds;
      add(candidates, pod, attempt, isOwn ? null : seconds);
    }
  }
  return new Map([...candidates].sort(([, a], [, b]) => rankOf(a.pod) - rankOf(b.pod)));
}

/**
 * Pods that may be evicted now, the next first, and when others may be. Those that came while the node is drained go last
 * and hold up no other: there may be new ones for ever.
 */
export function chooseUpNext(
  state: DrainState,
  wanted: readonly Wanted[],
  nowMs: number,
): { readonly candidates: readonly Candidate[]; readonly wakesMs: readonly number[] } {
  const evicting = wanted.filter(({ attempt, isReady }) => attempt.phase === 'Evicting' && isReady);
  const all = new Map<string, Candidate>();
  for (const { attempt, choice } of evicting) {
    for (const pod of choice.evict) add(all, pod, attempt, attempt.order.rules.gracePeriodSeconds);
  }
  const wakesMs: number[] = [];
  const untried: Candidate[] = [];
  const due: { candidate: Candidate; untilMs: number }[] = [];
  let lowest = Number.POSITIVE_INFINITY;
  for (const candidate of all.values()) {
    const { pod } = candidate;
    const progress = state.progress.get(pod.uid);
    if (progress?.state.kind === 'Waiting') {
      const { untilMs } = progress.state;
      if (untilMs <= nowMs) due.push({ candidate, untilMs });
      else wakesMs.push(untilMs);
    } else if (progress === undefined) {
      untried.push(candidate);
    }
    const isUnanswered =
      progress === undefined ||
      (progress.state.kind === 'InFlight' && progress.said === null && progress.silence === null);
    if (isUnanswered && !isNewcomer(state, pod, candidate.by)) lowest = Math.min(lowest, rankOf(pod));
  }
  const first = untried
    .filter(({ pod }) => rankOf(pod) <= lowest)
    .filter((candidate) => {
      const fromMs = criticalFromMs(state, candidate, evicting);
      if (fromMs > nowMs) wakesMs.push(fromMs);
      return fromMs <= nowMs;
    })
    .sort((a, b) => rankOf(a.pod) - rankOf(b.pod));
  const again = due.sort((a, b) => a.untilMs - b.untilMs).map(({ candidate }) => candidate);
  return { candidates: newcomersLast(state, [...first, ...again]), wakesMs };
}

/** In the same order, but for those that came while the node is drained. */
export function newcomersLast(state: DrainState, candidates: readonly Candidate[]): readonly Candidate[] {
  const isNew = ({ pod, by }: Candidate) => isNewcomer(state, pod, by);
  return [...candidates.filter((each) => !isNew(each)), ...candidates.filter(isNew)];
}

/**
 * The order that pods go in: what has finished, then by priority. A pod is first tried when every pod of a lower rank has
 * had an answer, whatever it was: one that its budget keeps here holds nobody up. Its class makes a pod critical, whatever
 * priority it says.
 */
function rankOf(pod: PodView): number {
  if (isFinished(pod)) return Number.NEGATIVE_INFINITY;
  return isCritical(pod) ? Math.max(pod.priority, CRITICAL_PRIORITY) : pod.priority;
}

/** A critical pod waits until the others are gone, for they may need it to end; but for half of the time at most. */
function criticalFromMs(state: DrainState, { pod, by }: Candidate, evicting: readonly Wanted[]): number {
  if (!isCritical(pod) || isFinished(pod)) return Number.NEGATIVE_INFINITY;
  const froms = by.map((attempt) => {
    const choice = evicting.find((each) => each.attempt === attempt)?.choice;
    const others = [...(choice?.evict ?? []), ...(choice?.wait ?? [])].some(
      (other) => !isCritical(other) && !isNewcomer(state, other, [attempt]),
    );
    return others ? attempt.startedMs + (attempt.untilMs - attempt.startedMs) / 2 : Number.NEGATIVE_INFINITY;
  });
  return Math.min(...froms);
}

function add(candidates: Map<string, Candidate>, pod: PodView, attempt: Attempt, seconds: number | null): void {
  const before = candidates.get(pod.uid);
  const grace = before === undefined ? seconds : shorter(before.gracePeriodSeconds, seconds, pod);
  candidates.set(pod.uid, { pod, by: [...(before?.by ?? []), attempt], gracePeriodSeconds: grace });
}

function shorter(a: number | null, b: number | null, { terminationGracePeriodSeconds }: PodView): number | null {
  const length = (seconds: number | null) => seconds ?? terminationGracePeriodSeconds;
  return length(b) < length(a) ? b : a;
}
