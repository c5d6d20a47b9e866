import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyError } from '../core/policy.ts';
import { ErrorList } from './error-list.ts';
import { MAX_FILE_BYTES, MAX_STREAM_BYTES } from './limits.ts';
import { type LoadedPolicies, loadPolicyDirectory, loadPolicyFiles, loadPolicyRead } from './load-policies.ts';
import { readBounded } from './read-bounded.ts';
import type { ConfigMapFacts, ConfigMapRead } from './read-config-map.ts';
import { type GitObject, isGitPath, readGitPath } from './read-git.ts';
import { readManifests } from './read-manifests.ts';

/** The path that stands for standard input. */
const STANDARD_INPUT = '-';

/** One set of policies, as an agent would load it. */
export type PolicySource = {
  /**
   * A single file, or a stream of policies, is held against the same rules as a directory that has no other; only the
   * revision of a Directory or a ConfigMap is one that an agent can have.
   */
  readonly kind: 'Directory' | 'File' | 'ConfigMap';
  /** The path as given; of a ConfigMap `namespace/name`. */
  readonly name: string;
  /** Errors tell files as seen from the current directory, and those of a ConfigMap as `namespace/name/key`. */
  readonly load: LoadedPolicies;
  /** Of a ConfigMap, what else matters of it. */
  readonly configMap?: ConfigMapFacts;
};

/**
 * Reads and checks what a path on the command line names: a directory, a file (also a pipe, as in `<(command)`),
 * `git:REVISION:PATH` for what a commit has there, or `-` for `stdin`. A file may also be a rendered stream of Kubernetes objects: then each ConfigMap with policies is a
 * set of its own, in the order of the stream. There is always at least one. Never throws; a path that cannot be read
 * is an error of the load.
 */
export async function readPolicyInput(path: string, stdin: AsyncIterable<Uint8Array>): Promise<PolicySource[]> {
  let bytes: Uint8Array | null;
  try {
    if (isGitPath(path)) return fromGit(path, await readGitPath(path));
    if (path !== STANDARD_INPUT && (await stat(path)).isDirectory()) {
      return [{ kind: 'Directory', name: path, load: locateErrors(await loadPolicyDirectory(path), path) }];
    }
    bytes = await readBounded(path === STANDARD_INPUT ? stdin : createReadStream(path), MAX_STREAM_BYTES);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = error instanceof Error ? error.message : String(error);
    const reason = isMissing ? 'nothing is there: correct the path' : message;
    return [unreadable(path, `must be a file or directory that can be read (${reason})`)];
  }
  return bytes ? fromBytes(path, bytes) : [unreadable(path, `must be at most ${MAX_STREAM_BYTES} bytes long`)];
}

function fromGit(path: string, object: GitObject): PolicySource[] {
  if (object.kind === 'File') return fromBytes(path, object.bytes);
  if (object.files.length === 0) return [unreadable(path, 'must hold at least one file named *.yaml, *.yml or *.json')];
  return [{ kind: 'Directory', name: path, load: locateErrors(loadPolicyFiles(object.files), path) }];
}

function fromBytes(path: string, bytes: Uint8Array): PolicySource[] {
  const manifests = readManifests(path, bytes);
  if (manifests === null) {
    if (bytes.length > MAX_FILE_BYTES) return [unreadable(path, `must be at most ${MAX_FILE_BYTES} bytes long`)];
    return [{ kind: 'File', name: path, load: loadPolicyFiles([{ name: path, bytes }]) }];
  }
  if ('errors' in manifests) return [invalidFile(path, manifests.errors, manifests.omitted)];
  const names = new Map<string, number>();
  return manifests.configMaps.map((configMap) => {
    const count = (names.get(configMap.name) ?? 0) + 1;
    names.set(configMap.name, count);
    return fromConfigMap(configMap, count === 1 ? configMap.name : `${configMap.name} (${count})`);
  });
}

/** @param name told apart from others of that name, such as those of other clusters */
function fromConfigMap({ files, problems, facts }: ConfigMapRead, name: string): PolicySource {
  const inStream = new ErrorList();
  for (const problem of problems) inStream.add(problem);
  const errors = inStream.inFileOrder();
  const load = locateErrors(loadPolicyRead({ files, errors }), name, errors);
  if (load.valid || inStream.omitted === 0) return { kind: 'ConfigMap', name, load, configMap: facts };
  return { kind: 'ConfigMap', name, load: { ...load, omitted: (load.omitted ?? 0) + inStream.omitted } };
}

/** A file of a source, as it is known where all of them are told: see `PolicySource.load`. */
export function fileOf({ kind, name, configMap }: PolicySource, file: string): string {
  return kind === 'File' || file === configMap?.at.file ? file : join(name, file);
}

/** @param located errors that tell already where their file is, as those about `directory` itself do */
function locateErrors(load: LoadedPolicies, directory: string, located: readonly PolicyError[] = []): LoadedPolicies {
  if (load.valid) return load;
  const locate = (error: PolicyError) =>
    error.file === directory || located.includes(error) ? error : { ...error, file: join(directory, error.file) };
  return { ...load, errors: load.errors.map(locate) };
}

function unreadable(path: string, requirement: string): PolicySource {
  return invalidFile(path, [{ file: path, line: 0, column: 0, path: '$', requirement, found: '' }], 0);
}

function invalidFile(name: string, errors: readonly PolicyError[], omitted: number): PolicySource {
  return { kind: 'File', name, load: { valid: false, revision: null, errors, omitted } };
}
