import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import type { PolicySet } from '../core/policy.ts';
import type { Toleration } from '../core/taint.ts';

const RETRY = { baseMs: 1_000, maxMs: 60_000 };

/**
 * Reads the tolerations of the agent's own pod once, and only when a policy first wants a NoExecute taint; keeps
 * trying until it knows them or the signal ends it.
 */
export function createTolerationReader(
  read: () => Promise<readonly Toleration[]>,
  onRead: (tolerations: readonly Toleration[]) => void,
  onProblem: (error: unknown) => void,
  signal: AbortSignal,
): (set: PolicySet) => void {
  let begun = false;
  async function readUntilKnown(): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        onRead(await read());
        return;
      } catch (error) {
        onProblem(error);
        await sleep(backoffMs(attempt, RETRY, Math.random()), undefined, { signal }).catch(() => {});
      }
    }
  }
  return ({ policies }) => {
    if (begun || !policies.some(({ spec }) => spec.actions.taint?.effect === 'NoExecute')) return;
    begun = true;
    void readUntilKnown();
  };
}
