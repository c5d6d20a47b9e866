import type { NodeCheckPolicy, NodeDisruptionBudget, PolicyError, PolicyLoad } from '../core/policy.ts';
import { ErrorList } from './error-list.ts';
import { formatPath, positionOf } from './problem.ts';
import { type DirectoryRead, readPolicyDirectory } from './read-directory.ts';
import { readDocuments } from './read-documents.ts';
import { resolveDocuments } from './resolve-documents.ts';
import { type PolicyFile, revisionOf, sortedByName } from './revision.ts';
import { type TreeNode, walk } from './tree.ts';

/** Where a value was written. */
export type Origin = Pick<PolicyError, 'file' | 'line' | 'column'>;

/** A PolicyLoad that, when valid, can also tell where every value comes from. */
export type LoadedPolicies =
  | (Extract<PolicyLoad, { valid: true }> & {
      /** By JSON path, for a document of this load's set; what is not in it was filled in by default. */
      readonly originsOf: (document: NodeCheckPolicy | NodeDisruptionBudget) => ReadonlyMap<string, Origin>;
      /** Where the null of a patch took away a field, by JSON path; a default may stand in its place. */
      readonly removalsOf: (document: NodeCheckPolicy | NodeDisruptionBudget) => ReadonlyMap<string, Origin>;
    })
  | Extract<PolicyLoad, { valid: false }>;

/** Those of a load that is valid. */
export type ValidPolicies = Extract<LoadedPolicies, { valid: true }>;

/**
 * Reads and checks all policies of a directory: all of it is valid, or all errors are told. Never throws for anything
 * that stands in the file system. The revision is told whether valid or not, so that who polls sees a change either way.
 */
export async function loadPolicyDirectory(dir: string): Promise<LoadedPolicies> {
  return loadPolicyRead(await readPolicyDirectory(dir));
}

/** The same for a directory that was read already. */
export function loadPolicyRead({ files, errors }: Omit<DirectoryRead, 'place'>): LoadedPolicies {
  return load(files, errors);
}

/** The same for files that were read already, such as one file or standard input; their order does not matter. */
export function loadPolicyFiles(files: readonly PolicyFile[]): LoadedPolicies {
  return load(files, []);
}

/** @param unread the errors of what could not be read beside `files` */
function load(unsorted: readonly PolicyFile[], unread: readonly PolicyError[]): LoadedPolicies {
  const files = sortedByName(unsorted);
  const errors = new ErrorList();
  for (const error of unread) errors.addError(error);
  // A file that is being written is empty at first, which must not read as "this policy is gone, undo it".
  const empty = files.filter(({ bytes }) => bytes.length === 0);
  for (const { name } of empty) errors.addError(emptyFile(name));
  const read = readDocuments(files, errors);
  if (read.documents.length === 0 && errors.isEmpty) errors.addError(noDocuments(files));
  const isComplete = read.isComplete && unread.length === 0 && empty.length === 0;
  const { policies, budgets } = resolveDocuments({ ...read, isComplete }, errors);

  const revision = unread.length === 0 ? revisionOf(files) : null;
  if (!errors.isEmpty || revision === null) {
    return { valid: false, revision, errors: errors.inFileOrder(), omitted: errors.omitted };
  }
  const set = { revision, policies: policies.map(({ value }) => value), budgets: budgets.map(({ value }) => value) };
  const roots = new Map<object, TreeNode>([...policies, ...budgets].map(({ value, root }) => [value, root]));
  return {
    valid: true,
    set,
    originsOf: (document) => originsIn(roots.get(document)),
    removalsOf: (document) => removalsIn(roots.get(document)),
  };
}

function emptyFile(file: string): PolicyError {
  return { file, line: 0, column: 0, path: '$', requirement: 'must not be empty', found: '' };
}

/** Nothing to do at all is never what somebody wrote down; it would undo everything on every node. */
function noDocuments(files: readonly PolicyFile[]): PolicyError {
  const requirement = 'must hold at least one document, all that was read is empty';
  return { file: files[0]?.name ?? '', line: 0, column: 0, path: '$', requirement, found: '' };
}

function originsIn(root: TreeNode | undefined): ReadonlyMap<string, Origin> {
  const origins = new Map<string, Origin>();
  for (const { node, path } of root ? walk(root) : []) {
    origins.set(formatPath(path), positionOf(node.place));
  }
  return origins;
}

function removalsIn(root: TreeNode | undefined): ReadonlyMap<string, Origin> {
  const removals = new Map<string, Origin>();
  for (const { node, path } of root ? walk(root) : []) {
    if (node.kind !== 'map') continue;
    for (const [name, place] of node.removed ?? []) {
      // A later patch may have set it anew.
      if (!node.fields.has(name)) removals.set(formatPath([...path, name]), positionOf(place));
    }
  }
  return removals;
}
