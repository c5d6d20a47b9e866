import { toPrintable } from '../policy/format-error.ts';
import { columnsOf } from './table.ts';

const TAB_COLUMNS = 8;

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

function expandTabs(line: string): string {
  let expanded = '';
  for (const part of line.split(/(\t)/)) {
    expanded += part === '\t' ? ' '.repeat(TAB_COLUMNS - (expanded.length % TAB_COLUMNS)) : part;
  }
  return expanded;
}
