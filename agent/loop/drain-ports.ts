import type { EvictionAnswer } from '../core/eviction-answer.ts';
import type { Choice, DaemonSetLookup } from '../core/eviction-choice.ts';
import type { PodListener, PodName, PodView } from '../core/pod.ts';

/** What a drain asks of the API server; the shape of what agent/kube offers. */
export type DrainApi = {
  list(): Promise<readonly PodView[]>;
  watch(listener: PodListener, signal: AbortSignal): Promise<void>;
  read(pod: PodName): Promise<PodView | null>;
  evict(pod: PodView, gracePeriodSeconds: number | null, deadlineMs: number): Promise<void>;
  delete(pod: PodView, gracePeriodSeconds: number | null, deadlineMs: number): Promise<void>;
  findDaemonSet(namespace: string, name: string): Promise<DaemonSetLookup>;
  /** What an error of `evict` says. */
  answerOf(error: unknown): EvictionAnswer;
};

export type DrainNarrator = {
  drainSkips(choice: Choice): void;
  drainEvicts(pod: PodView): void;
  drainDeletes(pod: PodView): void;
  /** What is left and why, now and then. */
  drainWaits(problems: readonly string[]): void;
  drainProblem(error: unknown): void;
};

/** What a drain counts; the shape of what agent/telemetry offers. */
export type DrainMeter = {
  /** Pods that still have to go, and those of them whose eviction is refused at present. */
  podsLeft(left: number, blocked: number): void;
  /** The API server accepted an eviction or a deletion. */
  podAccepted(how: 'Evicted' | 'Deleted'): void;
};
