import type { ErrorObject } from 'ajv';
import type { Path, Problem } from './problem.ts';
import { requirementOf } from './requirement.ts';
import { describe, lookUp, type TreeNode } from './tree.ts';

/**
 * Says for people, and with positions, what the schema's validator found: one problem for each place, in file order.
 * A missing field is told at the field it is missing from, an unknown one at its key, a wrong value at the value.
 */
export function schemaProblems(errors: readonly ErrorObject[], root: TreeNode): Problem[] {
  const problems = new Map<string, Problem>();
  for (const error of errors) {
    // These two only say that something inside them is wrong, which has an error of its own.
    if (error.keyword === 'if' || error.keyword === 'propertyNames') continue;
    const problem = { ...subjectOf(error, root), requirement: requirementOf(error) };
    const key = JSON.stringify([problem.path, isAboutKey(error)]);
    // Of several rules that one value breaks, the list of the possible values tells most.
    if (!problems.has(key) || error.keyword === 'enum') problems.set(key, problem);
  }
  return [...problems.values()].sort((a, b) => a.place.offset - b.place.offset);
}

/** What an error is about: a field that is missing, a field that should not be there or whose name is wrong, a value. */
function subjectOf(error: ErrorObject, root: TreeNode): Omit<Problem, 'requirement'> {
  const path = parsePointer(error.instancePath, root);
  const parent = lookUp(root, path);
  if (error.keyword === 'required') {
    const name = String(error.params.missingProperty);
    const removedAt = parent?.node.kind === 'map' ? parent.node.removed?.get(name) : undefined;
    const place = removedAt ?? parent?.field?.keyPlace ?? parent?.node.place ?? root.place;
    return { place, path: [...path, name], found: '' };
  }

  const name: string | undefined = error.propertyName ?? error.params.additionalProperty;
  const subjectPath = name === undefined ? path : [...path, name];
  const subject = lookUp(root, subjectPath);
  const valuePlace = subject?.node.place ?? root.place;
  return {
    place: isAboutKey(error) ? (subject?.field?.keyPlace ?? valuePlace) : valuePlace,
    path: subjectPath,
    found: error.propertyName !== undefined ? JSON.stringify(name) : subject ? describe(subject.node) : '',
  };
}

function isAboutKey({ keyword, propertyName }: ErrorObject): boolean {
  return keyword === 'additionalProperties' || propertyName !== undefined;
}

/** A JSON pointer (RFC 6901) into a value of the tree's shape, as a path. */
function parsePointer(pointer: string, root: TreeNode): Path {
  const path: (string | number)[] = [];
  for (const escaped of pointer.split('/').slice(1)) {
    const step = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(lookUp(root, path)?.node.kind === 'list' ? Number(step) : step);
  }
  return path;
}
