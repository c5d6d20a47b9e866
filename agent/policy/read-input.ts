import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyError } from '../core/policy.ts';
import type { Position } from './block-position.ts';
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
  /**
   * Errors tell files as seen from the current directory. Those of a ConfigMap are where they stand in the manifest, and where
   * that is a stream without a name, `namespace/name/key`.
   */
  readonly load: LoadedPolicies;
  /** The same for any place in a file of the source. */
  readonly locate: (position: Position) => Position;
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
      return [fromDirectory(path, await loadPolicyDirectory(path))];
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
  return [fromDirectory(path, loadPolicyFiles(object.files))];
}

function fromDirectory(path: string, load: LoadedPolicies): PolicySource {
  const locate = (position: Position) =>
    position.file === path ? position : { ...position, file: join(path, position.file) };
  return { kind: 'Directory', name: path, load: locateErrors(load, locate), locate };
}

function fromBytes(path: string, bytes: Uint8Array): PolicySource[] {
  const manifests = readManifests(path, bytes);
  if (manifests === null) {
    if (bytes.length > MAX_FILE_BYTES) return [unreadable(path, `must be at most ${MAX_FILE_BYTES} bytes long`)];
    return [{ kind: 'File', name: path, load: loadPolicyFiles([{ name: path, bytes }]), locate: asItIs }];
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
function fromConfigMap({ files, positions, problems, facts }: ConfigMapRead, name: string): PolicySource {
  const inStream = new ErrorList();
  for (const problem of problems) inStream.add(problem);
  const errors = inStream.inFileOrder();
  // In a stream without a name the key of the ConfigMap says more than the line.
  const isNamed = facts.at.file !== STANDARD_INPUT;
  const positionOf = (key: string) => (isNamed ? positions.get(key) : undefined);
  const placed = files.map((file) => {
    const positionIn = positionOf(file.name);
    return { ...file, ...(positionIn && { positionIn }) };
  });
  const locate = (position: Position): Position => {
    // What has a line of a manifest stands there already, also in one that is named as a key is.
    if (!positions.has(position.file) || (isNamed && position.line > 0)) return position;
    const inFile = positionOf(position.file)?.(position.line, position.column);
    return inFile ?? { ...position, file: join(name, position.file) };
  };
  const load = locateErrors(loadPolicyRead({ files: placed, errors }), locate);
  const source = { kind: 'ConfigMap', name, locate, configMap: facts } as const;
  if (load.valid || inStream.omitted === 0) return { ...source, load };
  return { ...source, load: { ...load, omitted: (load.omitted ?? 0) + inStream.omitted } };
}

function locateErrors(load: LoadedPolicies, locate: PolicySource['locate']): LoadedPolicies {
  return load.valid ? load : { ...load, errors: load.errors.map((error) => ({ ...error, ...locate(error) })) };
}

function asItIs(position: Position): Position {
  return position;
}

function unreadable(path: string, requirement: string): PolicySource {
  return invalidFile(path, [{ file: path, line: 0, column: 0, path: '$', requirement, found: '' }], 0);
}

function invalidFile(name: string, errors: readonly PolicyError[], omitted: number): PolicySource {
  return { kind: 'File', name, load: { valid: false, revision: null, errors, omitted }, locate: asItIs };
}
