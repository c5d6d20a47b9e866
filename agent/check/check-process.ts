import { spawn } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import type { RunOutcome } from '../core/verdict.ts';
import { BoundedOutput } from './bounded-output.ts';
import type { RunPipes } from './check-pipes.ts';
import type { Launch } from './launcher.ts';
import { ProcessGroup } from './process-group.ts';

/**
 * How the operating system says a child ended: by itself with a code, or by a signal.
 *
 * Node tells a death by a real-time signal as code 0, and nothing else tells the two apart.
 */
export type Exit = { readonly code: number } | { readonly code: null; readonly signal: string };

/** What a child wrote so far: the kept beginning and end as text, and the bytes in all. */
export type Output = Omit<RunOutcome, 'ended' | 'durationMs'>;

/** A child that leads its own process group, with its output read as it comes. */
export type CheckProcess = {
  readonly group: ProcessGroup;
  /** Resolves when the child was reaped. Rejects with the error of spawn when it could not be started. */
  readonly exited: Promise<Exit>;
  /** Resolves when the child was reaped and nobody can write to its output any more. Never rejects. */
  readonly outputClosed: Promise<void>;
  output(): Output;
  /** Stops reading, and no longer keeps the agent's process from ending. */
  release(): void;
};

/**
 * Starts `launch` without a shell, with `/` as its directory, no input and nothing of the agent's environment. Its
 * output goes to `pipes`, or, without any, to what the runtime has for that.
 *
 * Throws what spawn throws, for example when an argument contains a null byte.
 */
export function spawnCheck(launch: Launch, pipes: RunPipes | undefined): CheckProcess {
  const child = spawn(launch.file, launch.args, {
    argv0: launch.argv0,
    env: launch.env,
    cwd: '/',
    detached: true,
    stdio: ['ignore', pipes?.stdout.childFd ?? 'pipe', pipes?.stderr.childFd ?? 'pipe'],
  });
  pipes?.childStarted();
  const group = new ProcessGroup(child.pid);
  // Where the agent has too many open files, the child has no streams.
  const stdout = new BoundedOutput(pipes?.stdout.reader ?? child.stdout ?? undefined);
  const stderr = new BoundedOutput(pipes?.stderr.reader ?? child.stderr ?? undefined);

  const exited = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.once('exit', (code, signal) => {
      // Asked at once: an empty group's number can be given to others, and then it is not ours to kill.
      group.exists();
      resolve(code === null ? { code, signal: signal ?? 'an unknown signal' } : { code });
    });
  });
  return {
    group,
    exited,
    outputClosed: allClosed(pipes ? [child, pipes.stdout.reader, pipes.stderr.reader] : [child]),
    output: () => ({
      stdout: stdout.text(),
      stderr: stderr.text(),
      ...(stdout.end() !== undefined && { stdoutEnd: stdout.end() }),
      ...(stderr.end() !== undefined && { stderrEnd: stderr.end() }),
      stdoutBytes: stdout.bytes,
      stderrBytes: stderr.bytes,
    }),
    release: () => {
      stdout.close();
      stderr.close();
      child.unref();
    },
  };
}

async function allClosed(emitters: readonly EventEmitter[]): Promise<void> {
  await Promise.all(emitters.map((emitter) => new Promise<void>((resolve) => emitter.once('close', () => resolve()))));
}
