import { isDeepStrictEqual } from 'node:util';
import { ApiError, badRequest } from './api-error.ts';

type Fields = Readonly<Record<string, unknown>>;

type MergeKeys = Readonly<Record<string, string>>;

/**
 * Applies a patch by its content type to a JSON object and returns the result.
 * @param mergeKeys the lists that a strategic merge patch merges, by path, with the key of their entries.
 * @throws ApiError 415 for an unknown type, 400 or 422 for a patch that cannot be applied.
 */
export function applyPatch(contentType: string, target: Fields, patch: unknown, mergeKeys: MergeKeys) {
  switch (contentType) {
    case 'application/merge-patch+json':
      return mergePatch(target, objectOnly(patch)) as Fields;
    case 'application/strategic-merge-patch+json':
      return strategicMerge(target, objectOnly(patch), mergeKeys, '') as Fields;
    case 'application/json-patch+json':
      return jsonPatch(target, patch);
    default:
      throw new ApiError(
        415,
        'UnsupportedMediaType',
        'the body of the request was in an unknown format - accepted media types include: ' +
          'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json',
      );
  }
}

/** RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Record<string, unknown> = isFields(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** A merge patch, but some lists are merged by a key. Of the directives only `$patch: delete` of a list's entry is served. */
function strategicMerge(target: unknown, patch: Fields, mergeKeys: MergeKeys, path: string): unknown {
  const result: Record<string, unknown> = isFields(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) throw badRequest(`the simulator serves no ${key} in a strategic merge patch`);
    const at = path === '' ? key : `${path}.${key}`;
    const mergeKey = mergeKeys[at];
    if (value === null) delete result[key];
    else if (Array.isArray(value) && mergeKey !== undefined) result[key] = mergeLists(result[key], value, mergeKey);
    else if (isFields(value)) result[key] = strategicMerge(result[key], value, mergeKeys, at);
    else result[key] = value;
  }
  return result;
}

function mergeLists(target: unknown, patch: readonly Fields[], mergeKey: string): unknown[] {
  const result: Fields[] = Array.isArray(target) ? [...target] : [];
  for (const entry of patch) {
    const at = result.findIndex((candidate) => candidate[mergeKey] === entry[mergeKey]);
    if (entry.$patch === 'delete') {
      if (at !== -1) result.splice(at, 1);
      continue;
    }
    const merged = strategicMerge(result[at], entry, {}, '') as Fields;
    if (at === -1) result.push(merged);
    else result[at] = merged;
  }
  return result;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** RFC 6902: test, add, remove and replace. */
function jsonPatch(target: Fields, patch: unknown): Fields {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
  return (patch as Operation[]).reduce((document, operation) => {
    const steps = operation.path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    return operate(document, steps, operation) as Fields;
  }, target);
}

function operate(node: unknown, [step, ...rest]: string[], operation: Operation): unknown {
  if (step === undefined) {
    if (operation.op === 'test' && !isDeepStrictEqual(node, operation.value)) throw unprocessable(operation, 'differs');
    return operation.value;
  }
  if (Array.isArray(node)) return operateOnList(node, step, rest, operation);
  if (!isFields(node)) throw unprocessable(operation, 'missing');
  const { op, value } = operation;
  if (rest.length > 0 || op === 'test') return { ...node, [step]: operate(node[step], rest, operation) };
  if (op !== 'add' && !(step in node)) throw unprocessable(operation, 'missing');
  const { [step]: _, ...others } = node;
  return op === 'remove' ? others : { ...node, [step]: value };
}

function operateOnList(list: readonly unknown[], step: string, rest: string[], operation: Operation): unknown[] {
  const { op, value } = operation;
  const index = step === '-' ? list.length : Number(step);
  const last = op === 'add' && rest.length === 0 ? list.length : list.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > last) throw unprocessable(operation, 'missing');
  if (rest.length > 0 || op === 'test') return list.with(index, operate(list[index], rest, operation));
  const removed = op === 'add' ? 0 : 1;
  return list.toSpliced(index, removed, ...(op === 'remove' ? [] : [value]));
}

function unprocessable({ op, path }: Operation, why: string): ApiError {
  return new ApiError(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${op} ${path}: ${why}`,
  );
}

function objectOnly(patch: unknown): Fields {
  if (!isFields(patch)) throw badRequest('a patch is a JSON object');
  return patch;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
