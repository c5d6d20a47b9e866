import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PolicyError } from '../core/policy.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES } from './limits.ts';
import { isPolicyFileName } from './policy-file-name.ts';
import { readBounded } from './read-bounded.ts';
import { type PolicyFile, sortedByName } from './revision.ts';

export type DirectoryRead = {
  /** In lexical order; with errors, those that could be read in spite of them. */
  readonly files: readonly PolicyFile[];
  readonly errors: readonly PolicyError[];
  /** Null if there was none to be read. */
  readonly place: Place | null;
};

/** Where the files stood. */
export type Place = {
  readonly path: string;
  /** Another directory has another one, even at the same path. */
  readonly id: string;
  /** The directory itself, where `path` is the one that its `..data` leads to. */
  readonly base: string;
  /** The link whose swap brings other files: `..data`, one on the way to the directory, or none. */
  readonly publishedBy: '..data' | 'link' | null;
};

type FilesRead = Omit<DirectoryRead, 'place'>;

/** How often a directory is tried that cannot be read although nothing replaces it. */
const MAX_ATTEMPTS = 10;
const RETRY_AFTER_MS = 5;
/** How long a directory is read again that is replaced faster than it can be read. */
const MAX_REPLACED_MS = 4_000;
const REPLACED = `it is replaced again and again, for ${MAX_REPLACED_MS} ms now`;

/**
 * Reads the policy files of a directory: regular files, or links to such, named `*.yaml`, `*.yml` or `*.json`, but not
 * those that start with a dot, and nothing in subdirectories. Never throws; what could not be read is an error, and so
 * is an empty file or a directory without a policy file. It ends when the file system answers; it sets no deadline.
 *
 * All files are of one version. A ConfigMap volume is replaced by pointing its link `..data` to another directory, a
 * checkout often by pointing a link to the directory itself, or by renaming. So where the files stand is found out
 * once, and all of them are opened there. If they still stand there then, the version was whole when it was opened, and
 * what is open stays readable whatever happens to its name; a version that came meanwhile is for the next read.
 */
export async function readPolicyDirectory(dir: string): Promise<DirectoryRead> {
  const giveUpAt = performance.now() + MAX_REPLACED_MS;
  let failedPlace: string | null = null;
  let reason = REPLACED;
  for (let failures = 0; failures < MAX_ATTEMPTS && performance.now() < giveUpAt; ) {
    let place: Place | null = null;
    try {
      place = await placeOf(dir);
      const read = await readPlace(place, dir);
      if (read !== 'replaced') return { ...read, place };
      reason = REPLACED;
    } catch (error) {
      // In a storm of replacements each attempt fails at another place; only the same one again is a sign of trouble.
      const isElsewhere = place !== null && place.id !== failedPlace;
      failures = isElsewhere ? 0 : failures + 1;
      reason = isElsewhere && failedPlace !== null ? REPLACED : reasonOf(error, place);
      failedPlace = place?.id ?? failedPlace;
      if (!isElsewhere) await delay(RETRY_AFTER_MS);
    }
  }
  return { files: [], errors: [unreadable(dir, reason)], place: null };
}

/** The error of a directory that could not be read. */
export function unreadable(dir: string, reason: string): PolicyError {
  return errorAbout(dir, `must be a directory that can be read (${reason})`);
}

async function placeOf(dir: string): Promise<Place> {
  const base = await realpath(dir);
  const data = await targetOf(join(base, '..data'));
  const path = resolve(base, data ?? '');
  // The kubelet never uses a name twice. A directory that is renamed into place has the same path as the one before.
  const id = path === base ? await directoryId(base) : path;
  if (data !== null && data !== COPIED_DATA) return { path, id, base, publishedBy: '..data' };
  return { path, id, base, publishedBy: base === resolve(dir) ? null : 'link' };
}

/** Of the copy of a volume, in which `..data` is no link. */
const COPIED_DATA = '..data';

/** Where a `..data` leads, as it says; null if there is none. */
async function targetOf(link: string): Promise<string | null> {
  try {
    return await readlink(link);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    if (hasCode(error, 'EINVAL')) return COPIED_DATA;
    throw error;
  }
}

/**
 * Differs for two directories even if one took the other's path, or its inode number when it was gone.
 * @throws what the file system throws
 */
export async function directoryId(path: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(path, { bigint: true });
  return `${dev}:${ino}:${birthtimeNs}`;
}

type OpenFile = { readonly name: string; readonly handle: FileHandle };

/**
 * Replaced if the files that were opened need not be one version.
 * @throws what the file system throws if the directory or a file in it is gone
 */
async function readPlace(place: Place, dir: string): Promise<FilesRead | 'replaced'> {
  const names = (await readdir(place.path)).filter(isPolicyFileName);
  const opened: OpenFile[] = [];
  const errors: PolicyError[] = [];
  try {
    // One after another: on a file system that hangs this takes one of the runtime's few threads, not all of them.
    for (const { name } of sortedByName(names.map((name) => ({ name })))) {
      const file = await openPolicyFile(place.path, name);
      if (file === null) continue;
      if ('handle' in file) opened.push(file);
      else errors.push(file);
      if (opened.length + errors.length > MAX_FILES) return broken(dir, `at most ${MAX_FILES} policy files`);
    }
    if ((await placeOf(dir)).id !== place.id) return 'replaced';
    if (opened.length + errors.length === 0) return broken(dir, 'at least one file named *.yaml, *.yml or *.json');
    return await readOpened(opened, errors, dir);
  } finally {
    for (const { handle } of opened) await handle.close();
  }
}

/** Null if it is no regular file. */
async function openPolicyFile(directory: string, name: string): Promise<OpenFile | PolicyError | null> {
  try {
    // Asked of what was opened, and opened without waiting: a FIFO would hold a thread until somebody writes to it.
    const handle = await open(join(directory, name), constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await handle.stat()).isFile()) return { name, handle };
    await handle.close();
    return null;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw error;
    if (hasCode(error, 'ENXIO')) return null; // a socket
    return errorAbout(name, `must be a file that can be read (${messageOf(error)})`);
  }
}

async function readOpened(opened: readonly OpenFile[], unopened: readonly PolicyError[], dir: string) {
  const files: PolicyFile[] = [];
  const errors = [...unopened];
  let totalBytes = 0;
  for (const { name, handle } of opened) {
    const read = await readPolicyFile(name, handle);
    if ('bytes' in read) files.push(read);
    else errors.push(read);
    totalBytes += 'bytes' in read ? read.bytes.length : 0;
    if (totalBytes > MAX_TOTAL_BYTES) return broken(dir, `at most ${MAX_TOTAL_BYTES} bytes of policy files`);
  }
  return { files, errors };
}

async function readPolicyFile(name: string, handle: FileHandle): Promise<PolicyFile | PolicyError> {
  try {
    const bytes = await readBounded(handle.createReadStream(), MAX_FILE_BYTES);
    return bytes ? { name, bytes } : errorAbout(name, `must be at most ${MAX_FILE_BYTES} bytes long`);
  } catch (error) {
    return errorAbout(name, `must be a file that can be read (${messageOf(error)})`);
  }
}

function broken(dir: string, bound: string): FilesRead {
  return { files: [], errors: [errorAbout(dir, `must hold ${bound}`)] };
}

function errorAbout(file: string, requirement: string): PolicyError {
  return { file, line: 0, column: 0, path: '$', requirement, found: '' };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** @param place null if it was not even found where the files stand */
function reasonOf(error: unknown, place: Place | null): string {
  if (place === null && hasCode(error, 'ENOENT')) return 'nothing is there: create it, or correct the path';
  if (hasCode(error, 'ENOTDIR')) return 'this is none: name the directory that has the policy files';
  return messageOf(error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
