import { toPrintable } from '../policy/format-error.ts';
import { columnsOf } from './table.ts';

const TAB_COLUMNS = 8;
const SHELL_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  "'": "\\'",
};

/**
 * The lines of what a script wrote, with everything in them that a terminal would obey or hide shown as an escape, such as
 * `\u{1b}`; tabs are spaces.
 */
export function visibleLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => toPrintable(expandTabs(line)));
}

/** The text in lines of at most so many columns, cut where they end. */
export function chop(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  let taken = 0;
  for (const character of text) {
    const width = columnsOf(character);
    if (taken + width > columns) {
      lines.push(line);
      line = '';
      taken = 0;
    }
    line += character;
    taken += width;
  }
  return [...lines, line];
}

/** The same, cut between words where that can be. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = text;
  for (;;) {
    const [first = '', ...others] = chop(rest, columns);
    if (others.length === 0) return [...lines, first];
    // The word that follows may just have had no place.
    const gap = rest[first.length] === ' ' ? first.length : first.lastIndexOf(' ');
    const end = gap > 0 ? gap : first.length;
    lines.push(rest.slice(0, end).replace(/ +$/, ''));
    rest = rest.slice(end).replace(/^ +/, '');
  }
}

/** One word as bash takes it, in one visible line: `'a b'`, and with what does not show `$'one\\ntwo'`. */
export function quoteForShell(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (toPrintable(word) === word) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${Array.from(word, escapeForShell).join('')}'`;
}

function escapeForShell(character: string): string {
  const known = SHELL_ESCAPES[character];
  if (known !== undefined) return known;
  if (toPrintable(character) === character) return character;
  // As bytes, so that no locale matters.
  return Array.from(Buffer.from(character), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

function expandTabs(line: string): string {
  let expanded = '';
  for (const part of line.split(/(\t)/)) {
    expanded += part === '\t' ? ' '.repeat(TAB_COLUMNS - (expanded.length % TAB_COLUMNS)) : part;
  }
  return expanded;
}
