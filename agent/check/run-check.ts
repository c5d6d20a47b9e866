import type { Check } from '../core/policy.ts';
import type { RunOutcome } from '../core/verdict.ts';
import type { CheckPipes } from './check-pipes.ts';
import { type CheckProcess, spawnCheck } from './check-process.ts';
import { afterMs, within } from './delay.ts';
import { type Launch, prepareLaunch, type RunOptions } from './launcher.ts';
import { readLauncherFailure } from './launcher-failure.ts';
import type { GroupWatcher } from './left-behind.ts';
import { lookInChild } from './look-in-child.ts';
import type { Looks } from './looks.ts';
import { explainStartError } from './start-error.ts';

/**
 * How long the output may stay open after the check itself has exited, in milliseconds.
 *
 * A check that leaves a process behind leaves it the pipes too, and then they do not end by themselves.
 */
export const OUTPUT_GRACE_MS = 200;

/** One run of a check, from its start until nothing of it is left. */
export type RunningCheck = {
  /**
   * How the run ended. Never rejects. Settles at the latest when the child has run for `timeoutSeconds`, whatever it does
   * (an exit just before that may take {@link OUTPUT_GRACE_MS} longer), so also for one that SIGKILL does not end; and where
   * no child could be started for as long, then.
   */
  readonly outcome: Promise<RunOutcome>;
  /**
   * Resolves when the child was reaped and nothing that runs is left of its process group; never rejects. Later than
   * `outcome`, or never, for what is stuck in the kernel (D state): do not start the check again before.
   */
  readonly gone: Promise<void>;
  /**
   * Ends the run at once, for a shutdown: SIGKILL to the process group. An outcome that was still open settles as
   * `Signaled` by SIGKILL, without waiting for the child. Does nothing when all is over.
   */
  kill(): void;
};

/** What a run is given, and what all runs of an agent share. */
export type StartOptions = RunOptions & {
  readonly pipes: CheckPipes;
  readonly looks: Looks;
  /** Absent: nobody looks at what the run leaves behind. */
  readonly watcher?: GroupWatcher;
};

type Ended = RunOutcome['ended'];

/**
 * Starts a check once, in a process group of its own, and tells how it ended.
 *
 * Never throws: whatever keeps the check from running is a `NotStarted` with a sentence for a person. `durationMs` runs
 * from this call to the child's exit, or to the moment it was given up. What the check leaves in its process group is
 * killed when it has exited; a process that made a session of its own escapes that, but holds up nothing.
 */
export function startCheck(
  check: Pick<Check, 'command' | 'env' | 'runIn' | 'timeoutSeconds'>,
  options: StartOptions,
): RunningCheck {
  const startedAt = performance.now();
  const sinceStartMs = () => performance.now() - startedAt;
  const outcome = Promise.withResolvers<RunOutcome>();
  let child: CheckProcess | undefined;
  let givenUp = false;

  const settle = (ended: Ended, durationMs = sinceStartMs()) => {
    cancelTimeout();
    outcome.resolve({ ended, ...(child?.output() ?? NO_OUTPUT), durationMs });
  };
  const giveUp = (ended: Ended) => {
    givenUp = true;
    child?.group.kill();
    settle(ended);
    child?.release();
  };
  const timeoutMs = check.timeoutSeconds * 1000;
  // What never ran says nothing, also where the policy counts a timeout.
  const tooLate = `${check.command[0]}: did not start within ${check.timeoutSeconds} s; its file system may not answer`;
  let cancelTimeout = afterMs(timeoutMs, () => giveUp({ kind: 'NotStarted', reason: tooLate }));

  const run = async () => {
    const launch = await prepareLaunch(check, options);
    const look = await options.looks.look(launch.program, launch.env.PATH, launch.root);
    if (givenUp) return;
    if (look === 'NotTaken') return runWithPipes(lookInChild(launch));
    if (look.problem === undefined) return runWithPipes(launch);
    settle({ kind: 'NotStarted', reason: look.problem });
  };
  const runWithPipes = async (launch: Launch) => {
    const pipes = await options.pipes.take();
    try {
      if (!givenUp) await follow(spawnCheck(launch, pipes), launch.tools);
    } finally {
      pipes?.giveBack();
    }
  };
  const follow = async (spawned: CheckProcess, tools: readonly string[]) => {
    child = spawned;
    // What it took an agent that is busy to start the child is not the child's fault.
    cancelTimeout();
    cancelTimeout = afterMs(timeoutMs, () => giveUp({ kind: 'TimedOut' }));
    if (child.group.id !== undefined) options.watcher?.started(child.group.id);
    const exit = await child.exited;
    cancelTimeout();
    const durationMs = sinceStartMs();
    await within(OUTPUT_GRACE_MS, child.outputClosed);
    if (!givenUp && child.group.exists()) await options.watcher?.exited();
    child.group.kill();

    const launcherFailure = readLauncherFailure(tools, exit, child.output());
    if (launcherFailure !== undefined) settle({ kind: 'NotStarted', reason: launcherFailure }, durationMs);
    else if (exit.code === null) settle({ kind: 'Signaled', signal: exit.signal }, durationMs);
    else settle({ kind: 'Exited', code: exit.code }, durationMs);
    child.release();
    await child.group.gone();
  };
  const gone = run().catch((error: unknown) => settle({ kind: 'NotStarted', reason: explainStartError(error, check) }));

  return { outcome: outcome.promise, gone, kill: () => giveUp({ kind: 'Signaled', signal: 'SIGKILL' }) };
}

const NO_OUTPUT = { stdout: '', stderr: '', stdoutBytes: 0, stderrBytes: 0 };
