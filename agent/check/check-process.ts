import { spawn } from 'node:child_process';
import { BoundedOutput } from './bounded-output.ts';
import type { Launch } from './launcher.ts';
import { ProcessGroup } from './process-group.ts';

/**
 * How the operating system says a child ended: by itself with a code, or by a signal.
 *
 * Node tells a death by a real-time signal as code 0, and nothing else tells the two apart.
 */
export type Exit = { readonly code: number } | { readonly code: null; readonly signal: string };

/** What a child wrote so far: the kept beginning as text, and the bytes in all. */
export type Output = {
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
};

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
 * Starts `launch` without a shell, with `/` as its directory, no input and nothing of the agent's environment.
 *
 * Throws what spawn throws, for example when an argument contains a null byte.
 */
export function spawnCheck(launch: Launch): CheckProcess {
  const child = spawn(launch.file, launch.args, {
    argv0: launch.argv0,
    env: launch.env,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const group = new ProcessGroup(child.pid);
  const stdout = new BoundedOutput(child.stdout);
  const stderr = new BoundedOutput(child.stderr);

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
    outputClosed: new Promise((resolve) => child.once('close', () => resolve())),
    output: () => ({
      stdout: stdout.text(),
      stderr: stderr.text(),
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
