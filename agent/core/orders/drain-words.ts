import { ownerKey } from './come-back.ts';
import { type DrainState, isActive, type PodProgress, podsOf, type Reason } from './drain-state.ts';
import { isNewcomer } from './origins.ts';
import { type PodView, podKey } from './pod.ts';

/** Of pods with one reason so many are named, if their names take no more characters than that. */
const MAX_NAMES = 5;
const MAX_NAME_CHARACTERS = 250;
/** An answer that takes longer is worth a word. */
const SLOW_ANSWER_MS = 2_000;

/** For whom: the log says how things are now, the end of an attempt what was in its way. */
export type Audience = 'Log' | 'End';

/** Why these pods are on the node still: each reason once, with the pods it is about. */
export function describeLeft(
  state: DrainState,
  pods: readonly PodView[],
  nowMs: number,
  audience: Audience,
): readonly string[] {
  return groupByReason(pods.map((pod) => ({ pod, why: whyLeft(state, pod, nowMs, audience) })));
}

/** Pods by their reason, each reason once: `pod ns/a, pod ns/b: why`, or `12 pods, such as pod ns/a, …, pod ns/e: why`. */
export function groupByReason(entries: readonly Reason[]): readonly string[] {
  const groups = new Map<string, { why: string; pods: PodView[] }>();
  for (const { pod, why } of entries) {
    // What differs by the pod's own name, or by a count, is the same reason.
    const key = why.replaceAll(pod.name, '*').replace(COUNTS, '#');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { why, pods: [pod] });
    else group.pods.push(pod);
  }
  return [...groups.values()].map(({ why, pods }) => `${namesOf(pods)}: ${why}`);
}

/** A number; not within a name. */
const COUNTS = /(?<![\w./-])\d+(?![\w-])/g;
/** A number and a unit of time, as Go and we write them: `5 s`, `1m30.5s`; not within a name. */
const DURATIONS = /(?<![\w./-])(?:\d+(?:\.\d+)? ?(?:ms|s|m|h|seconds?|minutes?))+(?![\w-])/g;

/** The same for problems that differ in how long something took, or in their order. */
export function problemsKey(problems: readonly string[]): string {
  return JSON.stringify(problems.map((problem) => problem.replace(DURATIONS, '#')).sort());
}

function namesOf(pods: readonly PodView[]): string {
  const names: string[] = [];
  let characters = 0;
  for (const name of pods.slice(0, MAX_NAMES).map(podKey)) {
    characters += name.length;
    if (names.length > 0 && characters > MAX_NAME_CHARACTERS) break;
    names.push(`pod ${name}`);
  }
  const named = names.join(', ');
  return names.length < pods.length ? `${pods.length} pods, such as ${named}` : named;
}

function whyLeft(state: DrainState, pod: PodView, nowMs: number, audience: Audience): string {
  const progress = state.progress.get(pod.uid);
  if (pod.terminating) return whyTerminating(pod);
  if (progress?.state.kind === 'Accepted') return 'its end was accepted, and it was not seen to terminate yet';
  if (progress === undefined) return whyUntried(state, pod, nowMs);
  const silence = silenceOf(progress, nowMs);
  if (audience === 'Log' && silence !== null) return silence;
  if (progress.said === null) return silence ?? 'the API server has not answered yet';
  return progress.isBudget ? `${progress.said}${unreadyBehind(state, pod)}` : progress.said;
}

function whyTerminating({ finalizers }: PodView): string {
  const held = finalizers.length === 0 ? '' : `; its object is kept by the finalizer ${finalizers.join(', ')}`;
  return `it is terminating still${held}`;
}

function whyUntried(state: DrainState, pod: PodView, nowMs: number): string {
  const pace = state.owners.get(ownerKey(pod));
  if (pace !== undefined && pace.nextMs > nowMs && state.origins?.get(pod.uid) === 'Back') {
    const seconds = Math.ceil((pace.nextMs - nowMs) / 1000);
    return `its owner brings pods back to this node, ${pace.back} so far; the next goes in ${seconds} s`;
  }
  if (state.arriving.left < 1 && isNewcomer(state, pod, [...state.attempts.values()].filter(isActive)))
    return 'pods keep coming to this node, so they go slowly';
  return 'it was not tried yet';
}

/** null where the API server answers. */
function silenceOf({ state, silence }: PodProgress, nowMs: number): string | null {
  const waitedMs = state.kind === 'InFlight' ? nowMs - state.sentMs : 0;
  if (waitedMs >= SLOW_ANSWER_MS) return `the API server has not answered for ${Math.floor(waitedMs / 1000)} s`;
  return silence === null ? null : `no answer: ${silence}`;
}

/** A budget counts ready pods only, so one that is not ready often explains a budget that allows nothing. */
function unreadyBehind(state: DrainState, pod: PodView): string {
  if (!pod.ready)
    return '; the pod is not ready (unhealthyPodEvictionPolicy: AlwaysAllow in the budget lets such pods go)';
  const unready = podsOf(state).find(
    (other) => !other.ready && other.controller !== null && other.controller.uid === pod.controller?.uid,
  );
  return unready === undefined ? '' : `; pod ${podKey(unready)} of the same ${unready.controller?.kind} is not ready`;
}
