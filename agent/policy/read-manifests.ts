import type { PolicyError } from '../core/policy.ts';
import { ErrorList } from './error-list.ts';
import { MANIFEST_BOUNDS, MAX_FILE_BYTES } from './limits.ts';
import { type ParsedDocument, parseYaml } from './parse-yaml.ts';
import type { Path, Problem } from './problem.ts';
import { type ConfigMapRead, readConfigMap } from './read-config-map.ts';
import { decodeSource } from './source-text.ts';
import { describe, lookUp, type MapNode, type TreeNode } from './tree.ts';

/** The ConfigMaps with policies in a rendered stream, or why it cannot be told which there are. */
export type Manifests =
  | { readonly configMaps: readonly ConfigMapRead[] }
  | { readonly errors: readonly PolicyError[]; readonly omitted: number };

/**
 * Reads a stream of Kubernetes objects, as `kubectl kustomize`, `helm template` and `kubectl get -o yaml` or `-o json`
 * print it: YAML documents (JSON is a part of YAML), each an object or a `v1` List of such. Null if there is none among
 * them, as in a file of policies, unless what cannot be read is larger than such a file may be. That both are there,
 * that a document is neither, or that no ConfigMap is meant for policies, is an error.
 *
 * @param file the name that errors tell
 */
export function readManifests(file: string, bytes: Uint8Array): Manifests | null {
  const decoded = decodeSource(file, bytes);
  if ('problem' in decoded) return null;
  const errors = new ErrorList();
  const configMaps: ConfigMapRead[] = [];
  const policies: Part[] = [];
  let hasObjects = false;
  for (const document of parseYaml(decoded.source, MANIFEST_BOUNDS)) {
    const parts = partsOf(document.root);
    const read = new Map(parts.map((part) => [part, isConfigMap(part) ? readConfigMap(part.root, part.path) : null]));
    // One by one, because there can be more of them than a call may have arguments.
    for (const problem of relevantProblems(document, parts, (part) => read.get(part) != null)) errors.add(problem);
    for (const part of parts) {
      const sort = sortOf(part);
      if (sort === 'Unknown') errors.add(unknownProblem(part));
      if (sort === 'Policy') policies.push(part);
      if (sort === 'Object') hasObjects = true;
      const configMap = read.get(part);
      if (configMap) configMaps.push(configMap);
    }
  }

  const isTooLargeForFile = bytes.length > MAX_FILE_BYTES;
  if (!hasObjects && (errors.isEmpty || !isTooLargeForFile)) return null;
  for (const policy of policies) errors.add(mixtureProblem(policy));
  if (configMaps.length === 0 && errors.isEmpty) errors.addError(noPolicies(file));
  return errors.isEmpty ? { configMaps } : { errors: errors.inFileOrder(), omitted: errors.omitted };
}

/** A document, or an item of one that is a List. */
type Part = { readonly root: TreeNode; readonly path: Path };

/** The List too, before its items. None for an empty document, which `null` stands for as well. */
function partsOf(root: TreeNode | null, path: Path = []): Part[] {
  if (!root || (root.kind === 'scalar' && root.value === null)) return [];
  const isList = /^(ConfigMap)?List$/.test(scalarAt(root, 'kind')) && scalarAt(root, 'apiVersion') === 'v1';
  const items = isList ? lookUp(root, ['items'])?.node : undefined;
  const itemParts = items?.kind === 'list' ? items.items.map((item, n) => partsOf(item, [...path, 'items', n])) : [];
  return [{ root, path }, ...itemParts.flat()];
}

function sortOf({ root }: Part): 'Object' | 'Policy' | 'Unknown' {
  const [apiVersion, kind] = [scalarAt(root, 'apiVersion'), scalarAt(root, 'kind')];
  // A policy with one of the two misspelled is not an object of somebody else's.
  const isPolicy = apiVersion.startsWith('node-svc-checker/') || /^Node(CheckPolicy|DisruptionBudget)/.test(kind);
  if (isPolicy) return 'Policy';
  return apiVersion !== '' && kind !== '' ? 'Object' : 'Unknown';
}

function isConfigMap(part: Part): part is Part & { readonly root: MapNode } {
  return scalarAt(part.root, 'apiVersion') === 'v1' && scalarAt(part.root, 'kind') === 'ConfigMap';
}

/**
 * What could hide policies, or is in what holds them: a document that cannot be read, a field that is there twice at
 * the top of any object, since two documents may have run into one. Numbers as keys and the like deeper in the objects
 * of others are between them and kubectl.
 */
function relevantProblems({ root, problems }: ParsedDocument, parts: Part[], holdsPolicies: (part: Part) => boolean) {
  if (!root || problems.length === 0) return problems;
  const byPath = new Map(parts.map((part) => [part.path.join('/'), part]));
  return problems.filter(({ path, related }) => {
    const lengths = path.map((_, length) => length + 1).reverse();
    const length = lengths.find((candidate) => byPath.has(path.slice(0, candidate).join('/'))) ?? 0;
    const part = byPath.get(path.slice(0, length).join('/'));
    // A field that is there twice is told with its own path, other problems with that of what it stands in.
    const isAtTop = path.length - length <= (related ? 1 : 0);
    return isAtTop || (part !== undefined && holdsPolicies(part));
  });
}

function unknownProblem({ root, path }: Part): Problem {
  const requirement = 'must be a Kubernetes object, with apiVersion and kind';
  return { place: root.place, path, requirement, found: describe(root) };
}

function mixtureProblem({ root, path }: Part): Problem {
  const requirement = 'must not stand among Kubernetes objects as it is, only in a ConfigMap or in a file of its own';
  return { place: root.place, path, requirement, found: scalarAt(root, 'kind') };
}

function noPolicies(file: string): PolicyError {
  const requirement = 'must have a ConfigMap with policies, which is not among these Kubernetes objects';
  return { file, line: 0, column: 0, path: '$', requirement, found: '' };
}

/** The empty string if there is none. */
function scalarAt(root: TreeNode, field: string): string {
  const node = lookUp(root, [field])?.node;
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
}
