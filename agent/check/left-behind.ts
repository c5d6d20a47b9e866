import type { Check } from '../core/policy.ts';
import { findOrphans, identityOf } from './orphans.ts';
import { hasEnded, type ProcessStat, readProcessStats } from './process-stats.ts';

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
 * Outside of the group it is what {@link findOrphans} finds; where /proc shows nothing, that is nothing.
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
  return {
    watcher,
    /** To be called once, when the run is over. Never rejects. */
    async look(): Promise<LeftBehind> {
      const isOther = (each: ProcessStat) => before.has(identityOf(each)) || each.group === groupId;
      const orphans = await findOrphans(ownNode, isOther).catch(() => []);
      return { inGroup, outside: orphans.filter(({ policy }) => policy === own).map(({ stat }) => named(stat)) };
    },
  };
}

function named({ pid, name }: ProcessStat): LeftProcess {
  return { pid, name };
}
