import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { DEFAULT_PATH } from './launcher.ts';

/** How long the shell may take, in milliseconds, and how much it may write, in bytes: some 50,000 processes. */
const SHELL_TIMEOUT_MS = 5000;
const SHELL_MAX_BYTES = 16 * 2 ** 20;

/** What proc_pid_stat(5) says about one process. */
export type ProcessStat = {
  /** One letter: Z and X for one that has ended, D for one that hangs in the kernel. */
  readonly state: string;
  /** The number of its process group. */
  readonly group: number;
};

/** Looks at every process that this one may see; none when it may see nothing. Never rejects. */
export async function readProcessStats(): Promise<ProcessStat[]> {
  const texts = await readOwn().catch(readByShell);
  return texts.map((text) => {
    // "pid (comm) state ppid pgrp …", and comm may contain anything.
    const [state = '', , group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, group: Number(group) };
  });
}

async function readOwn(): Promise<string[]> {
  const texts: string[] = [];
  for (const name of await readdir('/proc')) {
    // One that has ended meanwhile says nothing.
    if (/^\d+$/.test(name)) texts.push(await readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''));
  }
  return texts;
}

/** Deno shows /proc to the programs that it may run, but not to its own, unless that may do everything. */
async function readByShell(): Promise<string[]> {
  const options = { env: { PATH: DEFAULT_PATH }, timeout: SHELL_TIMEOUT_MS, maxBuffer: SHELL_MAX_BYTES };
  const script = 'cat /proc/[0-9]*/stat 2> /dev/null; exit 0';
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script], options).catch(() => ({ stdout: '' }));
  return stdout.split('\n');
}
