import { execFile } from 'node:child_process';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { LeftOutside } from '../core/left-outside.ts';
import { DEFAULT_PATH } from './launcher.ts';
import { hasEnded, type ProcessStat, readProcessStats } from './process-stats.ts';
import type { RunningCheck, StartOptions } from './run-check.ts';

/** How often is looked, at most, in milliseconds. */
const LOOK_EVERY_MS = 60_000;
/** How long a process has to be there to count, in milliseconds: many are on their way out. */
const STAYS_MS = 250;
/** Of how many orphans the environment is looked at, at most, and how much of what is found is read, in bytes. */
const MAX_ORPHANS = 2000;
const MAX_BYTES = 2 ** 20;
/** How long one program may take for that, in milliseconds. */
const TIMEOUT_MS = 5000;
const COMMAND_BYTES = 1024;

/** What the checks have left outside of their process groups, by policy. */
export type Found = ReadonlyMap<string, LeftOutside>;

/**
 * Counts what checks leave in process groups of their own, where the end of a run does not reach it: at most once a minute,
 * after a run. A process is known by the `NSC_POLICY` that it was started with, and by having lost its parent; one that has
 * another user's name, or that was started without its parent's environment, is not seen.
 */
export class OutsideGroups {
  readonly #onFound: (found: Found) => void;
  readonly #everyMs: number;
  readonly #groups = new Set<number>();
  #nextMs = 0;
  #isLooking = false;

  constructor(onFound: (found: Found) => void, everyMs = LOOK_EVERY_MS) {
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
      this.#onFound(await findOutside(this.#groups));
    } finally {
      this.#isLooking = false;
    }
  }
}

async function findOutside(groups: ReadonlySet<number>): Promise<Found> {
  const first = await look(groups);
  if (first.length === 0) return new Map();
  await setTimeout(STAYS_MS, undefined, { ref: false });
  const still = new Set((await readProcessStats()).filter((each) => !hasEnded(each)).map(identity));
  const left = first.filter(({ stat }) => still.has(identity(stat)));
  const found = new Map<string, { processes: number; example: string }>();
  for (const { policy, stat } of left) {
    const known = found.get(policy);
    if (known) known.processes += 1;
    else found.set(policy, { processes: 1, example: (await commandOf(stat.pid)) || stat.name });
  }
  return found;
}

/** Orphans that were started with NSC_POLICY, with all that descends from them. */
async function look(groups: ReadonlySet<number>): Promise<{ policy: string; stat: ProcessStat }[]> {
  const stats = (await readProcessStats()).filter((each) => !hasEnded(each) && !groups.has(each.group));
  const adopters = adoptersIn(stats);
  const orphans = stats.filter(({ pid, parent }) => adopters.has(parent) && pid !== process.pid && !adopters.has(pid));
  const policies = await policiesOf(orphans.slice(0, MAX_ORPHANS).map(({ pid }) => pid));
  // In the order of their start, so that parents come first.
  const byStart = stats.toSorted((a, b) => Number(a.startedAt) - Number(b.startedAt) || a.pid - b.pid);
  return byStart.flatMap((stat) => {
    const policy = policies.get(stat.pid) ?? policies.get(stat.parent);
    if (policy === undefined) return [];
    policies.set(stat.pid, policy);
    return [{ policy, stat }];
  });
}

/** Who adopts our orphans: an ancestor of ours, or pid 1. What has another parent may be of another agent's run. */
function adoptersIn(stats: readonly ProcessStat[]): ReadonlySet<number> {
  const parents = new Map(stats.map(({ pid, parent }) => [pid, parent]));
  const adopters = new Set([1]);
  for (let at = process.ppid; at > 1 && !adopters.has(at); at = parents.get(at) ?? 0) adopters.add(at);
  return adopters;
}

/** By another program, because one that hangs in the kernel may hold up whoever reads what it was started with. */
async function policiesOf(pids: readonly number[]): Promise<Map<number, string>> {
  if (pids.length === 0) return new Map();
  const paths = pids.map((pid) => `/proc/${pid}/environ`);
  const text = await output('grep', ['-szoaH', '-e', '^NSC_POLICY=[-a-z0-9]*$', ...paths]);
  return new Map(
    [...text.matchAll(/\/proc\/(\d+)\/environ:NSC_POLICY=([^\0]*)/g)].map(([, pid, name = '']) => [Number(pid), name]),
  );
}

async function commandOf(pid: number): Promise<string> {
  const text = await output('head', ['-c', String(COMMAND_BYTES), `/proc/${pid}/cmdline`]);
  return text.replaceAll('\0', ' ').trim();
}

/** What it printed, whatever it thinks of it. */
async function output(program: string, args: readonly string[]): Promise<string> {
  const options = {
    env: { PATH: DEFAULT_PATH },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_BYTES,
  } as const;
  const { stdout } = await promisify(execFile)(program, args, options).catch(
    ({ stdout = '' }: { stdout?: string }) => ({ stdout }),
  );
  return stdout;
}

function identity({ pid, startedAt }: ProcessStat): string {
  return `${pid} ${startedAt}`;
}
