import type { Clock } from '../agent/core/ports.ts';
import type { Resource } from './resources.ts';
import type { Store } from './store.ts';

/** What every operation of the API works on. */
export interface Cluster {
  readonly store: Store;
  /** Of everything in it that takes time or tells it. */
  readonly clock: Clock;
  /** A new UID. */
  readonly uuid: () => string;
}

/** One object's address. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** The time now, or `laterMs` later, with the precision of metav1.Time. */
export function timestamp({ clock }: Pick<Cluster, 'clock'>, laterMs = 0): string {
  return new Date(clock.wallMs() + laterMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
