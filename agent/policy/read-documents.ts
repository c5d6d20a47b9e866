import type { ErrorList } from './error-list.ts';
import {
  type Validator,
  validateNodeCheckPolicy,
  validateNodeCheckPolicyPatch,
  validateNodeDisruptionBudget,
} from './generated/validate.js';
import { MAX_DOCUMENTS } from './limits.ts';
import { type ParsedDocument, parseYaml } from './parse-yaml.ts';
import type { Problem } from './problem.ts';
import { mustBeOneOf } from './requirement.ts';
import type { PolicyFile } from './revision.ts';
import { schemaProblems } from './schema-problems.ts';
import { decodeSource } from './source-text.ts';
import { describe, lookUp, type TreeNode, toValue } from './tree.ts';

export type Kind = 'NodeCheckPolicy' | 'NodeDisruptionBudget' | 'NodeCheckPolicyPatch';

/** One document of a known kind, as written: no patch applied, no default filled in. */
export type PolicyDocument = {
  readonly kind: Kind;
  /** Undefined if it has none. */
  readonly name: string | undefined;
  readonly root: TreeNode;
  /** Whether it satisfies the schema of its kind. */
  readonly isValid: boolean;
};

/** All documents of all files. */
export type Documents = {
  readonly documents: readonly PolicyDocument[];
  /** False if something could not be read, so that more documents may be meant to be there. */
  readonly isComplete: boolean;
};

const API_VERSION = 'node-svc-checker/v1';
const VALIDATORS: Readonly<Record<Kind, Validator<unknown>>> = {
  NodeCheckPolicy: validateNodeCheckPolicy,
  NodeDisruptionBudget: validateNodeDisruptionBudget,
  NodeCheckPolicyPatch: validateNodeCheckPolicyPatch,
};

/** Reads every document of every file and holds each against the schema of its kind. */
export function readDocuments(files: readonly PolicyFile[], errors: ErrorList): Documents {
  const documents: PolicyDocument[] = [];
  let isComplete = true;
  for (const { root, problems } of parseFiles(files)) {
    errors.add(...problems);
    const document = root && toPolicyDocument(root, errors);
    if (document) documents.push(document);
    const isEmpty = !root && problems.length === 0;
    if (document?.name === undefined && !isEmpty) isComplete = false;
  }
  return { documents, isComplete };
}

function* parseFiles(files: readonly PolicyFile[]): Generator<ParsedDocument> {
  let count = 0;
  for (const { name, bytes, positionIn } of files) {
    const decoded = decodeSource(name, bytes, positionIn);
    if ('problem' in decoded) {
      yield { root: null, problems: [decoded.problem] };
      continue;
    }
    for (const document of parseYaml(decoded.source)) {
      yield document;
      if (++count < MAX_DOCUMENTS) continue;
      const requirement = `must have fewer than ${MAX_DOCUMENTS} documents, those in the files before it counted`;
      const problem = { place: { source: decoded.source, offset: 0 }, path: [], requirement, found: '' };
      return yield { root: null, problems: [problem] };
    }
  }
}

/** Null if nobody can say what it is meant to be. */
function toPolicyDocument(root: TreeNode, errors: ErrorList): PolicyDocument | null {
  const kind = scalarAt(root, 'kind');
  if (!isKind(kind)) {
    errors.add(...unknownKindProblems(root));
    return null;
  }
  const isValid = VALIDATORS[kind](toValue(root));
  if (!isValid) addSchemaProblems(VALIDATORS[kind], root, errors);
  const name = scalarAt(lookUp(root, ['metadata'])?.node, 'name');
  return { kind, name: typeof name === 'string' ? name : undefined, root, isValid };
}

/** Adds what a validator found at its last call. */
export function addSchemaProblems(
  { errors: found }: Validator<unknown>,
  root: TreeNode,
  errors: ErrorList,
  adapt: (problem: Problem) => Problem = (problem) => problem,
): void {
  if (errors.isFull) errors.omit(found?.length ?? 0);
  else errors.add(...schemaProblems(found ?? [], root).map(adapt));
}

function unknownKindProblems(root: TreeNode): Problem[] {
  if (root.kind !== 'map') {
    const requirement = 'must be an object with apiVersion, kind, metadata and spec';
    return [{ place: root.place, path: [], requirement, found: describe(root) }];
  }
  const kinds = Object.keys(VALIDATORS);
  const required = {
    apiVersion: (found: unknown) => (found === API_VERSION ? null : `must be ${API_VERSION}`),
    kind: (found: unknown) => mustBeOneOf(kinds, found),
  };
  return Object.entries(required).flatMap(([name, requirementFor]) => {
    const node = root.fields.get(name)?.node;
    const requirement = requirementFor(node?.kind === 'scalar' ? node.value : undefined);
    if (requirement === null) return [];
    return { place: node?.place ?? root.place, path: [name], requirement, found: node ? describe(node) : '' };
  });
}

function scalarAt(node: TreeNode | undefined, name: string): unknown {
  const child = node?.kind === 'map' ? node.fields.get(name)?.node : undefined;
  return child?.kind === 'scalar' ? child.value : undefined;
}

function isKind(kind: unknown): kind is Kind {
  return typeof kind === 'string' && Object.hasOwn(VALIDATORS, kind);
}
