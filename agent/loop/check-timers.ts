import type { AgentEvent } from '../core/agent-event.ts';
import type { NodeCheckPolicy } from '../core/policy.ts';
import type { Clock, Run } from '../core/ports.ts';
import { type CheckTimer, startCheckTimer } from './check-timer.ts';
import { createRunsUnderWay } from './runs-under-way.ts';

export type CheckTimersOptions = {
  readonly clock: Clock;
  readonly startCheck: (policy: NodeCheckPolicy) => Run;
  send(event: AgentEvent): void;
  onProblem(error: unknown): void;
};

/** Runs the checks that are ordered, each at its own rate, and none beside an earlier run of itself that hangs. */
export function createCheckTimers({ clock, startCheck, send, onProblem }: CheckTimersOptions) {
  const timers = new Map<string, CheckTimer>();
  let obeyed: readonly NodeCheckPolicy[] = [];
  let isStopped = false;
  const runs = createRunsUnderWay((name) => timers.get(name)?.catchUp(), onProblem);

  const start = (policy: NodeCheckPolicy) =>
    startCheckTimer(policy, {
      clock,
      mayStart: runs.mayStart,
      start(current) {
        send({ kind: 'RunStarted', policy: current });
        const run = startCheck(current);
        runs.add(current, run);
        return run;
      },
      onOutcome: (current, outcome) => send({ kind: 'RunEnded', policy: current, outcome }),
      onSkip: (current, isHung) => send({ kind: 'RunSkipped', policy: current, isHung }),
      onProblem,
    });

  return {
    obey(policies: readonly NodeCheckPolicy[]): void {
      if (isStopped || isSame(policies, obeyed)) return;
      const wanted = new Map(policies.map((policy) => [policy.metadata.name, policy]));
      for (const [name, timer] of timers) {
        if (wanted.has(name)) continue;
        timer.stop();
        timers.delete(name);
      }
      for (const [name, policy] of wanted) {
        const timer = timers.get(name);
        if (timer) timer.update(policy);
        else timers.set(name, start(policy));
      }
      obeyed = policies;
    },
    stop(): void {
      isStopped = true;
      for (const timer of timers.values()) timer.stop();
    },
  };
}

function isSame(a: readonly NodeCheckPolicy[], b: readonly NodeCheckPolicy[]): boolean {
  return a.length === b.length && a.every((policy, i) => policy === b[i]);
}
