import { cameBack, owesOne, ownerKey } from './come-back.ts';
import type { Attempt, DrainState } from './drain-state.ts';
import { type KnownPods, NO_PODS } from './known-pods.ts';
import type { PodView } from './pod.ts';

/**
 * How a pod came to be on the node: on the first list since there was nothing to drain; later, for the first time; or in
 * place of one of the same owner that this drain had sent away, maybe before it was interrupted.
 */
export type Origin = 'There' | 'Late' | 'Back';

/**
 * These are the pods from now on. One that ends after this drain has asked for it was sent away, also where no answer says
 * so: a watch tells of the end of a pod before it tells of the next, and an answer comes when it comes.
 */
export function withPods(state: DrainState, pods: KnownPods): DrainState {
  let { owners } = state;
  for (const pod of (state.pods ?? NO_PODS).byUid.values()) {
    const isEnding = !pod.terminating && (pods.byUid.get(pod.uid)?.terminating ?? true);
    const asked = state.progress.get(pod.uid);
    // One that was accepted was counted then.
    const isUncounted = asked !== undefined && asked.state.kind !== 'Accepted' && !asked.isOwed;
    if (isEnding && isUncounted) owners = owesOne(owners, ownerKey(pod));
  }
  const origins = new Map<string, Origin>();
  for (const pod of pods.byUid.values()) {
    const key = ownerKey(pod);
    // After an interruption: nobody saw whether it came since.
    const isFirst = state.origins === null;
    const known = isFirst && pod.terminating ? 'There' : state.origins?.get(pod.uid);
    const after = known === undefined ? cameBack(owners, key) : null;
    owners = after ?? owners;
    const isBack = after !== null || (isFirst && (owners.get(key)?.sent ?? 0) > 0);
    origins.set(pod.uid, known ?? (isBack ? 'Back' : isFirst ? 'There' : 'Late'));
  }
  return { ...state, pods, owners, origins };
}

/** An eviction or a deletion of the pod was accepted. One that is known to end by now, or was accepted before, was counted. */
export function sentAway(state: DrainState, pod: PodView): DrainState {
  const known = state.pods === null ? pod : state.pods.byUid.get(pod.uid);
  if (known === undefined || known.terminating || state.progress.get(pod.uid)?.isOwed) return state;
  return { ...state, owners: owesOne(state.owners, ownerKey(pod)) };
}

/**
 * Whether the pod came to the node after all of these attempts began, which want it gone; or in place of one that was sent
 * away.
 */
export function isNewcomer(
  { origins }: Pick<DrainState, 'origins'>,
  { uid }: PodView,
  by: readonly Attempt[],
): boolean {
  const origin = origins?.get(uid) ?? 'There';
  return origin === 'Back' || (origin === 'Late' && by.every(({ there }) => there?.has(uid) !== true));
}
