import { backoffMs } from '../backoff.ts';
import type { PodView } from './pod.ts';

/**
 * Pods that came to the node after its drain had begun tolerate its taints or are bound by name: their owner would make
 * the next one at once. So many evictions an owner, at growing intervals.
 */
export const COME_BACK = { baseMs: 2_000, maxMs: 60_000 };

/** So many owners are remembered; of more, those whose next turn has come are forgotten first, the oldest first. */
export const MAX_OWNERS = 1_000;

/** How an owner's pods that came back are paced. */
export type OwnerPace = {
  /** Pods of it that were sent away: evicted or deleted. */
  readonly sent: number;
  readonly nextMs: number;
};

/** Whoever brings the pod back: its controller, or whoever makes pods of this name. */
export function ownerKey({ controller, namespace, name }: PodView): string {
  return controller?.uid ?? `${namespace}/${name}`;
}

/** The owners when one more pod of this one was sent away. @param random from 0 (inclusive) to 1 (exclusive) */
export function sentOneMore(
  owners: ReadonlyMap<string, OwnerPace>,
  key: string,
  nowMs: number,
  random: number,
): ReadonlyMap<string, OwnerPace> {
  const sent = owners.get(key)?.sent ?? 0;
  const after = new Map(owners);
  // The one that was heard of last stands last.
  after.delete(key);
  after.set(key, { sent: sent + 1, nextMs: nowMs + backoffMs(sent, COME_BACK, random) });
  for (const [other, { nextMs }] of after) {
    if (after.size <= MAX_OWNERS) break;
    if (nextMs <= nowMs) after.delete(other);
  }
  return after;
}
