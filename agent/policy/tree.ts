import { type Path, shorten } from './problem.ts';
import type { Place } from './source-text.ts';

/** A document's value, each part of it with the place where it was written. Never changed, so parts may be shared. */
export type TreeNode = ScalarNode | ListNode | MapNode;
export type Scalar = string | number | boolean | null;
export type ScalarNode = { readonly kind: 'scalar'; readonly value: Scalar; readonly place: Place };
export type ListNode = { readonly kind: 'list'; readonly items: readonly TreeNode[]; readonly place: Place };
export type MapNode = {
  readonly kind: 'map';
  readonly fields: ReadonlyMap<string, Field>;
  /** Where a patch's null removed a field. */
  readonly removed?: ReadonlyMap<string, Place>;
  readonly place: Place;
};
export type Field = { readonly keyPlace: Place; readonly node: TreeNode };

const LONGEST_DESCRIPTION = 80;

/** The plain value, a new one at every call. */
export function toValue(node: TreeNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toValue);
  const value = {};
  for (const [name, field] of node.fields) {
    // Assigning would call a setter when the name is __proto__.
    Object.defineProperty(value, name, {
      value: toValue(field.node),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return value;
}

/** The field or list item at a path, or undefined; the root of the tree has no field. */
export function lookUp(root: TreeNode, path: Path): { readonly node: TreeNode; readonly field?: Field } | undefined {
  let found: { readonly node: TreeNode; readonly field?: Field } | undefined = { node: root };
  for (const step of path) {
    if (found?.node.kind === 'map') {
      const field = found.node.fields.get(String(step));
      found = field && { node: field.node, field };
    } else if (found?.node.kind === 'list') {
      const item = found.node.items[Number(step)];
      found = item && { node: item };
    } else return undefined;
  }
  return found;
}

/** Every part of the tree with its path, parents first. */
export function* walk(node: TreeNode, path: Path = []): Generator<{ readonly node: TreeNode; readonly path: Path }> {
  yield { node, path };
  if (node.kind === 'list') for (const [index, item] of node.items.entries()) yield* walk(item, [...path, index]);
  if (node.kind === 'map') for (const [name, field] of node.fields) yield* walk(field.node, [...path, name]);
}

/** The value as JSON, for a person; only as much of it is looked at as is shown. */
export function describe(node: TreeNode): string {
  return shorten(toJson(node, LONGEST_DESCRIPTION + 1), LONGEST_DESCRIPTION);
}

/** @param room characters after which the rest does not matter */
function toJson(node: TreeNode, room: number): string {
  if (node.kind === 'scalar') return scalarToJson(node.value, room);
  const isList = node.kind === 'list';
  let json = isList ? '[' : '{';
  const comma = () => (json.length > 1 ? ',' : '');
  const children: Iterable<readonly [string | number, TreeNode | Field]> = isList ? node.items.entries() : node.fields;
  for (const [name, child] of children) {
    if (json.length > room) return json;
    const key = typeof name === 'string' ? `${scalarToJson(name, room)}:` : '';
    json += comma() + key + toJson('node' in child ? child.node : child, room - json.length);
  }
  return json + (isList ? ']' : '}');
}

function scalarToJson(value: Scalar, room: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, Math.max(room, 0)));
  if (typeof value !== 'number' || Number.isFinite(value)) return JSON.stringify(value);
  return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf'; // JSON has no word for these, YAML has
}
