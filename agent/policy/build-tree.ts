import { type Alias, isAlias, isCollection, isMap, isScalar, isSeq, type Node, type Pair, type Scalar } from 'yaml';
import type { DocumentBounds } from './limits.ts';
import { type Path, type Problem, shorten } from './problem.ts';
import type { Place, SourceText } from './source-text.ts';
import { describe, type Field, type TreeNode } from './tree.ts';

/**
 * Turns a well-formed YAML document into a tree, and tells what in it no policy may contain. There is no tree where
 * an alias leads nowhere or the bounds are broken.
 */
export function buildTree(
  contents: Node | null,
  source: SourceText,
  bounds: DocumentBounds,
): { root: TreeNode | null; problems: Problem[] } {
  const builder = new TreeBuilder(source, bounds);
  const { node } = builder.build(contents, [], { source, offset: 0 });
  return { root: builder.isReadable ? node : null, problems: builder.problems };
}

/** Aliases share one subtree, so what a tree holds can be far more than its text: it is counted, not walked. */
type Built = { readonly node: TreeNode; readonly values: number; readonly depth: number };

class TreeBuilder {
  readonly problems: Problem[] = [];
  isReadable = true;
  readonly #source: SourceText;
  readonly #bounds: DocumentBounds;
  /** By anchor, the last node it was put on; null while that node is still being built. */
  readonly #anchored = new Map<string, Built | null>();
  #isTooLarge = false;

  constructor(source: SourceText, bounds: DocumentBounds) {
    this.#source = source;
    this.#bounds = bounds;
  }

  /** @param near the place for a value that is not written at all, as in `? key` */
  build(yaml: Node | null, path: Path, near: Place): Built {
    const place = yaml?.range ? this.#placeAt(yaml.range[0]) : near;
    if (isAlias(yaml)) return this.#resolve(yaml, path, place);

    const anchor = isScalar(yaml) || isCollection(yaml) ? yaml.anchor : undefined;
    if (anchor !== undefined) this.#anchored.set(anchor, null);
    const built = this.#buildUnanchored(yaml, path, place);
    if (anchor !== undefined) this.#anchored.set(anchor, built);
    return built;
  }

  #buildUnanchored(yaml: Node | null, path: Path, place: Place): Built {
    if (isMap<Node, Node | null>(yaml)) return this.#buildMap(yaml.items, path, place);
    if (isSeq<Node | null>(yaml)) {
      const items = yaml.items.map((item, index) => this.build(item, [...path, index], place));
      return this.#bounded({ kind: 'list', items: items.map(({ node }) => node), place }, items, path);
    }
    return { node: { kind: 'scalar', value: isScalar(yaml) ? scalarValue(yaml) : null, place }, values: 1, depth: 0 };
  }

  #buildMap(pairs: readonly Pair<Node, Node | null>[], path: Path, place: Place): Built {
    const fields = new Map<string, Field>();
    const children: Built[] = [];
    for (const { key, value } of pairs) {
      const keyPlace = key.range ? this.#placeAt(key.range[0]) : place;
      const name = this.#readKey(key, path, keyPlace);
      if (name === null) continue;

      const child = this.build(value, [...path, name], keyPlace);
      const first = fields.get(name);
      if (first) {
        this.problems.push({
          place: keyPlace,
          path: [...path, name],
          requirement: 'must be there only once',
          found: describe(child.node),
          related: { words: 'also at', place: first.keyPlace },
        });
        continue;
      }
      fields.set(name, { keyPlace, node: child.node });
      children.push(child);
    }
    return this.#bounded({ kind: 'map', fields, place }, children, path);
  }

  /** A field's name, or null if the key cannot be one. */
  #readKey(key: Node, path: Path, place: Place): string | null {
    if (!isScalar(key) || typeof key.value !== 'string') {
      const found = isScalar(key) ? shorten(String(key.source ?? key.value), 80) : '';
      const hint = found === '' ? '' : ` (write ${JSON.stringify(found)}, in quotes)`;
      this.#report(place, path, `must have only strings as keys${hint}`, found);
      return null;
    }
    if (key.value === '<<' && key.type === 'PLAIN') {
      this.#report(place, path, 'must not have a merge key, which is not part of YAML 1.2', '<<');
      return null;
    }
    return key.value;
  }

  #resolve({ source: anchor }: Alias, path: Path, place: Place): Built {
    const target = this.#anchored.get(anchor);
    if (target) return { ...target, node: { ...target.node, place } };
    const requirement = target === null ? 'must not contain itself' : 'must refer to an anchor that stands before it';
    this.#report(place, path, requirement, shorten(`*${anchor}`, 80));
    this.isReadable = false;
    return { node: { kind: 'scalar', value: null, place }, values: 1, depth: 0 };
  }

  /** Reports the first part of the document that is beyond the bounds; those around it are as well. */
  #bounded(node: TreeNode, children: readonly Built[], path: Path): Built {
    const values = children.reduce((sum, child) => sum + child.values, 1);
    const depth = children.reduce((deepest, child) => Math.max(deepest, child.depth + 1), 0);
    const most = this.#bounds;
    if (!this.#isTooLarge && (values > most.values || depth > most.depth)) {
      this.#isTooLarge = true;
      this.isReadable = false;
      const bound = values > most.values ? `at most ${most.values} values` : `at most ${most.depth} levels`;
      this.#report(node.place, path, `must have ${bound}, those behind aliases counted at each use`);
    }
    return { node, values, depth };
  }

  #placeAt(offset: number): Place {
    return { source: this.#source, offset };
  }

  #report(place: Place, path: Path, requirement: string, found = ''): void {
    this.problems.push({ place, path, requirement, found });
  }
}

/** The core schema knows no other values than these. */
function scalarValue({ value }: Scalar): string | number | boolean | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}
