import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { DEFAULT_PATH } from './launcher.ts';
import type { ProcessStat } from './process-stats.ts';

/** How much of what is found is read, in bytes, and how long one program may take for that, in milliseconds. */
const MAX_BYTES = 2 ** 20;
const TIMEOUT_MS = 5000;
const COMMAND_BYTES = 1024;
/** Between two variables of one process, and behind the last. */
const NUL = '\0';

/** Tells one process from all others, also from one that gets its number later. */
export function identityOf({ pid, startedAt }: ProcessStat): string {
  return `${pid} ${startedAt}`;
}

/** Who adopts our orphans: an ancestor of ours, or pid 1. What has another parent may be of another agent's run. */
export function adoptersIn(stats: readonly ProcessStat[]): ReadonlySet<number> {
  const parents = new Map(stats.map(({ pid, parent }) => [pid, parent]));
  const adopters = new Set([1]);
  for (let at = process.ppid; at > 1 && !adopters.has(at); at = parents.get(at) ?? 0) adopters.add(at);
  return adopters;
}

/**
 * The `NSC_POLICY` that each of these processes was started with, as far as it can be seen. Never rejects.
 *
 * Another program looks, because one that hangs in the kernel may hold up whoever reads what it was started with.
 */
export async function policiesOf(pids: readonly number[]): Promise<Map<number, string>> {
  if (pids.length === 0) return new Map();
  const paths = pids.map((pid) => `/proc/${pid}/environ`);
  const text = await output('grep', ['-szaH', '-e', '^NSC_POLICY=', ...paths]);
  const found = text.split(NUL).map((line) => /^\/proc\/(\d+)\/environ:NSC_POLICY=(.*)$/s.exec(line));
  return new Map(found.flatMap((match) => (match ? [[Number(match[1]), match[2] ?? '']] : [])));
}

/** The command line of a process, as far as it can be seen; else empty. Never rejects. */
export async function commandOf(pid: number): Promise<string> {
  const text = await output('head', ['-c', String(COMMAND_BYTES), `/proc/${pid}/cmdline`]);
  return text.replaceAll(NUL, ' ').trim();
}

/** What it printed, whatever it thinks of it. */
async function output(program: string, args: readonly string[]): Promise<string> {
  const options = {
    env: { PATH: DEFAULT_PATH },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_BYTES,
  } as const;
  const { stdout } = await promisify(execFile)(program, args, options).catch(
    ({ stdout = '' }: { stdout?: string }) => ({ stdout }),
  );
  return stdout;
}
