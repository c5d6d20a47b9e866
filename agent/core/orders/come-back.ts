import { backoffMs } from '../backoff.ts';
import type { PodView } from './pod.ts';

/**
 * Pods that came to the node after its drain had begun tolerate its taints or are bound by name: their owner would make
 * the next one at once. So many evictions an owner, at growing intervals.
 */
export const COME_BACK = { baseMs: 2_000, maxMs: 60_000 };

/** How an owner's pods that came back are paced. */
export type OwnerPace = { readonly evicted: number; readonly nextMs: number };

/** Whoever brings the pod back: its controller, or whoever makes pods of this name. */
export function ownerKey({ controller, namespace, name }: PodView): string {
  return controller?.uid ?? `${namespace}/${name}`;
}

/** The owner's pace after one more eviction. @param random from 0 (inclusive) to 1 (exclusive) */
export function paceAfter(before: OwnerPace | undefined, nowMs: number, random: number): OwnerPace {
  const evicted = before?.evicted ?? 0;
  return { evicted: evicted + 1, nextMs: nowMs + backoffMs(evicted, COME_BACK, random) };
}
