import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { LeftOutside } from '../core/left-outside.ts';
import { adoptersIn, identityOf, policiesOf } from './orphans.ts';
import { hasEnded, type ProcessStat, readProcessStats } from './process-stats.ts';
import type { RunningCheck, StartOptions } from './run-check.ts';

/** How often is looked, at most, in milliseconds. */
const LOOK_EVERY_MS = 60_000;
/** How long a process has to be there to count, in milliseconds: many are on their way out. */
const STAYS_MS = 250;
/** Of how many orphans the environment is looked at, at most. */
const MAX_ORPHANS = 2000;

/** What the checks have left outside of their process groups, by policy. */
export type Found = ReadonlyMap<string, LeftOutside>;

/**
 * Counts what checks leave in process groups of their own, where the end of a run does not reach it: at most once a minute,
 * after a run. A process is known by the `NSC_POLICY` and the `NODE_NAME` that it was started with, in the life of this
 * agent, and by having lost its parent; one that has another user's name, or that was started without its parent's
 * environment, is not seen.
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
  const first = await look(nodeName, groups);
  if (first.length === 0) return new Map();
  await setTimeout(STAYS_MS, undefined, { ref: false });
  const still = new Set((await readProcessStats()).filter((each) => !hasEnded(each)).map(identityOf));
  const left = first.filter(({ stat }) => still.has(identityOf(stat)));
  const found = new Map<string, { processes: number; example: string }>();
  for (const { policy, stat } of left) {
    const known = found.get(policy);
    if (known) known.processes += 1;
    // Not its command line, which may hold a password.
    else found.set(policy, { processes: 1, example: stat.name });
  }
  return found;
}

/** Orphans that were started with NSC_POLICY, with all that descends from them. */
async function look(nodeName: string, groups: ReadonlySet<number>): Promise<{ policy: string; stat: ProcessStat }[]> {
  const all = await readProcessStats();
  const self = all.find(({ pid }) => pid === process.pid);
  if (self === undefined) throw new Error('/proc does not show even this process');
  const bornAt = Number(self.startedAt);
  const mayBeOurs = (each: ProcessStat) => !groups.has(each.group) && Number(each.startedAt) >= bornAt;
  const stats = all.filter((each) => !hasEnded(each) && mayBeOurs(each));
  const adopters = adoptersIn(all);
  const orphans = stats.filter(({ pid, parent }) => adopters.has(parent) && pid !== process.pid && !adopters.has(pid));
  const policies = await policiesOf(
    orphans.slice(0, MAX_ORPHANS).map(({ pid }) => pid),
    nodeName,
  );
  // In the order of their start, so that parents come first.
  const byStart = stats.toSorted((a, b) => Number(a.startedAt) - Number(b.startedAt) || a.pid - b.pid);
  return byStart.flatMap((stat) => {
    const policy = policies.get(stat.pid) ?? policies.get(stat.parent);
    if (policy === undefined) return [];
    policies.set(stat.pid, policy);
    return [{ policy, stat }];
  });
}
