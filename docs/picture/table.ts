import type { PanelData } from './collect.ts';
import type { Size } from './numbers.ts';
import { FAINT, INK, LINE, rect, text, widthOf } from './svg.ts';
import { fieldOf, show } from './values.ts';

const ROW = 28;
const SIZE = 12;

type Cell = string | number;
type Names<T> = Readonly<Record<string, T>>;
interface Organize {
  readonly excludeByName: Names<boolean>;
  readonly indexByName: Names<number>;
  readonly renameByName: Names<string>;
}

/** The rows of all queries with the same values of the labels that all of them have, made one. */
export function drawTable({ panel, results }: PanelData, { width, height }: Size, nowMs: number): string {
  const options = (id: string) => panel.transformations?.find((each) => each.id === id)?.options ?? {};
  const organize = options('organize') as unknown as Organize;
  const [sort] = (options('sortBy') as { sort: { field: string; desc: boolean }[] }).sort;
  const columns = Object.keys(organize.indexByName)
    .filter((name) => !organize.excludeByName[name])
    .sort((a, b) => (organize.indexByName[a] ?? 0) - (organize.indexByName[b] ?? 0))
    .map((name) => ({ name, title: organize.renameByName[name] ?? name }));
  const sortName = columns.find(({ title }) => title === sort?.field)?.name ?? '';
  const rows = mergeRows(results).sort((a, b) => Number(a.get(sortName)) - Number(b.get(sortName)));

  const shown = rows.map((row) =>
    columns.map(({ name, title }) => {
      const cell = row.get(name);
      const field = fieldOf(panel.fieldConfig, title);
      return typeof cell === 'string' ? { text: cell, color: INK } : show(cell ?? null, field, nowMs);
    }),
  );
  const widths = columns.map(({ title }, n) =>
    Math.max(widthOf(title, SIZE), ...shown.map((cells) => widthOf(cells[n]?.text ?? '', SIZE))),
  );
  const spare = (width - widths.reduce((sum, each) => sum + each, 0)) / columns.length;
  const starts = widths.map((_, n) => 4 + widths.slice(0, n).reduce((sum, each) => sum + each + spare, 0));
  const lines = shown.slice(0, Math.floor(height / ROW) - 1).map((cells, row) => {
    const y = (row + 1) * ROW;
    const rule = rect({ x: 0, y, width, height: 1 }, `fill="${LINE}"`);
    return rule + cells.map((cell, n) => text(starts[n] ?? 0, y + 19, cell.text, { fill: cell.color })).join('');
  });
  const head = columns.map(({ title }, n) => text(starts[n] ?? 0, 18, title, { fill: FAINT, weight: 500 }));
  return head.join('') + lines.join('');
}

function mergeRows(results: PanelData['results']): Map<string, Cell>[] {
  const labelsOf = (series: PanelData['results'][number]['series']) => Object.keys(series[0]?.labels ?? {});
  const found = results.filter(({ series }) => series.length > 0);
  const keys = labelsOf(found[0]?.series ?? []).filter((name) =>
    found.every(({ series }) => labelsOf(series).includes(name)),
  );
  const rows = new Map<string, Map<string, Cell>>();
  for (const { target, series } of found) {
    for (const { labels, samples } of series) {
      const key = keys.map((name) => labels[name]).join(' ');
      const row = rows.get(key) ?? new Map<string, Cell>();
      rows.set(key, row);
      for (const [name, value] of Object.entries(labels)) row.set(name, value);
      row.set(`Value #${target.refId}`, samples.at(-1)?.value ?? Number.NaN);
    }
  }
  return [...rows.values()];
}
