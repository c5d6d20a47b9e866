import type { ConditionsPatch, NodePatch, NodeView, StringChanges } from './node.ts';
import type { DrainOrder } from './orders/drain-order.ts';
import type { AttemptEnd } from './orders/drain-verdict.ts';
import type { EvictionAnswer } from './orders/eviction-answer.ts';
import type { Choice, DaemonSetLookup } from './orders/eviction-choice.ts';
import type { PodListener, PodName, PodView } from './orders/pod.ts';
import type { NodeDisruptionBudget } from './policy.ts';
import type { LabelledNode, SlotLease, SlotNode } from './slot.ts';
import type { Toleration } from './taint.ts';
import type { RunOutcome } from './verdict.ts';

/**
 * Time and chance as everything that runs takes them, so that an agent, or a fleet of them, runs in virtual time as it
 * does in real time, and a seed replays it.
 */
export type Clock = {
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  nowMs(): number;
  /** Milliseconds since the epoch, for what people and other programs read. */
  wallMs(): number;
  /** Settles after `ms`, or at once on the signal; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once, after `ms` and never before it returns. @returns how to prevent that */
  after(ms: number, callback: () => void): () => void;
  /** From 0 (inclusive) to 1 (exclusive). */
  random(): number;
};

/**
 * What is read and written of our Node. Every call ends by its own deadline, and rejects with an error of the adapter's when
 * the API server says no, or says nothing.
 */
export type NodeApi = {
  read(): Promise<NodeView>;
  /**
   * One merge patch, refused as a conflict unless the Node still is at the patch's version.
   *
   * @returns the Node as it is after the patch
   */
  patch(patch: NodePatch): Promise<NodeView>;
  /** Sets annotations of the Node with this UID. @param resourceVersion null: whatever its version is */
  annotate(uid: string, resourceVersion: string | null, annotations: StringChanges): Promise<NodeView>;
  /**
   * One write to the Node's conditions, refused as a conflict unless the Node still is at the patch's version. Conditions of
   * other types, such as the kubelet's, stay as they are.
   *
   * @returns the Node as it is after the patch
   */
  patchConditions(patch: ConditionsPatch): Promise<NodeView>;
  /** Whether a call was refused because the Node is at another version. */
  isConflict(error: unknown): boolean;
  /** Whether the API server says that there is no Node of our name. Any other 404 is an error of the way. */
  isGone(error: unknown): boolean;
};

/** The Leases that are slots, and what a budget counts besides. Every list is a consistent read. */
export type SlotApi = {
  /** Those of one budget; of all budgets without a name. */
  list(budget?: string): Promise<readonly SlotLease[]>;
  /** null when there is none of that name. */
  read(name: string): Promise<SlotLease | null>;
  create(budget: NodeDisruptionBudget, holder: SlotNode): Promise<SlotLease>;
  nameOf(budget: string, node: string): string;
  /** Deletes exactly this Lease; one that is gone, or another of its name, is fine. */
  remove(lease: SlotLease): Promise<void>;
  /** Every Node with spec.unschedulable. */
  listCordoned(): Promise<readonly LabelledNode[]>;
  /** Every Node that the budget selects. */
  listSelected(budget: NodeDisruptionBudget): Promise<readonly LabelledNode[]>;
  /** Tells the Leases of a budget (undefined: of all), at the beginning and after each change, until the signal. */
  watch(
    budget: string | undefined,
    onLeases: (leases: readonly SlotLease[]) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Whether `create` found a Lease of that name. */
  isConflict(error: unknown): boolean;
  /** Whether the right to make a call is missing. */
  isForbidden(error: unknown): boolean;
};

/** How long a call may take, and what ends it before: then it is sent no more, and rejects. */
export type CallBounds = {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
};

/** What a drain reads and writes of pods. */
export type DrainApi = {
  /** All pods of the node, in pages. */
  list(bounds: CallBounds): Promise<readonly PodView[]>;
  /** Follows the node's pods until the signal. */
  watch(listener: PodListener, signal: AbortSignal): Promise<void>;
  /** null when there is none of that name. */
  read(pod: PodName, bounds: CallBounds): Promise<PodView | null>;
  /** One policy/v1 Eviction of exactly this pod. */
  evict(pod: PodView, gracePeriodSeconds: number | null, bounds: CallBounds): Promise<void>;
  /** Deletes exactly this pod, past every budget. */
  delete(pod: PodView, gracePeriodSeconds: number | null, bounds: CallBounds): Promise<void>;
  /** What cannot be read is Unknown. */
  findDaemonSet(namespace: string, name: string, bounds: CallBounds): Promise<DaemonSetLookup>;
  /** What an error of `evict` or `delete` of this pod says. */
  answerOf(error: unknown, pod: PodName): EvictionAnswer;
};

/** What is read of the agents' pods. */
export type AgentPodApi = {
  readOwnTolerations(): Promise<readonly Toleration[]>;
  /** Whether no agent of this Node runs in the pod: it is there no more, has ended for good, or is no pod of this Node. */
  isGone(pod: PodName): Promise<boolean>;
};

/** Whether a process of this machine has ended; null: it is another one's, so nobody here can tell. */
export type HasEnded = (process: { readonly boot: string; readonly pid: number }) => boolean | null;

/** One run of a check. */
export type Run = {
  /** Settles by the check's timeout, never rejects. */
  readonly outcome: Promise<RunOutcome>;
  /** Settles once no process of it is left, which can be later: an unkillable child outlives its timeout. */
  readonly gone: Promise<void>;
  kill(): void;
};

/** Says in the log what a drain does. */
export type DrainNarrator = {
  drainSkips(policy: string, skipped: Choice['skip']): void;
  drainEvicts(pod: PodView): void;
  drainDeletes(pod: PodView): void;
  /** What is left and why, now and then. */
  drainWaits(problems: readonly string[]): void;
  drainProblem(error: unknown): void;
  /** @param why it stopped; empty for one that came to its end */
  drainEnded(order: DrainOrder, end: AttemptEnd, tookMs: number, why: string): void;
};

/** Counts what a drain does. */
export type DrainMeter = {
  /** Pods that still have to go, and those of them whose eviction is refused at present. */
  podsLeft(left: number, blocked: number): void;
  /** The API server accepted an eviction or a deletion. */
  podAccepted(how: 'Evicted' | 'Deleted'): void;
  attemptEnded(result: AttemptEnd['state'], tookSeconds: number): void;
};
