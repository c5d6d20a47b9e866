const COLUMN_GAP = '   ';
const MAX_COLUMNS = 100;
/** Long names leave the last column at least this much, and make the table wider. */
const MIN_LAST_COLUMN = 12;

/** Columns as kubectl prints them: left-aligned, three spaces apart, the last one as long as it is. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(COLUMN_GAP)
      .trimEnd(),
  );
}

/** As a terminal's 100 columns allow: longer cells of the last column end in an ellipsis, the others never do. */
export function formatNarrowTable(rows: readonly (readonly string[])[]): string[] {
  const others = formatTable(rows.map((row) => row.slice(0, -1)));
  const taken = Math.max(...others.map(({ length }) => length)) + COLUMN_GAP.length;
  const room = Math.max(MIN_LAST_COLUMN, MAX_COLUMNS - taken);
  const shorten = (cell: string) => (cell.length > room ? `${cell.slice(0, room - 1).trimEnd()}…` : cell);
  return formatTable(rows.map((row) => [...row.slice(0, -1), shorten(row.at(-1) ?? '')]));
}

export function countNodes(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}
