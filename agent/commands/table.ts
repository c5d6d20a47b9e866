const COLUMN_GAP = '   ';
const MAX_COLUMNS = 100;
/** Long names leave the last column at least this much, and make the table wider. */
const MIN_LAST_COLUMN = 12;
const MARK = /\p{Mn}|\p{Me}/u;
/** The blocks of East Asian scripts and forms that are wide in all of Unicode, and what is shown as an emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Columns as kubectl prints them: left-aligned, three spaces apart, the last one as long as it is. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, columnsOf(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - columnsOf(cell)))
      .join(COLUMN_GAP)
      .trimEnd(),
  );
}

/** As a terminal's 100 columns allow: longer cells of the last column end in an ellipsis, the others never do. */
export function formatNarrowTable(rows: readonly (readonly string[])[]): string[] {
  const others = formatTable(rows.map((row) => row.slice(0, -1)));
  const taken = Math.max(...others.map(columnsOf)) + COLUMN_GAP.length;
  const room = Math.max(MIN_LAST_COLUMN, MAX_COLUMNS - taken);
  return formatTable(rows.map((row) => [...row.slice(0, -1), shorten(row.at(-1) ?? '', room)]));
}

function shorten(cell: string, room: number): string {
  if (columnsOf(cell) <= room) return cell;
  let kept = '';
  let left = room - 1;
  for (const character of cell) {
    left -= columnsOf(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}

/** How many columns of a terminal a text takes: an ideograph or an emoji two, a mark on another character none. */
export function columnsOf(text: string): number {
  // Most of it, quickly.
  if (/^[ -~]*$/.test(text)) return text.length;
  return [...text].reduce((sum, character) => sum + (MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1), 0);
}

export function countNodes(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}
