import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { TOOLS_PATH } from './launcher.ts';
import type { ProcessStat } from './process-stats.ts';

/** How much of what is found is read, in bytes, and how long one program may take for that, in milliseconds. */
const MAX_BYTES = 2 ** 20;
const TIMEOUT_MS = 5000;
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
 * The `NSC_POLICY` of those of these processes that were started with it and with this `NODE_NAME`, as far as it can be seen.
 *
 * Rejects if nobody could look: that is not to say that there are none. Another program looks, because one that hangs in the kernel may hold up whoever reads what it was started with.
 */
export async function policiesOf(pids: readonly number[], nodeName: string): Promise<Map<number, string>> {
  if (pids.length === 0) return new Map();
  const paths = pids.map((pid) => `/proc/${pid}/environ`);
  const text = await output('grep', ['-szaH', '-e', '^NSC_POLICY=', '-e', '^NODE_NAME=', ...paths]);
  const found = { NSC_POLICY: new Map<number, string>(), NODE_NAME: new Map<number, string>() };
  for (const line of text.split(NUL)) {
    const [, pid, name, value = ''] = /^\/proc\/(\d+)\/environ:(NSC_POLICY|NODE_NAME)=(.*)$/s.exec(line) ?? [];
    if (name !== undefined) found[name as keyof typeof found].set(Number(pid), value);
  }
  return new Map([...found.NSC_POLICY].filter(([pid]) => found.NODE_NAME.get(pid) === nodeName));
}

/** What it printed, whatever it thinks of it. Rejects if it could not be started, or did not end by itself. */
async function output(program: string, args: readonly string[]): Promise<string> {
  const options = {
    env: { PATH: TOOLS_PATH },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_BYTES,
  } as const;
  const { stdout } = await promisify(execFile)(program, args, options).catch(
    (error: { code?: unknown; stdout?: string }) => {
      if (typeof error.code !== 'number') throw error;
      return { stdout: error.stdout ?? '' };
    },
  );
  return stdout;
}
