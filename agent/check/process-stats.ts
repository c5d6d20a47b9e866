import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { TOOLS_PATH } from './launcher.ts';

/** How long the shell may take, in milliseconds, and how much it may write, in bytes: some 50,000 processes. */
const SHELL_TIMEOUT_MS = 5000;
const SHELL_MAX_BYTES = 16 * 2 ** 20;

/** How many processes are looked at before the loop turns: some 2 ms. */
const AT_ONCE = 128;

/** What proc_pid_stat(5) says about one process. */
export type ProcessStat = {
  readonly pid: number;
  /** Of its executable, at most 15 bytes of whatever it likes to be called. */
  readonly name: string;
  /** One letter: Z and X for one that has ended, D for one that hangs in the kernel. */
  readonly state: string;
  /** 0 for one that was started from outside of what can be seen here. */
  readonly parent: number;
  /** The number of its process group. */
  readonly group: number;
  /** When it was started, in ticks since the machine was: with the pid it tells one process from all others. */
  readonly startedAt: string;
};

/** Looks at every process that this one may see; none when it may see nothing. Never rejects. */
export async function readProcessStats(): Promise<ProcessStat[]> {
  const texts = await readOwn().catch(readByShell);
  return texts.map((text) => {
    // "pid (comm) state ppid pgrp …", and comm may contain anything.
    const [begins, ends] = [text.indexOf('('), text.lastIndexOf(')')];
    const fields = text.slice(ends + 2).split(' ');
    return {
      pid: Number.parseInt(text, 10),
      name: text.slice(begins + 1, ends),
      state: fields[0] ?? '',
      parent: Number(fields[1]),
      group: Number(fields[2]),
      startedAt: fields[19] ?? '',
    };
  });
}

/** Whether it has ended, though nobody may have reaped it. */
export function hasEnded({ state }: ProcessStat): boolean {
  return state === '' || state === 'Z' || state === 'X';
}

/** Without waiting for each file, which costs ten times what the reading does; others have their turn in between. */
async function readOwn(): Promise<string[]> {
  const names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const texts: string[] = [];
  while (names.length > 0) {
    texts.push(...names.splice(0, AT_ONCE).map(readStat));
    await setImmediate();
  }
  return texts;
}

/** One that has ended meanwhile says nothing. */
function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}

/** Deno shows /proc to the programs that it may run, but not to its own, unless that may do everything. */
async function readByShell(): Promise<string[]> {
  const options = { env: { PATH: TOOLS_PATH }, timeout: SHELL_TIMEOUT_MS, maxBuffer: SHELL_MAX_BYTES };
  const script = 'cat /proc/[0-9]*/stat 2> /dev/null; exit 0';
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script], options).catch(() => ({ stdout: '' }));
  return stdout.split('\n');
}
