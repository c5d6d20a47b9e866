import type { NodeCheckPolicy } from '../core/policy.ts';
import type { Run } from '../core/ports.ts';
import { checkIdentity } from '../core/roster.ts';

/**
 * So many runs of one policy name may be there at once. Each that was let go and is still there is a process that
 * nobody can end, so with more of them another command would only add to them.
 */
export const MAX_RUNS_OF_A_POLICY = 10;

export type RunsUnderWay = ReturnType<typeof createRunsUnderWay>;

/**
 * Which checks have a process left, by policy name and check identity, whatever became of the timer that started them: a
 * policy that is taken out and put back is the same check. A run is forgotten when it is gone.
 */
export function createRunsUnderWay(onGone: (policyName: string) => void, onProblem: (error: unknown) => void) {
  const ofPolicy = new Map<string, Map<string, Run>>();

  return {
    /** Whether this check may start: nothing of an earlier run of it is left, and not too much of others of its name. */
    mayStart(policy: NodeCheckPolicy): boolean {
      const runs = ofPolicy.get(policy.metadata.name);
      return runs === undefined || (!runs.has(checkIdentity(policy)) && runs.size < MAX_RUNS_OF_A_POLICY);
    },

    /** Remembers the run that this check has started. */
    add(policy: NodeCheckPolicy, run: Run): void {
      const { name } = policy.metadata;
      const identity = checkIdentity(policy);
      const runs = ofPolicy.get(name) ?? new Map<string, Run>();
      ofPolicy.set(name, runs.set(identity, run));
      run.gone
        .finally(() => {
          runs.delete(identity);
          if (runs.size === 0) ofPolicy.delete(name);
          onGone(name);
        })
        .catch(onProblem);
    },
  };
}
