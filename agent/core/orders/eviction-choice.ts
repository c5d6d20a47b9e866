import { selectorMatches } from '../label-selector.ts';
import type { DrainRules } from './drain-rules.ts';
import { isFinished, type PodName, type PodView, podKey } from './pod.ts';

/** What the API server says of the DaemonSet that a pod names as its controller. */
export type DaemonSetLookup =
  | { readonly kind: 'Found'; readonly uid: string }
  | { readonly kind: 'NotFound' }
  /** The look-up itself did not succeed. */
  | {
      readonly kind: 'Unknown';
      readonly problem: string;
      /** The API server will not have it, and hardly will the next time; absent: it may go better. */
      readonly isRefusal?: boolean;
    };

export type SkipReason = 'DaemonSet' | 'DaemonSetUnknown' | 'Mirror' | 'OwnPod' | 'NotSelected' | 'NamespaceExcluded';

/** A pod that may not be evicted as the policy stands, with what to change. */
export type Refusal = { readonly pod: PodView; readonly reasons: readonly string[] };

export type Choice = {
  readonly evict: readonly PodView[];
  /** Terminating already: waited for, not evicted a second time. */
  readonly wait: readonly PodView[];
  readonly skip: readonly { readonly pod: PodView; readonly reason: SkipReason }[];
  /** If any was there when the drain began, nothing is evicted: a drain that cannot end should not begin. */
  readonly refuse: readonly Refusal[];
};

export type ChoiceRules = {
  readonly nodeName: string;
  readonly drain: DrainRules;
  readonly ownPod: PodName | null;
  /** By the key of {@link daemonSetKey}; one that is missing counts as Unknown. */
  readonly daemonSets: ReadonlyMap<string, DaemonSetLookup>;
};

/** Says for every pod of a node what a drain does with it. The rules are kubectl drain's, except where noted. */
export function chooseEvictions(pods: readonly PodView[], rules: ChoiceRules): Choice {
  const evict: PodView[] = [];
  const wait: PodView[] = [];
  const skip: { pod: PodView; reason: SkipReason }[] = [];
  const refuse: Refusal[] = [];
  for (const pod of pods) {
    if (pod.nodeName !== rules.nodeName) continue;
    const reason = skipReason(pod, rules);
    if (reason !== null) {
      skip.push({ pod, reason });
    } else if (pod.terminating) {
      // Finished and terminating is off the node, whatever finalizers still hold the object.
      if (!isFinished(pod)) wait.push(pod);
    } else {
      const reasons = refusalReasons(pod, rules);
      if (reasons.length > 0) refuse.push({ pod, reasons });
      else evict.push(pod);
    }
  }
  return { evict, wait, skip, refuse };
}

/**
 * Which DaemonSet a pod names, as namespace/name/UID; null for a pod that names none. One that is made anew during the drain
 * is another one: what is known of its namesake says nothing of its pods.
 */
export function daemonSetKey({ namespace, controller }: PodView): string | null {
  const isDaemonSet = controller?.kind === 'DaemonSet' && controller.apiVersion === 'apps/v1';
  return isDaemonSet ? `${namespace}/${controller.name}/${controller.uid}` : null;
}

function skipReason(pod: PodView, rules: ChoiceRules): SkipReason | null {
  if (pod.mirror) return 'Mirror';
  if (rules.ownPod !== null && podKey(rules.ownPod) === podKey(pod)) return 'OwnPod';
  if (rules.drain.namespaces.exclude.includes(pod.namespace)) return 'NamespaceExcluded';
  if (!selectorMatches(rules.drain.podSelector, pod.labels)) return 'NotSelected';
  const key = daemonSetKey(pod);
  // A finished pod of a DaemonSet goes like any other finished pod.
  if (key === null || isFinished(pod)) return null;
  const lookup = rules.daemonSets.get(key) ?? { kind: 'Unknown' };
  // kubectl refuses the whole drain here; a pod that may be a DaemonSet's would only come back.
  if (lookup.kind === 'Unknown') return 'DaemonSetUnknown';
  // Of a DaemonSet that is gone, or was made anew, it is an orphan: an ordinary pod.
  return lookup.kind === 'Found' && lookup.uid === pod.controller?.uid ? 'DaemonSet' : null;
}

function refusalReasons(pod: PodView, { drain }: ChoiceRules): string[] {
  if (isFinished(pod)) return [];
  const reasons: string[] = [];
  if (pod.controller === null && !drain.evictUnmanagedPods) {
    reasons.push(
      'no controller would bring it back (to evict it all the same: actions.drain.evictUnmanagedPods: true)',
    );
  }
  if (pod.hasEmptyDir && !drain.deleteEmptyDirData) {
    reasons.push('its emptyDir data would be lost (to accept that: actions.drain.deleteEmptyDirData: true)');
  }
  return reasons;
}
