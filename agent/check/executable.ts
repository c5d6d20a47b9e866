import { constants, type FileHandle, open, readlink, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path/posix';
import { arch } from 'node:process';

/** How much of an executable the kernel itself looks at, in bytes (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;
/** How many symbolic links a path may lead through, as in the kernel (MAXSYMLINKS). */
const MAX_LINKS = 40;
/** The ELF machine numbers that run on a processor, with those of its 32-bit programs. */
const ELF_MACHINES: Readonly<Record<string, readonly number[]>> = { x64: [62, 3], arm64: [183, 40] };

/**
 * Says why a program cannot be executed, as a sentence for a person, where the operating system would not say so, or
 * not clearly: a directory, a missing interpreter, and a file that is no executable at all.
 *
 * That one matters: libc hands what the kernel refuses to `/bin/sh`, so a script cut to zero bytes by a crash would be
 * healthy, and a program for another processor would fail on nonsense. Formats of binfmt_misc are therefore refused.
 *
 * @param program As its policy names it: without a slash it is looked up in `searchPath`.
 * @param root What is `/` for the program, as the agent sees it.
 * @returns Undefined for "no objection": what cannot be read here is left to the kernel's judgement. Never rejects.
 */
export async function findExecProblem(program: string, searchPath: string, root = '/'): Promise<string | undefined> {
  try {
    const path = program.includes('/') ? program : await findInPath(program, searchPath, root);
    if (path === undefined) return undefined;
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    const file = await open(await resolveIn(root, path), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const problem = await findFileProblem(file, searchPath, root);
      return problem === undefined ? undefined : `${program}: ${problem}`;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** Returns the path, below `root`, of the first executable file of that name in the directories of `searchPath`. */
export async function findInPath(name: string, searchPath: string, root = '/'): Promise<string | undefined> {
  for (const directory of searchPath.split(':')) {
    const candidate = join('/', directory, name);
    const file = await resolveIn(root, candidate);
    const stats = await stat(file).catch(() => undefined);
    if (stats?.isFile() && (stats.mode & 0o111) !== 0) return candidate;
  }
  return undefined;
}

async function findFileProblem(file: FileHandle, searchPath: string, root: string): Promise<string | undefined> {
  const stats = await file.stat();
  if (stats.isDirectory()) return 'is a directory';
  if (!stats.isFile() || (stats.mode & 0o111) === 0) return undefined;

  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const head = buffer.subarray(0, bytesRead);
  if (bytesRead === 0) return 'is empty';
  if (head.toString('latin1', 0, 4) === '\x7fELF') {
    const machines = ELF_MACHINES[arch];
    const fits = machines === undefined || (bytesRead >= 20 && machines.includes(head.readUInt16LE(18)));
    return fits ? undefined : `is not a program for this processor (${arch})`;
  }
  return findScriptProblem(head.toString(), searchPath, root);
}

async function findScriptProblem(head: string, searchPath: string, root: string): Promise<string | undefined> {
  const [, interpreter, argument] = /^#![ \t]*([^ \t\n\0]+)[ \t]*([^\n\0]*)/.exec(head) ?? [];
  if (interpreter === undefined) return 'is neither a program nor a script that begins with #! and its interpreter';
  // As JSON, because the usual reason is an invisible carriage return.
  if (await isMissing(root, interpreter)) return `its interpreter ${JSON.stringify(interpreter)} is missing`;
  if (basename(interpreter) !== 'env' || !argument || /^-|[ \t=/]/.test(argument)) return undefined;
  const found = await findInPath(argument, searchPath, root);
  return found === undefined ? `its interpreter ${JSON.stringify(argument)} is not in PATH ${searchPath}` : undefined;
}

async function isMissing(root: string, path: string): Promise<boolean> {
  return stat(await resolveIn(root, path)).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
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
