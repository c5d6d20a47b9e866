import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { PolicyError } from '../core/policy.ts';
import { MAX_FILE_BYTES } from './limits.ts';
import { type LoadedPolicies, loadPolicyDirectory, loadPolicyFiles } from './load-policies.ts';
import { readBounded } from './read-bounded.ts';

/** The path that stands for standard input. */
export const STANDARD_INPUT = '-';

export type PolicyInput = {
  /** A single file is held against the same rules as a directory that has no other. */
  readonly kind: 'Directory' | 'File';
  readonly load: LoadedPolicies;
};

/**
 * Reads and checks what a path on the command line names: a directory, a file (also a pipe, as in `<(command)`), or
 * `-` for `stdin`. Never throws; a path that cannot be read is an error of the load. Files are named as seen from the
 * current directory.
 */
export async function readPolicyInput(path: string, stdin: AsyncIterable<Uint8Array>): Promise<PolicyInput> {
  let bytes: Uint8Array | null;
  try {
    if (path === STANDARD_INPUT) bytes = await readBounded(stdin, MAX_FILE_BYTES);
    else if ((await stat(path)).isDirectory()) return { kind: 'Directory', load: await loadPolicyDirectory(path) };
    else bytes = await readBounded(createReadStream(path), MAX_FILE_BYTES);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return unreadable(path, `must be a file or directory that can be read (${reason})`);
  }
  if (bytes === null) return unreadable(path, `must be at most ${MAX_FILE_BYTES} bytes long`);
  return { kind: 'File', load: loadPolicyFiles([{ name: path, bytes }]) };
}

function unreadable(file: string, requirement: string): PolicyInput {
  const error: PolicyError = { file, line: 0, column: 0, path: '$', requirement, found: '' };
  return { kind: 'File', load: { valid: false, revision: null, errors: [error] } };
}
