import { type ChildProcess, spawn } from 'node:child_process';
import { nscCommand } from './nsc-command.ts';
import { waitFor } from './wait-for.ts';

/** A command that runs on a terminal. */
export interface TerminalRun {
  /** What stands on the terminal so far. */
  output(): string;
  waitFor(text: string): Promise<unknown>;
  type(text: string): void;
  /** Null when it was killed, after a minute at the latest. */
  readonly exitCode: Promise<number | null>;
}

/** Runs a command of the program on a terminal of its own, as `script` of util-linux makes one. */
export function onTerminal(kubeconfig: string, args: readonly string[]): TerminalRun {
  const env = { KUBECONFIG: kubeconfig };
  const command = nscCommand(args, { env })
    .map((word) => `'${word}'`)
    .join(' ');
  const child: ChildProcess = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const exitCode = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(deadline);
      resolve(code);
    });
  });
  return {
    output: () => output,
    waitFor: (text) => waitFor(() => output.includes(text), { what: text }),
    type: (text) => child.stdin?.write(text),
    exitCode,
  };
}
