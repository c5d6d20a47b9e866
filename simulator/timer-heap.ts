/** What happens at one moment. */
export interface Timer {
  readonly atMs: number;
  /** Of timers at the same moment the one with the lower rank is first. */
  readonly rank: number;
  /** null once it is cancelled or over. */
  callback: (() => void) | null;
}

/** Timers, the next one first. One that was cancelled stays in it until its moment. */
export class TimerHeap {
  readonly #timers: Timer[] = [];

  push(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = timers[above] as Timer;
      if (!isBefore(timer, parent)) break;
      timers[at] = parent;
      at = above;
    }
    timers[at] = timer;
  }

  /** The next one that is not cancelled; undefined when there is none. */
  peek(): Timer | undefined {
    while (this.#timers[0]?.callback === null) this.#removeFirst();
    return this.#timers[0];
  }

  pop(): Timer | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  /** How many are not cancelled. */
  count(): number {
    return this.#timers.filter(({ callback }) => callback !== null).length;
  }

  #removeFirst(): void {
    const timers = this.#timers;
    const last = timers.pop() as Timer;
    const { length } = timers;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= length) break;
      if (below + 1 < length && isBefore(timers[below + 1] as Timer, timers[below] as Timer)) below += 1;
      const child = timers[below] as Timer;
      if (!isBefore(child, last)) break;
      timers[at] = child;
      at = below;
    }
    timers[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.rank < b.rank);
}
