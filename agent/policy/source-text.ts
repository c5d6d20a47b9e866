import type { PositionInFile } from './block-position.ts';
import type { Problem } from './problem.ts';

/** The text of one file, and where its lines are. */
export type SourceText = {
  /** As the person knows it. */
  readonly file: string;
  /** Without a byte order mark. */
  readonly text: string;
  /** 1-based line and column of an offset into `text`; columns count characters, not UTF-16 units. */
  readonly positionOf: (offset: number) => { readonly line: number; readonly column: number };
};

/** A place in a file; line and column are worked out only when someone asks. */
export type Place = { readonly source: SourceText; readonly offset: number };

// YAML allows no control characters but tab, line feed and carriage return; a NUL would end a C string on the way.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL_CHARACTER = /[\0-\x08\x0b\x0c\x0e-\x1f]/;

/**
 * Reads bytes as UTF-8, with or without a byte order mark; the problem says where they are something else.
 *
 * @param positionIn where the lines of the text stand, if that is in another file
 */
export function decodeSource(
  file: string,
  bytes: Uint8Array,
  positionIn?: PositionInFile,
): { readonly source: SourceText } | { readonly problem: Problem } {
  const invalidAt = offsetOfInvalidUtf8(bytes);
  const source = toSourceText(
    file,
    new TextDecoder().decode(invalidAt === null ? bytes : bytes.subarray(0, invalidAt)),
    positionIn,
  );
  if (invalidAt !== null) {
    const found = `the byte 0x${bytes[invalidAt]?.toString(16).padStart(2, '0')}`;
    const place = { source, offset: source.text.length };
    return { problem: { place, path: [], requirement: 'must be UTF-8', found } };
  }

  const control = CONTROL_CHARACTER.exec(source.text);
  if (control) {
    const found = JSON.stringify(control[0]);
    const place = { source, offset: control.index };
    return { problem: { place, path: [], requirement: 'must not contain control characters', found } };
  }
  return { source };
}

function toSourceText(name: string, text: string, positionIn: PositionInFile | undefined): SourceText {
  let lineStarts: readonly number[] | undefined;
  const positionOf = (offset: number) => {
    lineStarts ??= offsetsOfLines(text);
    const line = lastAtOrBefore(lineStarts, offset);
    const [lineNumber, column] = [line + 1, countCharacters(text, lineStarts[line] ?? 0, offset) + 1];
    return positionIn?.(lineNumber, column) ?? { line: lineNumber, column };
  };
  return { file: positionIn?.(0, 0).file ?? name, text, positionOf };
}

function countCharacters(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (!isSecondHalf(text.charCodeAt(at))) count++;
  return count;
}

/** A character beyond the basic plane takes two UTF-16 units. */
function isSecondHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Null if all of it is UTF-8; a multi-byte character that is cut off is invalid from its first byte on. */
function offsetOfInvalidUtf8(bytes: Uint8Array): number | null {
  // A decoder replaces what is invalid by U+FFFD; encoded again, the first difference is where that happened.
  const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const encoded = new TextEncoder().encode(decoded);
  let offset = 0;
  while (offset < bytes.length && bytes[offset] === encoded[offset]) offset++;
  if (offset === bytes.length && offset === encoded.length) return null;
  while (isContinuationByte(encoded[offset])) offset--;
  return offset;
}

function isContinuationByte(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}

function offsetsOfLines(text: string): readonly number[] {
  const offsets = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) offsets.push(end + 1);
  return offsets;
}

/** Index of the last of the ascending numbers that is not above the limit. */
function lastAtOrBefore(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((ascending[middle] ?? 0) <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
