import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { MAX_FILES, MAX_STREAM_BYTES } from './limits.ts';
import { isPolicyFileName } from './policy-file-name.ts';
import type { PolicyFile } from './revision.ts';

/** How a path on the command line begins that is one of a Git revision. */
const PREFIX = 'git:';
const DEADLINE_MS = 30_000;
/** Of the messages of Git, which are for people. */
const MAX_MESSAGE = 300;

/** What a revision of a Git repository has at a path: a file, or the policy files of a directory, but not those below it. */
export type GitObject =
  | { readonly kind: 'File'; readonly bytes: Uint8Array }
  | { readonly kind: 'Directory'; readonly files: readonly PolicyFile[] };

/** Whether a path is one of a Git revision: `git:main:gitops/policies`. */
export function isGitPath(path: string): boolean {
  return path.startsWith(PREFIX);
}

/**
 * Reads what `git:REVISION:PATH` names in the repository of the current directory. PATH is that of the repository; `./PATH` is
 * seen from the current directory, as Git itself has it. A link in a directory is not followed.
 *
 * @throws Error that says what is required, and what Git found instead
 */
export async function readGitPath(path: string): Promise<GitObject> {
  const [, revision = '', inside] = /^git:([^:]*):(.*)$/s.exec(path) ?? [];
  if (revision === '' || revision.startsWith('-') || inside === undefined) {
    throw new Error('must be git:REVISION:PATH, as git:main:gitops/policies');
  }
  const object = `${revision}:${inside}`;
  const kind = String(await git(['cat-file', '-t', object])).trim();
  if (kind === 'blob') return { kind: 'File', bytes: await git(['cat-file', 'blob', object]) };
  if (kind !== 'tree') throw new Error(`must be a file or a directory in Git, found a ${kind}`);
  return { kind: 'Directory', files: await readTree(object) };
}

async function readTree(object: string): Promise<PolicyFile[]> {
  const entries = String(await git(['ls-tree', '--full-tree', '-z', object]))
    .split('\0')
    .flatMap((line) => {
      const [, type, id, name] = /^\d+ (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      return type === 'blob' && id !== undefined && name !== undefined && isPolicyFileName(name) ? [{ id, name }] : [];
    });
  if (entries.length > MAX_FILES)
    throw new Error(`must hold at most ${MAX_FILES} policy files, found ${entries.length}`);
  const files: PolicyFile[] = [];
  for (const { id, name } of entries) files.push({ name, bytes: await git(['cat-file', 'blob', id]) });
  return files;
}

/** What a command of Git prints. */
async function git(args: readonly string[]): Promise<Uint8Array> {
  const options = { encoding: 'buffer', maxBuffer: MAX_STREAM_BYTES, timeout: DEADLINE_MS } as const;
  try {
    return (await promisify(execFile)('git', args, options)).stdout;
  } catch (error) {
    throw new Error(`git ${args[0]}: ${explain(error)}`);
  }
}

function explain(error: unknown): string {
  const { code, killed, stderr } = error as { code?: unknown; killed?: boolean; stderr?: unknown };
  if (code === 'ENOENT') return 'there is no git in the PATH';
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `more than ${MAX_STREAM_BYTES} bytes`;
  if (killed) return `no answer within ${DEADLINE_MS / 1000} s`;
  const message =
    String(stderr ?? '')
      .trim()
      .split('\n')[0] || String(error);
  return message.slice(0, MAX_MESSAGE);
}
