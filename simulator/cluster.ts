import type { Resource } from './resources.ts';
import type { Store } from './store.ts';

/** What every operation of the API works on. */
export interface Cluster {
  readonly store: Store;
  readonly now: () => Date;
}

/** One object's address. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** The precision of metav1.Time. */
export function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
