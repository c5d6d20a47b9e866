import type { LeftOutside } from '../core/left-outside.ts';
import { findOrphans } from './orphans.ts';
import type { RunningCheck, StartOptions } from './run-check.ts';

/** How often is looked, at most, in milliseconds. */
const LOOK_EVERY_MS = 60_000;

/** What the checks have left outside of their process groups, by policy. */
export type Found = ReadonlyMap<string, LeftOutside>;

/**
 * Counts what checks leave in process groups of their own, where the end of a run does not reach it: at most once a minute,
 * after a run.
 */
export class OutsideGroups {
  readonly #nodeName: string;
  readonly #onFound: (found: Found) => void;
  readonly #everyMs: number;
  readonly #groups = new Set<number>();
  #nextMs = 0;
  #isLooking = false;

  constructor(nodeName: string, onFound: (found: Found) => void, everyMs = LOOK_EVERY_MS) {
    this.#nodeName = nodeName;
    this.#onFound = onFound;
    this.#everyMs = everyMs;
  }

  /** Starts a run, and looks when it is over if it is time to. */
  follow(start: (watcher: NonNullable<StartOptions['watcher']>) => RunningCheck): RunningCheck {
    let group: number | undefined;
    const run = start({
      started: (id) => {
        group = id;
        this.#groups.add(id);
      },
      exited: async () => {},
    });
    run.gone
      .then(() => {
        if (group !== undefined) this.#groups.delete(group);
        return this.#lookIfDue();
      })
      .catch(() => {});
    return run;
  }

  async #lookIfDue(): Promise<void> {
    if (this.#isLooking || performance.now() < this.#nextMs) return;
    this.#isLooking = true;
    this.#nextMs = performance.now() + this.#everyMs;
    try {
      this.#onFound(await findOutside(this.#nodeName, this.#groups));
    } finally {
      this.#isLooking = false;
    }
  }
}

async function findOutside(nodeName: string, groups: ReadonlySet<number>): Promise<Found> {
  const found = new Map<string, { processes: number; example: string }>();
  for (const { policy, stat } of await findOrphans(nodeName, ({ group }) => groups.has(group))) {
    const known = found.get(policy);
    if (known) known.processes += 1;
    // Not its command line, which may hold a password.
    else found.set(policy, { processes: 1, example: stat.name });
  }
  return found;
}
