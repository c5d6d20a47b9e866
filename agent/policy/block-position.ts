import type { Place } from './source-text.ts';

/** A place as people write it; 0 for what is about a file as a whole. */
export type Position = { readonly file: string; readonly line: number; readonly column: number };

/** From a line and column of a text to where they stand in the file that the text is a value of. */
export type PositionInFile = (line: number, column: number) => Position;

/**
 * Where the lines of a value of a YAML file stand in that file. Those of a literal block (`|`), as kustomize, Helm and people write
 * ConfigMaps, stand below its header, indented alike. Of a value in quotes or in a folded block nobody can say, so all of it is where
 * the value begins.
 */
export function positionInFile({ source, offset }: Place, value: string): PositionInFile {
  const start = { file: source.file, ...source.positionOf(offset) };
  const indent = literalIndent(source.text, offset, value);
  if (indent === null) return () => start;
  return (line, column) =>
    line === 0 ? start : { file: source.file, line: start.line + line, column: column + indent };
}

/** How far the lines of a literal block are indented; null: it is none. */
function literalIndent(text: string, offset: number, value: string): number | null {
  const begin = text.indexOf('\n', offset) + 1;
  if (text[offset] !== '|' || begin === 0) return null;
  const lines = value.split('\n');
  const first = lines.findIndex((line) => line !== '');
  const written = text
    .slice(begin, begin + value.length + (first + 1) * MAX_INDENT)
    .split('\n')
    [first]?.replace(/\r$/, '');
  const line = lines[first];
  if (line === undefined || !written?.endsWith(line)) return null;
  return written.length - line.length;
}

/** Nobody indents further. */
const MAX_INDENT = 1_000;
