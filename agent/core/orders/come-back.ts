import { backoffMs } from '../backoff.ts';
import type { PodView } from './pod.ts';

/**
 * Pods that their owner brings back to the node tolerate its taints or are bound by name: it would make the next one at
 * once. So many of them are sent away an owner, at growing intervals.
 */
export const COME_BACK = { baseMs: 2_000, maxMs: 600_000 };

/** So many owners are remembered; of more, those whose next turn has come are forgotten first, the oldest first. */
export const MAX_OWNERS = 1_000;

/** What became of an owner's pods. */
export type OwnerPace = {
  /** Pods of it that this drain has sent away and that none has come for yet. */
  readonly owed: number;
  /** Pods that came for one that was sent away. */
  readonly back: number;
  /** How many of those were sent away in their turn. */
  readonly sent: number;
  /** When the next of those may go. */
  readonly nextMs: number;
};

const UNKNOWN: OwnerPace = { owed: 0, back: 0, sent: 0, nextMs: 0 };

export type Owners = ReadonlyMap<string, OwnerPace>;

/** Whoever brings the pod back: its controller, or whoever makes pods of this name. */
export function ownerKey({ controller, namespace, name }: PodView): string {
  return controller?.uid ?? `${namespace}/${name}`;
}

/** A pod of this owner is on its way from the node, as this drain had asked for. */
export function owesOne(owners: Owners, key: string): Owners {
  const before = owners.get(key) ?? UNKNOWN;
  return withOwner(owners, key, { ...before, owed: before.owed + 1 }, 0);
}

/** A pod of this owner has come. @returns null: it came for none that was sent away */
export function cameBack(owners: Owners, key: string): Owners | null {
  const before = owners.get(key) ?? UNKNOWN;
  if (before.owed === 0) return null;
  return withOwner(owners, key, { ...before, owed: before.owed - 1, back: before.back + 1 }, 0);
}

/** One more that came back is sent away. @param random from 0 (inclusive) to 1 (exclusive) */
export function sentOneMore(owners: Owners, key: string, nowMs: number, random: number): Owners {
  const before = owners.get(key) ?? UNKNOWN;
  const nextMs = nowMs + backoffMs(before.sent, COME_BACK, random);
  return withOwner(owners, key, { ...before, sent: before.sent + 1, nextMs }, nowMs);
}

/** Forgets of others only those whose turn has come at `nowMs`; at 0 those who never had to wait for one. */
function withOwner(owners: Owners, key: string, pace: OwnerPace, nowMs: number): Owners {
  const after = new Map(owners);
  // The one that was heard of last stands last.
  after.delete(key);
  after.set(key, pace);
  for (const [other, { nextMs }] of after) {
    if (after.size <= MAX_OWNERS) break;
    if (nextMs <= nowMs) after.delete(other);
  }
  return after;
}
