import type { Stats } from 'node:fs';
import { constants, open, readlink, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path/posix';
import { arch } from 'node:process';

/** How much of an executable the kernel itself looks at, in bytes (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;
/** How many symbolic links a path may lead through, as in the kernel (MAXSYMLINKS). */
const MAX_LINKS = 40;
/** How many interpreters of interpreters the kernel follows. */
const MAX_INTERPRETERS = 5;
/** The ELF machine numbers that run on a processor, with those of its 32-bit programs. */
export const ELF_MACHINES: Readonly<Record<string, readonly number[]>> = { x64: [62, 3], arm64: [183, 40] };

/**
 * Says why a program cannot be executed, as a sentence for a person, where the operating system would not say so, or
 * not clearly: a directory, a missing interpreter, and a file that is no executable at all.
 *
 * That one matters: libc hands what the kernel refuses to `/bin/sh`, so a script cut to zero bytes by a crash would be
 * healthy, and a program for another processor would fail on nonsense. Formats of binfmt_misc are therefore refused.
 *
 * @param program As its policy names it: without a slash it is looked up in `searchPath`.
 * @param root What is `/` for the program, as the agent sees it.
 * @returns Undefined for "no objection": what cannot be read here is left to the kernel's judgement.
 * @throws {@link NotShown} Only where Deno may not look.
 */
export async function findExecProblem(program: string, searchPath: string, root = '/'): Promise<string | undefined> {
  try {
    const path = program.includes('/') ? program : await findInPath(program, searchPath, root);
    if (path === undefined) return undefined;
    const problem = await findFileProblem(await resolveIn(root, path), searchPath, root);
    return problem === undefined ? undefined : `${program}: ${problem}`;
  } catch (error) {
    if (error instanceof NotShown) throw error;
    return undefined;
  }
}

/** Deno shows its program only what it was granted. Its spawn would wait for a file system that does not answer. */
export class NotShown extends Error {}

/** Returns the path, below `root`, of the first executable file of that name in the directories of `searchPath`. */
export async function findInPath(name: string, searchPath: string, root = '/'): Promise<string | undefined> {
  for (const directory of searchPath.split(':')) {
    const candidate = join('/', directory, name);
    const file = await resolveIn(root, candidate);
    const stats = await look(file).catch(unlessNotShown);
    if (stats?.isFile() && (stats.mode & 0o111) !== 0) return candidate;
  }
  return undefined;
}

/** @param depth how many scripts name this one as their interpreter */
async function findFileProblem(file: string, searchPath: string, root: string, depth = 0): Promise<string | undefined> {
  // Before it is opened, for which Deno asks the file system on its only thread.
  const stats = await look(file);
  if (stats.isDirectory()) return 'is a directory';
  if (!stats.isFile() || (stats.mode & 0o111) === 0) return undefined;

  const head = await readHead(file);
  if (head.length === 0) return 'is empty';
  if (head.toString('latin1', 0, 4) === '\x7fELF') {
    const machines = ELF_MACHINES[arch];
    const fits = machines === undefined || (head.length >= 20 && machines.includes(head.readUInt16LE(18)));
    return fits ? undefined : `is not a program for this processor (${arch})`;
  }
  return findScriptProblem(head.toString(), searchPath, root, depth);
}

async function readHead(path: string): Promise<Buffer> {
  // Without O_NONBLOCK, opening a named pipe would wait for its writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function findScriptProblem(
  head: string,
  searchPath: string,
  root: string,
  depth: number,
): Promise<string | undefined> {
  const [, interpreter, argument] = /^#![ \t]*([^ \t\n\0]+)[ \t]*([^\n\0]*)/.exec(head) ?? [];
  if (interpreter === undefined) return 'is neither a program nor a script that begins with #! and its interpreter';
  const problem = await findInterpreterProblem(interpreter, searchPath, root, depth);
  if (problem !== undefined) return problem;
  if (basename(interpreter) !== 'env' || !argument || /^-|[ \t=/]/.test(argument)) return undefined;
  const found = await findInPath(argument, searchPath, root);
  if (found === undefined) return `its interpreter ${JSON.stringify(argument)} is not in PATH ${searchPath}`;
  return findInterpreterProblem(found, searchPath, root, depth);
}

/** libc hands the script to `/bin/sh` also where the kernel refuses only its interpreter. */
async function findInterpreterProblem(
  path: string,
  searchPath: string,
  root: string,
  depth: number,
): Promise<string | undefined> {
  if (depth === MAX_INTERPRETERS) return undefined;
  // As JSON, because the usual reason is an invisible carriage return.
  const its = `its interpreter ${JSON.stringify(path)}`;
  try {
    const problem = await findFileProblem(await resolveIn(root, path), searchPath, root, depth + 1);
    return problem === undefined ? undefined : `${its} ${problem.replace(/^its/, 'cannot be executed: its')}`;
  } catch (error) {
    unlessNotShown(error as Error);
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? `${its} is missing` : undefined;
  }
}

async function look(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw (error as Error).name === 'NotCapable' ? new NotShown(`Deno may not read ${path}`, { cause: error }) : error;
  }
}

function unlessNotShown(error: unknown): undefined {
  if (error instanceof NotShown) throw error;
}

/** Resolves the symbolic links of a path as a process does whose root is `root`; a relative path starts there too. */
async function resolveIn(root: string, path: string): Promise<string> {
  // The kernel does just that for our own root, in one call.
  if (root === '/') return join(root, path);
  const pending = path.split('/');
  let resolved = '/';
  for (let links = 0; pending.length > 0; ) {
    const next = join(resolved, pending.shift() ?? '');
    const target = await readlink(join(root, next)).catch(() => undefined);
    if (target === undefined || next === '/') {
      resolved = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new Error(`${path}: more than ${MAX_LINKS} symbolic links`);
    pending.unshift(...target.split('/'));
    resolved = target.startsWith('/') ? '/' : dirname(next);
  }
  return join(root, resolved);
}
