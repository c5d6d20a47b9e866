import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { Check } from '../core/policy.ts';
import { adoptersIn, identityOf, policiesOf } from './orphans.ts';
import { hasEnded, type ProcessStat, readProcessStats } from './process-stats.ts';

const NOBODY: ReadonlyMap<number, string> = new Map();
/** How long a process has to be outside of the group to count as left there, in milliseconds: many are on their way out. */
const STAYS_MS = 250;

export type LeftProcess = Pick<ProcessStat, 'pid' | 'name'>;

/** What is told about the process group of a run while it runs. */
export type GroupWatcher = {
  /** The group is there. */
  started(groupId: number): void;
  /** The child has exited by itself. What it left in its group is killed when this settles, which must be soon. */
  exited(): Promise<void>;
};

/** What one run has left behind. */
export type LeftBehind = {
  /** In its process group when it exited: it was killed. Not of a run that was killed itself. */
  readonly inGroup: readonly LeftProcess[];
  /** In groups of their own: they run on. */
  readonly outside: readonly LeftProcess[];
};

/**
 * Begins to look for what one run of a check leaves behind, just before that run.
 *
 * A process outside of the group is known by the `NSC_POLICY` that it was started with, and by who adopted it. One that has
 * another user's name, or that was started without its parent's environment, is not seen; nor is anything where /proc is not.
 */
export async function watchLeftBehind(nodeName: string, policyName: string, { env }: Pick<Check, 'env'>) {
  const before = new Set((await readProcessStats()).map(identityOf));
  const given = (variable: string, otherwise: string) =>
    env.findLast(({ name }) => name === variable)?.value ?? otherwise;
  const [ownNode, own] = [given('NODE_NAME', nodeName), given('NSC_POLICY', policyName)];
  let groupId: number | undefined;
  let inGroup: readonly LeftProcess[] = [];

  const watcher: GroupWatcher = {
    started(id) {
      groupId = id;
    },
    async exited() {
      const stats = await readProcessStats();
      inGroup = stats.filter((each) => each.group === groupId && !hasEnded(each)).map(named);
    },
  };
  const lookOutside = async () => {
    const stats = await readProcessStats();
    const mayBeOurs = (each: ProcessStat) =>
      !before.has(identityOf(each)) && !hasEnded(each) && each.group !== groupId && each.pid !== process.pid;
    const policies = await policiesOf(
      stats.filter(mayBeOurs).map(({ pid }) => pid),
      ownNode,
    ).catch(() => NOBODY);
    const known = new Set([...policies.keys()].filter((pid) => policies.get(pid) === own));
    return stats.filter(({ pid }) => known.has(pid) && isAdopted(pid, known, stats));
  };
  return {
    watcher,
    /** To be called once, when the run is over. Never rejects. */
    async look(): Promise<LeftBehind> {
      const first = await lookOutside();
      if (first.length === 0) return { inGroup, outside: [] };
      await setTimeout(STAYS_MS);
      const still = new Set((await lookOutside()).map(identityOf));
      return { inGroup, outside: first.filter((each) => still.has(identityOf(each))).map(named) };
    },
  };
}

/** Whether a process, or the parent it has among the `known`, was adopted. Else it is of a run that an agent beside us started. */
function isAdopted(pid: number, known: ReadonlySet<number>, stats: readonly ProcessStat[]): boolean {
  const parents = new Map(stats.map((each) => [each.pid, each.parent]));
  const seen = new Set<number>();
  let at = pid;
  for (; known.has(at) && !seen.has(at); at = parents.get(at) ?? 0) seen.add(at);
  return adoptersIn(stats).has(at);
}

function named({ pid, name }: ProcessStat): LeftProcess {
  return { pid, name };
}
