import { isMap, isScalar, isSeq, type Node, parseDocument, type Scalar } from 'yaml';
import { type Field, type Located, MAX_DEPTH, scalar } from './located.ts';
import { fileSource, Refusal, type Source } from './source.ts';

/**
 * Reads one YAML document, such as a ConfigMap or the values of a chart; null if it is empty. An alias counts as null: what is
 * looked for stands where it is used.
 *
 * @throws Refusal for what is no YAML
 */
export function readYaml(source: Source): Located | null {
  // Fields that are there twice are found while the tree is built: the library's own search takes quadratic time.
  const document = parseDocument(source.text, { version: '1.2', uniqueKeys: false, prettyErrors: false });
  const [error] = document.errors;
  if (error) throw new Refusal(source.placeOf(error.pos[0]), '$', `must be valid YAML (${error.message})`);
  return document.contents && locate(document.contents, source, '$', 0);
}

function locate(node: Node | null, source: Source, path: string, depth: number): Located {
  const place = source.placeOf(node?.range?.[0] ?? 0);
  if (depth > MAX_DEPTH) throw new Refusal(place, path, `must have at most ${MAX_DEPTH} levels`);
  if (isSeq<Node>(node)) {
    const items = node.items.map((item, index) => locate(item, source, `${path}[${index}]`, depth + 1));
    return { kind: 'list', items, place };
  }
  if (!isMap<Node, Node | null>(node)) return isScalar(node) ? locateScalar(node, source) : scalar(null, place);
  const fields = new Map<string, Field>();
  for (const { key, value } of node.items) {
    const name = String(isScalar(key) ? key.value : key);
    const keyPlace = source.placeOf(key.range?.[0] ?? 0);
    const fieldPath = `${path}.${name}`;
    if (fields.has(name)) throw new Refusal(keyPlace, fieldPath, 'must be there only once');
    fields.set(name, { keyPlace, node: value ? locate(value, source, fieldPath, depth + 1) : scalar(null, keyPlace) });
  }
  return { kind: 'map', fields, place };
}

function locateScalar(node: Scalar, source: Source): Located {
  const offset = node.range?.[0] ?? 0;
  const place = source.placeOf(offset);
  const { value } = node;
  if (typeof value !== 'string')
    return scalar(typeof value === 'number' || typeof value === 'boolean' ? value : null, place);
  return scalar(value, place, node.type === 'BLOCK_LITERAL' ? literalSource(value, offset, source) : undefined);
}

/** The text of a `|` scalar: line for line that of the file, less its indentation. */
function literalSource(text: string, offset: number, source: Source): Source {
  const header = source.placeOf(offset);
  const lines = source.text.slice(offset).split('\n').slice(1);
  const [first = ''] = lines.filter((line) => line.trim() !== '');
  const shown = text.split('\n').find((line) => line.trim() !== '') ?? '';
  const indentation = first.replace(/\r$/, '').length - shown.replace(/\r$/, '').length;
  const inner = fileSource(header.file, text);
  const placeOf = (at: number) => {
    const { line, column } = inner.placeOf(at);
    return { ...header, line: header.line + line, column: column + indentation };
  };
  return { text, placeOf };
}
