import { type Allowance, DELETING_AGAIN, fullAllowance, NEWCOMERS } from './allowance.ts';
import type { Owners } from './come-back.ts';
import type { LookupProgress } from './daemon-sets.ts';
import type { DrainOrder } from './drain-order.ts';
import { type KnownPods, NO_PODS } from './known-pods.ts';
import type { Origin } from './origins.ts';
import type { PodName, PodView } from './pod.ts';

/** All that the drain of one node knows. Nothing in it is ever changed; the functions of drain-events.ts make the next. */
export type DrainState = {
  readonly nodeName: string;
  /** The pod the agent runs in; null when it runs in none. */
  readonly ownPod: PodName | null;
  /** Counts the steps, to tell what was asked before something became known from what was asked after. */
  readonly turn: number;
  /** By policy. */
  readonly attempts: ReadonlyMap<string, Attempt>;
  /** The last attempts at drains that are ordered no more, by policy: the same drain may be ordered again, and goes on then. */
  readonly dropped: ReadonlyMap<string, Attempt>;
  /** Since when no drain is ordered; null while one is. */
  readonly idleSinceMs: number | null;
  /** Null until they were listed. */
  readonly pods: KnownPods | null;
  /** Why the pods could not be read the last time. */
  readonly podsProblem: string | null;
  /** By the UID of each known pod, also while the pods are not followed; null: not listed since there was nothing to drain. */
  readonly origins: ReadonlyMap<string, Origin> | null;
  /** By pod UID; no matter how many policies want a pod, it is evicted once. */
  readonly progress: ReadonlyMap<string, PodProgress>;
  /** By the key of `ownerKey`. */
  readonly owners: Owners;
  /** By the key of `daemonSetKey`. */
  readonly daemonSets: ReadonlyMap<string, LookupProgress>;
  readonly look: Look;
  /** For evictions and everything that is only read. */
  readonly asking: Allowance;
  /** For deletions that are tried again, which no retry of anything else may hold up. */
  readonly deletingAgain: Allowance;
  /** For the first eviction or deletion of each pod that came while the node is drained. */
  readonly arriving: Allowance;
};

/** An attempt at one policy's drain, and the rest after it. */
export type Attempt = {
  readonly order: DrainOrder;
  /** 0 for the first since it was ordered. */
  readonly number: number;
  readonly phase: 'Evicting' | 'Deleting' | 'Resting' | 'Drained';
  /** When this agent was first told of this drain, maybe by other rules. */
  readonly heardMs: number;
  readonly startedMs: number;
  /** The deadline; of one that rests, when the next begins. */
  readonly untilMs: number;
  /** When what is left is deleted, whatever became of the attempts until then; null: never. */
  readonly deletesMs: number | null;
  /** UIDs of the pods that were known at that moment, which wait for nothing; null: it has not come. */
  readonly due: ReadonlySet<string> | null;
  /** UIDs of the pods that were there when this order was first judged by them; those that came since are newcomers to it. */
  readonly there: ReadonlySet<string> | null;
  /** Pods whose eviction or deletion was accepted. */
  readonly accepted: number;
  /** What no retry can help. */
  readonly fatal: { readonly saidMs: number; readonly refused: readonly Reason[] } | null;
  /** The turn since which nothing seems to be left; null while something is. */
  readonly emptySince: number | null;
};

/** Why a pod is on the node still. */
export type Reason = { readonly pod: PodView; readonly why: string };

/** How far a pod is. */
export type PodProgress = {
  readonly how: 'Evict' | 'Delete';
  readonly attempts: number;
  /** Its end was accepted once, so its owner owes one for it, and no second if it is accepted again. */
  readonly isOwed: boolean;
  /** What the API server said to the last attempt that it answered; null: nothing yet, or yes. */
  readonly said: string | null;
  /** `said` is a PodDisruptionBudget's refusal. */
  readonly isBudget: boolean;
  /** Why there was no answer to the last attempt; null: there was one. */
  readonly silence: string | null;
  readonly state: /** `policies`: whose attempts want it; see {@link isCallWanted}. */
    | { readonly kind: 'InFlight'; readonly sentMs: number; readonly policies: readonly string[] }
    /** Accepted, as became known after that turn; the pod goes when its grace period is over. */
    | { readonly kind: 'Accepted'; readonly turn: number }
    /** Read before it is tried again, at `untilMs`; `isSent`: the reading is under way. */
    | { readonly kind: 'Reading'; readonly isSent: boolean; readonly untilMs: number }
    | { readonly kind: 'Waiting'; readonly untilMs: number };
};

/** The fresh list that has the last word when nothing seems to be left, or time is up, and that a watch may owe us. */
export type Look = {
  readonly isInFlight: boolean;
  /** The turn; {@link OUTDATED} when the answer counts no more. */
  readonly askedAt: number;
  /** The same in time. */
  readonly sentMs: number;
  /** When the newest that was answered with pods had been sent; null: none. */
  readonly askedMs: number | null;
  /** The pods that were known then: one that the list does not have has gone. */
  readonly knew: ReadonlyMap<string, PodView>;
  /** The turn at which the newest list that was answered had been asked for; -1: none. */
  readonly answeredFrom: number;
  readonly attempts: number;
  /** How many failed, one after the other. */
  readonly failures: number;
  readonly nextMs: number;
  readonly problem: string | null;
};

/** In place of a turn. */
export const OUTDATED = -1;
const NEVER_ASKED = { askedAt: OUTDATED, sentMs: 0, askedMs: null, knew: NO_PODS.byUid, answeredFrom: -1 };
const NO_LOOK: Look = { isInFlight: false, ...NEVER_ASKED, attempts: 0, failures: 0, nextMs: 0, problem: null };

export function newDrain(nodeName: string, ownPod: PodName | null, nowMs: number): DrainState {
  const known = { pods: null, podsProblem: null, origins: null, look: NO_LOOK };
  const nothing = { progress: new Map(), owners: new Map(), daemonSets: new Map() };
  const requests = { asking: fullAllowance(nowMs), deletingAgain: fullAllowance(nowMs, DELETING_AGAIN) };
  const allowances = { ...requests, arriving: fullAllowance(nowMs, NEWCOMERS) };
  const orders = { attempts: new Map(), dropped: new Map(), idleSinceMs: nowMs };
  return { nodeName, ownPod, turn: 0, ...orders, ...known, ...nothing, ...allowances };
}

/**
 * As it is when no attempt is under way: what was sent may have happened, and who came back is remembered, and how long a pod
 * has to be left; of a drain that is ordered no more only whose pods came back, for it may be ordered again.
 */
export function withoutPods(state: DrainState, nowMs: number): DrainState {
  const isOver = state.attempts.size === 0;
  const kept = [...state.progress].filter(([, { state }]) => {
    return state.kind === 'InFlight' || (state.kind === 'Waiting' && state.untilMs > nowMs && !isOver);
  });
  return {
    ...state,
    pods: null,
    podsProblem: null,
    origins: isOver ? null : state.origins,
    progress: new Map(kept),
    daemonSets: new Map(),
    look: { ...NO_LOOK, nextMs: state.look.nextMs },
  };
}

export function isActive({ phase }: Attempt): boolean {
  return phase === 'Evicting' || phase === 'Deleting';
}

/** Whether an attempt still wants the pod's eviction or deletion that is under way; no other is worth an answer. */
export function isCallWanted({ attempts, progress }: DrainState, uid: string): boolean {
  const state = progress.get(uid)?.state;
  const policies = state?.kind === 'InFlight' ? state.policies : [];
  return policies.some((policy) => {
    const attempt = attempts.get(policy);
    return attempt !== undefined && isActive(attempt);
  });
}

/** The known pods, none before the first list. */
export function podsOf({ pods }: DrainState): readonly PodView[] {
  return [...(pods ?? NO_PODS).byUid.values()];
}
