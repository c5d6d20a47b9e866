import { spawn } from 'node:child_process';
import { nscCommand, type Runtime } from './nsc-command.ts';
import { endWithThisProcess } from './processes.ts';

export interface NscRun {
  /** What it wrote so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Null when it was killed. */
  readonly exitCode: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

export interface NscOptions {
  /** For standard input, which is empty without it. */
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** That of NSC_RUNTIME when absent. */
  readonly runtime?: Runtime;
  /** Then it is killed; 60 s when absent. */
  readonly deadlineMs?: number;
}

/** Starts a command of the bundled program. It is killed when this process ends. */
export function runNsc(
  args: readonly string[],
  { stdin = '', env, cwd, runtime, deadlineMs = 60_000 }: NscOptions = {},
): NscRun {
  const [program, ...all] = nscCommand(args, { runtime, env });
  const child = spawn(program, all, {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      written[stream] += text;
    });
  }
  // It may end without having read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  endWithThisProcess(child);
  const deadline = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  const exitCode = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(deadline);
      resolve(code);
    });
  });
  return {
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return written.stderr;
    },
    exitCode,
    kill: (signal) => child.kill(signal),
  };
}

/** How a command ended and what it printed. */
export async function finished(run: NscRun): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const exitCode = await run.exitCode;
  return { exitCode, stdout: run.stdout, stderr: run.stderr };
}
