import type { PodView } from './pod.ts';

/** UIDs of pods that went are kept, so that a late word of one brings it not back; beyond so many the oldest go. */
const MAX_GONE = 10_000;

/** The pods of the node as lists, events and answers tell of them, in whatever order those arrive. */
export type KnownPods = {
  readonly byUid: ReadonlyMap<string, PodView>;
  /**
   * UIDs that went, which never come back: a list asked for before that may still show them. With the turn at which an
   * answer said so; null where the watch did, whose word is final.
   */
  readonly gone: ReadonlyMap<string, number | null>;
};

export const NO_PODS: KnownPods = { byUid: new Map(), gone: new Map() };

/** These are all there are, as a list says that was asked for nobody knows when. */
export function replacePods({ byUid, gone }: KnownPods, pods: readonly PodView[]): KnownPods {
  const there = pods.filter(({ uid }) => !gone.has(uid));
  return { byUid: new Map(there.map((pod) => [pod.uid, latest(byUid, pod)])), gone };
}

/**
 * These are there, as a list says that was asked for at `turn`; what came since is not in it, so it takes away only what
 * was known by then.
 *
 * @param knew the pods that were known at that turn
 * @returns also the pods which it shows although an answer before it said that they are not there: one of the two is
 * wrong, so they count as there
 */
export function reviewPods(
  { byUid, gone }: KnownPods,
  pods: readonly PodView[],
  turn: number,
  knew: KnownPods['byUid'],
): { known: KnownPods; contradicted: readonly PodView[] } {
  const contradicted = pods.filter(({ uid }) => (gone.get(uid) ?? turn) < turn);
  const stillGone = new Map(gone);
  for (const { uid } of contradicted) stillGone.delete(uid);
  const there = new Map(byUid);
  for (const pod of pods) if (!stillGone.has(pod.uid)) there.set(pod.uid, latest(byUid, pod));
  const listed = new Set(pods.map(({ uid }) => uid));
  const left = [...knew.keys()].filter((uid) => there.has(uid) && !listed.has(uid));
  const known = left.reduce((after: KnownPods, uid) => forgetPod(after, uid, turn), { byUid: there, gone: stillGone });
  return { known, contradicted };
}

export function updatePod(known: KnownPods, pod: PodView): KnownPods {
  if (known.gone.has(pod.uid)) return known;
  return { ...known, byUid: new Map(known.byUid).set(pod.uid, latest(known.byUid, pod)) };
}

/** @param turn at which an answer said so; null: the watch did */
export function forgetPod({ byUid, gone }: KnownPods, uid: string, turn: number | null): KnownPods {
  const left = new Map(byUid);
  left.delete(uid);
  const more = new Map(gone).set(uid, gone.get(uid) === null ? null : turn);
  const oldest = more.size > MAX_GONE ? more.keys().next().value : undefined;
  if (oldest !== undefined) more.delete(oldest);
  return { byUid: left, gone: more };
}

/** A pod that terminates does so to its end: a view of it that does not is older. */
function latest(byUid: KnownPods['byUid'], pod: PodView): PodView {
  const before = byUid.get(pod.uid);
  return before?.terminating && !pod.terminating ? before : pod;
}
