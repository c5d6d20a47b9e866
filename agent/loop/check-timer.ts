import type { NodeCheckPolicy } from '../core/policy.ts';
import type { Clock, Run } from '../core/ports.ts';
import { checkIdentity } from '../core/roster.ts';
import type { RunOutcome } from '../core/verdict.ts';

export type CheckTimerOptions = {
  readonly clock: Clock;
  /** Whether a run may start; no, while one of this very check is there, which a timer before this one may have started. */
  mayStart(policy: NodeCheckPolicy): boolean;
  start(policy: NodeCheckPolicy): Run;
  onOutcome(policy: NodeCheckPolicy, outcome: RunOutcome): void;
  /** Processes of an earlier run are left, so this one is left out. @param isHung that run's outcome is known already */
  onSkip(policy: NodeCheckPolicy, isHung: boolean): void;
  /** A run could not be started or followed; the next one is due all the same. */
  onProblem(error: unknown): void;
};

export type CheckTimer = {
  /** Another version of the policy is in force: re-arms without overlap; a run of another command is ended, not waited for. */
  update(policy: NodeCheckPolicy): void;
  /** A run has ended that this timer may have waited for: a first run that was left out for it is due now. */
  catchUp(): void;
  /** No more runs and no more outcomes; a run under way is ended. */
  stop(): void;
};

/**
 * Runs one check at a fixed rate, first after `initialDelaySeconds`. A run that is late leaves out the ones it
 * delayed, so that runs never queue and never overlap.
 */
export function startCheckTimer(first: NodeCheckPolicy, options: CheckTimerOptions): CheckTimer {
  let policy = first;
  const { clock } = options;
  /** It is ended when the check is no longer wanted. */
  let run: Run | null = null;
  /** Its outcome counts. */
  let latest: Run | null = null;
  /** Its outcome is not known yet. */
  let isOpen = false;
  /** The first run of this check was due and left out. */
  let isOwed = false;
  let lastStartMs: number | null = null;
  let dueMs = clock.nowMs() + policy.spec.check.initialDelaySeconds * 1000;
  let stopped = false;
  let disarm = arm();

  function arm(): () => void {
    return clock.after(dueMs - clock.nowMs(), tick);
  }

  function tick(): void {
    const periodMs = policy.spec.check.periodSeconds * 1000;
    const now = clock.nowMs();
    dueMs += periodMs * Math.max(1, Math.ceil((now - dueMs) / periodMs));
    disarm = arm();
    try {
      if (options.mayStart(policy)) startRun(now);
      else leaveOut();
    } catch (error) {
      options.onProblem(error);
    }
  }

  function leaveOut(): void {
    isOwed = latest === null;
    options.onSkip(policy, !isOpen);
  }

  function startRun(now: number): void {
    lastStartMs = now;
    isOwed = false;
    const started = options.start(policy);
    run = started;
    latest = started;
    isOpen = true;
    started.outcome
      .then((outcome) => {
        if (latest === started) isOpen = false;
        // What another command said says nothing about the check that is in force now.
        if (!stopped && latest === started) options.onOutcome(policy, outcome);
      })
      .catch(options.onProblem);
    started.gone
      .finally(() => {
        if (run === started) run = null;
      })
      .catch(options.onProblem);
  }

  return {
    update(next) {
      const { periodSeconds, initialDelaySeconds } = next.spec.check;
      const another = checkIdentity(next) !== checkIdentity(policy);
      const rearm = another || periodSeconds !== policy.spec.check.periodSeconds;
      policy = next;
      if (!rearm) return;
      const now = clock.nowMs();
      if (another) {
        // What hangs may never end, whatever is sent to it, and is no reason not to start another command.
        run?.kill();
        run = null;
        latest = null;
        isOpen = false;
        lastStartMs = null;
        isOwed = false;
        dueMs = now + initialDelaySeconds * 1000;
      } else if (lastStartMs !== null) dueMs = Math.max(now, lastStartMs + periodSeconds * 1000);
      else if (isOwed) dueMs = now;
      disarm();
      disarm = arm();
    },
    catchUp() {
      if (stopped || !isOwed) return;
      isOwed = false;
      dueMs = clock.nowMs();
      disarm();
      disarm = arm();
    },
    stop() {
      stopped = true;
      disarm();
      run?.kill();
    },
  };
}
