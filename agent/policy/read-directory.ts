import { createReadStream } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyError } from '../core/policy.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES } from './limits.ts';
import { readBounded } from './read-bounded.ts';
import { type PolicyFile, sortedByName } from './revision.ts';

/** The policy files in lexical order; with errors, those that could be read in spite of them. */
export type DirectoryRead = { readonly files: readonly PolicyFile[]; readonly errors: readonly PolicyError[] };

/** A directory that is replaced while it is read is read again, this often in all. */
const MAX_ATTEMPTS = 5;
const POLICY_FILE = /^[^.].*\.(yaml|yml|json)$/s;

/**
 * Reads the policy files of a directory: regular files, or links to such, named `*.yaml`, `*.yml` or `*.json`, but not
 * those that start with a dot, and nothing in subdirectories. Never throws; what could not be read is an error, and so
 * is a directory without a policy file.
 *
 * All files are of one version. A ConfigMap volume is replaced by pointing its link `..data` to another directory, and
 * a checkout often by pointing a link to the directory itself: the link is resolved once, everything is read from where
 * it led, and if it leads elsewhere afterwards (the old directory may be half deleted by then) it is read anew.
 */
export async function readPolicyDirectory(dir: string): Promise<DirectoryRead> {
  let lastError: unknown;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      const version = await resolveVersion(dir);
      const read = await readVersion(version, dir);
      if ((await resolveVersion(dir)) === version) return read;
      lastError = new Error(`it was replaced ${attempt} times while it was read`);
    } catch (error) {
      lastError = error;
    }
  }
  return { files: [], errors: [errorAbout(dir, `must be a directory that can be read (${messageOf(lastError)})`)] };
}

/** The directory in which the files stand right now, without links in its path. */
async function resolveVersion(dir: string): Promise<string> {
  const link = join(dir, '..data');
  const hasLink = await lstat(link).then(
    () => true,
    (error) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
  return realpath(hasLink ? link : dir);
}

/** @throws what the file system throws if the directory or a file in it is gone */
async function readVersion(version: string, dir: string): Promise<DirectoryRead> {
  const names = (await readdir(version)).filter((name) => POLICY_FILE.test(name));
  const files: PolicyFile[] = [];
  const errors: PolicyError[] = [];
  let regularFiles = 0;
  let totalBytes = 0;
  for (const { name } of sortedByName(names.map((name) => ({ name })))) {
    const read = await readPolicyFile(version, name);
    if (read === null) continue;
    regularFiles++;
    if ('bytes' in read) {
      totalBytes += read.bytes.length;
      files.push(read);
    } else errors.push(read);
    const bound = brokenBound(regularFiles, totalBytes);
    if (bound) return { files: [], errors: [...errors, errorAbout(dir, bound)] };
  }
  if (regularFiles === 0) errors.push(errorAbout(dir, 'must hold at least one file named *.yaml, *.yml or *.json'));
  return { files, errors };
}

/** Null if it is no regular file. */
async function readPolicyFile(directory: string, name: string): Promise<PolicyFile | PolicyError | null> {
  const path = join(directory, name);
  try {
    if (!(await stat(path)).isFile()) return null;
    const bytes = await readBounded(createReadStream(path), MAX_FILE_BYTES);
    return bytes ? { name, bytes } : errorAbout(name, `must be at most ${MAX_FILE_BYTES} bytes long`);
  } catch (error) {
    if (isNotFound(error)) throw error;
    return errorAbout(name, `must be a file that can be read (${messageOf(error)})`);
  }
}

function brokenBound(files: number, totalBytes: number): string | null {
  if (files > MAX_FILES) return `must hold at most ${MAX_FILES} policy files`;
  if (totalBytes > MAX_TOTAL_BYTES) return `must hold at most ${MAX_TOTAL_BYTES} bytes of policy files`;
  return null;
}

function errorAbout(file: string, requirement: string): PolicyError {
  return { file, line: 0, column: 0, path: '$', requirement, found: '' };
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
