import { execFile } from 'node:child_process';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { TOOLS_PATH } from './launcher.ts';
import { hasEnded, type ProcessStat, readProcessStats } from './process-stats.ts';

/** How long a process has to be there to count, in milliseconds: many are on their way out. */
const STAYS_MS = 250;
/** Of how many orphans the environment is looked at, at most. */
const MAX_ORPHANS = 2000;
/** How much of what is found is read, in bytes, and how long one program may take for that, in milliseconds. */
const MAX_BYTES = 2 ** 20;
const TIMEOUT_MS = 5000;
/** Between two variables of one process, and behind the last. */
const NUL = '\0';

/** A process that runs on without its parent, and the policy whose check has started it. */
export type Orphan = { readonly policy: string; readonly stat: ProcessStat };

/**
 * What runs on of what checks on this node have started in the life of this process: orphans that have `NSC_POLICY` and this
 * `NODE_NAME` from their start, with all that descends from them. One that has another user's name, or that was started
 * without its parent's environment, is not seen.
 *
 * Rejects if nobody could look: that is not to say that there are none.
 *
 * @param isExcluded what is none of it, such as the process group of a run under way
 */
export async function findOrphans(
  nodeName: string,
  isExcluded: (stat: ProcessStat) => boolean,
): Promise<readonly Orphan[]> {
  const first = await look(nodeName, isExcluded);
  if (first.length === 0) return [];
  await setTimeout(STAYS_MS);
  const still = new Set((await readProcessStats()).filter((each) => !hasEnded(each)).map(identityOf));
  return first.filter(({ stat }) => still.has(identityOf(stat)));
}

async function look(nodeName: string, isExcluded: (stat: ProcessStat) => boolean): Promise<Orphan[]> {
  const all = await readProcessStats();
  const self = all.find(({ pid }) => pid === process.pid);
  if (self === undefined) throw new Error('/proc does not show even this process');
  const bornAt = Number(self.startedAt);
  const stats = all.filter((each) => !hasEnded(each) && !isExcluded(each) && Number(each.startedAt) >= bornAt);
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

/** Tells one process from all others, also from one that gets its number later. */
export function identityOf({ pid, startedAt }: ProcessStat): string {
  return `${pid} ${startedAt}`;
}

/** Who adopts our orphans: an ancestor of ours, or pid 1. What has another parent may be of another agent's run. */
function adoptersIn(stats: readonly ProcessStat[]): ReadonlySet<number> {
  const parents = new Map(stats.map(({ pid, parent }) => [pid, parent]));
  const adopters = new Set([1]);
  for (let at = process.ppid; at > 1 && !adopters.has(at); at = parents.get(at) ?? 0) adopters.add(at);
  return adopters;
}

/**
 * The `NSC_POLICY` of those of these processes that were started with it and with this `NODE_NAME`, as far as it can be seen.
 *
 * Rejects if nobody could look: that is not to say that there are none. Another program looks, because one that hangs in the kernel may hold up whoever reads what it was started with.
 */
export async function policiesOf(pids: readonly number[], nodeName: string): Promise<Map<number, string>> {
  if (pids.length === 0) return new Map();
  const paths = pids.map((pid) => `/proc/${pid}/environ`);
  const text = await output('grep', ['-szaH', '-e', '^NSC_POLICY=', '-e', '^NODE_NAME=', ...paths]);
  const found = { NSC_POLICY: new Map<number, string>(), NODE_NAME: new Map<number, string>() };
  for (const line of text.split(NUL)) {
    const [, pid, name, value = ''] = /^\/proc\/(\d+)\/environ:(NSC_POLICY|NODE_NAME)=(.*)$/s.exec(line) ?? [];
    if (name !== undefined) found[name as keyof typeof found].set(Number(pid), value);
  }
  return new Map([...found.NSC_POLICY].filter(([pid]) => found.NODE_NAME.get(pid) === nodeName));
}

/** What it printed, whatever it thinks of it. Rejects if it could not be started, or did not end by itself. */
async function output(program: string, args: readonly string[]): Promise<string> {
  const options = {
    env: { PATH: TOOLS_PATH },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_BYTES,
  } as const;
  const { stdout } = await promisify(execFile)(program, args, options).catch(
    (error: { code?: unknown; stdout?: string }) => {
      if (typeof error.code !== 'number') throw error;
      return { stdout: error.stdout ?? '' };
    },
  );
  return stdout;
}
