import type { NodeCheckPolicy } from '../core/policy.ts';
import { checkIdentity } from '../core/roster.ts';
import type { RunOutcome } from '../core/verdict.ts';

/** One run of a check; the shape of what agent/check starts. */
export type Run = {
  /** Settles by the check's timeout, never rejects. */
  readonly outcome: Promise<RunOutcome>;
  /** Settles once no process of it is left, which can be later: an unkillable child outlives its timeout. */
  readonly gone: Promise<void>;
  kill(): void;
};

export type CheckTimerOptions = {
  start(policy: NodeCheckPolicy): Run;
  onOutcome(policy: NodeCheckPolicy, outcome: RunOutcome): void;
  /** The run before has not ended, so this one is left out. */
  onSkip(policy: NodeCheckPolicy): void;
};

export type CheckTimer = {
  /** Another version of the policy is in force: re-arms without overlap. */
  update(policy: NodeCheckPolicy): void;
  /** No more runs and no more outcomes; a run under way is left to its timeout, or killed at once. */
  stop(how: 'letFinish' | 'kill'): void;
};

/**
 * Runs one check at a fixed rate, first after `initialDelaySeconds`. A run that is late leaves out the ones it
 * delayed, so that runs never queue and never overlap.
 */
export function startCheckTimer(first: NodeCheckPolicy, options: CheckTimerOptions): CheckTimer {
  let policy = first;
  let run: Run | null = null;
  let lastStartMs: number | null = null;
  let dueMs = performance.now() + policy.spec.check.initialDelaySeconds * 1000;
  let stopped = false;
  let timer = arm();

  function arm(): NodeJS.Timeout {
    return setTimeout(tick, Math.max(0, dueMs - performance.now()));
  }

  function tick(): void {
    const periodMs = policy.spec.check.periodSeconds * 1000;
    const now = performance.now();
    dueMs += periodMs * Math.max(1, Math.ceil((now - dueMs) / periodMs));
    timer = arm();
    if (run === null) startRun(now);
    else options.onSkip(policy);
  }

  function startRun(now: number): void {
    lastStartMs = now;
    const started = options.start(policy);
    run = started;
    const identity = checkIdentity(policy);
    void started.outcome.then((outcome) => {
      // What another command said says nothing about the check that is in force now.
      if (!stopped && checkIdentity(policy) === identity) options.onOutcome(policy, outcome);
    });
    void started.gone.then(() => {
      run = null;
    });
  }

  return {
    update(next) {
      const { periodSeconds, initialDelaySeconds } = next.spec.check;
      const another = checkIdentity(next) !== checkIdentity(policy);
      const rearm = another || periodSeconds !== policy.spec.check.periodSeconds;
      policy = next;
      if (!rearm) return;
      const now = performance.now();
      if (another) dueMs = now + initialDelaySeconds * 1000;
      else if (lastStartMs !== null) dueMs = Math.max(now, lastStartMs + periodSeconds * 1000);
      clearTimeout(timer);
      timer = arm();
    },
    stop(how) {
      stopped = true;
      clearTimeout(timer);
      if (how === 'kill') run?.kill();
    },
  };
}
