import type { PodView } from '../core/orders/pod.ts';
import type { DrainMeter } from '../core/ports.ts';

/** Keeps the meter told how many pods a drain still has to move, for as long as the signal lets it. */
export class DrainTally {
  readonly #meter: Pick<DrainMeter, 'podsLeft' | 'podAccepted'>;
  readonly #signal: AbortSignal;
  /** UIDs of pods whose last eviction was refused. */
  readonly #refused = new Set<string>();
  #left: readonly PodView[] = [];

  constructor(meter: Pick<DrainMeter, 'podsLeft' | 'podAccepted'>, signal: AbortSignal) {
    this.#meter = meter;
    this.#signal = signal;
  }

  looked(left: readonly PodView[]): void {
    this.#left = left;
    this.#tell();
  }

  /** @param status of the HTTP answer; null, when none came, changes nothing that is known */
  answered({ uid }: PodView, how: 'Evicted' | 'Deleted', status: number | null): void {
    if (status === null) return;
    if (how === 'Evicted' && status === 429) this.#refused.add(uid);
    else this.#refused.delete(uid);
    if (status >= 200 && status < 300) this.#meter.podAccepted(how);
    this.#tell();
  }

  #tell(): void {
    if (this.#signal.aborted) return;
    const blocked = this.#left.filter(({ uid, terminating }) => !terminating && this.#refused.has(uid));
    this.#meter.podsLeft(this.#left.length, blocked.length);
  }
}
