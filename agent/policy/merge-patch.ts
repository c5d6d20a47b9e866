import type { MapNode, TreeNode } from './tree.ts';

/**
 * Applies a JSON merge patch (RFC 7396): fields left out stay, null removes one, an object is merged, anything else,
 * lists too, takes the place of what was there. Every part keeps the place where it was written, a removed field the
 * place of the null that removed it.
 */
export function mergePatch(target: TreeNode | undefined, patch: TreeNode): TreeNode {
  if (patch.kind !== 'map') return patch;
  const base: MapNode = target?.kind === 'map' ? target : { kind: 'map', fields: new Map(), place: patch.place };
  const fields = new Map(base.fields);
  const removed = new Map(base.removed);
  for (const [name, { keyPlace, node }] of patch.fields) {
    if (node.kind === 'scalar' && node.value === null) {
      fields.delete(name);
      removed.set(name, keyPlace);
      continue;
    }
    fields.set(name, { keyPlace, node: mergePatch(fields.get(name)?.node, node) });
  }
  return { kind: 'map', fields, removed, place: base.place };
}
