import type { EvictionNext } from './eviction-answer.ts';
import type { Choice } from './eviction-choice.ts';
import { type PodView, podKey } from './pod.ts';

/** Evictions under way at a time; a pod that waits for its budget or its end takes no place. */
export const MAX_EVICTIONS_IN_FLIGHT = 10;

/** How far the eviction of one pod is. */
export type PodProgress = {
  readonly attempts: number;
  readonly state: /** With what the API server said to the attempt before; null where it said nothing. */
    | { readonly kind: 'InFlight'; readonly before: string | null }
    /** Accepted; the pod goes when its grace period is over. */
    | { readonly kind: 'Accepted' }
    | { readonly kind: 'Waiting'; readonly untilMs: number; readonly why: string };
};

/** By pod UID. */
export type DrainProgress = ReadonlyMap<string, PodProgress>;

export type DrainStep =
  | { readonly kind: 'Refused'; readonly problems: readonly string[] }
  /** Nothing is left that has to go: a fresh list has the last word. */
  | { readonly kind: 'Empty' }
  | {
      readonly kind: 'Go';
      readonly evict: readonly PodView[];
      /** When a pod may be tried again, on the clock of `nowMs`; null: nothing to do until something changes. */
      readonly wakeAtMs: number | null;
    }
  /** The deadline has passed with these left. */
  | { readonly kind: 'Late'; readonly remaining: readonly PodView[]; readonly problems: readonly string[] };

/** Chooses the next step of a drain from the pods as they are now. */
export function nextDrainStep(choice: Choice, progress: DrainProgress, nowMs: number, deadlineMs: number): DrainStep {
  if (choice.refuse.length > 0) {
    const problems = choice.refuse.map(({ pod, reasons }) => `pod ${podKey(pod)}: ${reasons.join('; ')}`);
    return { kind: 'Refused', problems };
  }
  const remaining = [...choice.evict, ...choice.wait];
  if (remaining.length === 0) return { kind: 'Empty' };
  if (nowMs >= deadlineMs)
    return { kind: 'Late', remaining, problems: remaining.map((pod) => describeRemaining(pod, progress)) };

  const inFlight = [...progress.values()].filter(({ state }) => state.kind === 'InFlight').length;
  const due = choice.evict.filter(({ uid }) => isDue(progress.get(uid), nowMs));
  const waits = choice.evict.flatMap(({ uid }) => {
    const state = progress.get(uid)?.state;
    return state?.kind === 'Waiting' && state.untilMs > nowMs ? [state.untilMs] : [];
  });
  return {
    kind: 'Go',
    evict: due.slice(0, Math.max(0, MAX_EVICTIONS_IN_FLIGHT - inFlight)),
    wakeAtMs: waits.length > 0 ? Math.min(...waits) : null,
  };
}

/** The progress of a pod whose eviction is asked for now. */
export function progressInFlight(before: PodProgress | undefined): PodProgress {
  const said = before?.state.kind === 'Waiting' ? before.state.why : null;
  return { attempts: (before?.attempts ?? 0) + 1, state: { kind: 'InFlight', before: said } };
}

/**
 * The progress of a pod after an answer to its eviction.
 *
 * An answer that was lost, often because the deadline cut it off, says less than the one before: a budget that refuses is
 * what somebody has to know who looks at a drain that gave up.
 */
export function progressAfter(before: PodProgress, next: EvictionNext, nowMs: number): PodProgress {
  switch (next.kind) {
    case 'Wait':
    case 'Gone':
      return { ...before, state: { kind: 'Accepted' } };
    case 'Recheck':
      return {
        ...before,
        state: { kind: 'Waiting', untilMs: nowMs, why: saidBefore(before) ?? 'the answer was lost' },
      };
    case 'Retry':
      return { ...before, state: { kind: 'Waiting', untilMs: nowMs + next.afterMs, why: next.why } };
    case 'Fail':
      return { ...before, state: { kind: 'Waiting', untilMs: Number.POSITIVE_INFINITY, why: next.why } };
    default:
      return next satisfies never;
  }
}

/** What the API server said to the attempt before the one in flight; null where it said nothing. */
export function saidBefore({ state }: PodProgress): string | null {
  return state.kind === 'InFlight' ? state.before : null;
}

function isDue(progress: PodProgress | undefined, nowMs: number): boolean {
  return progress === undefined || (progress.state.kind === 'Waiting' && progress.state.untilMs <= nowMs);
}

function describeRemaining(pod: PodView, progress: DrainProgress): string {
  return `pod ${podKey(pod)}: ${whyRemaining(pod, progress.get(pod.uid)?.state)}`;
}

function whyRemaining({ terminating }: PodView, state: PodProgress['state'] | undefined): string {
  if (terminating || state?.kind === 'Accepted') return 'it is terminating still';
  if (state === undefined) return 'it was not tried yet';
  if (state.kind === 'Waiting') return state.why;
  return state.before ?? 'the API server has not answered yet';
}
