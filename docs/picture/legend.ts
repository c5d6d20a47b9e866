import type { Series } from '../../test/harness/prometheus.ts';
import type { Target } from '../../test/monitoring/dashboard.ts';
import { rect, text, widthOf } from './svg.ts';

const LINE_HEIGHT = 16;
const SIZE = 11;
const MARK = 12;
const GAP = 14;

/** The name of a series, by its query's legendFormat. */
export function legendOf({ legendFormat = '' }: Target, { labels }: Series): string {
  return legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '');
}

/** Lines of coloured names that fit into a width, from y upwards to `top`. */
export function drawLegend(
  entries: readonly { readonly text: string; readonly color: string }[],
  width: number,
  bottom: number,
): { readonly svg: string; readonly top: number } {
  const placed: { x: number; line: number; text: string; color: string }[] = [];
  let x = 0;
  let line = 0;
  for (const entry of entries) {
    const needed = MARK + widthOf(entry.text, SIZE) + GAP;
    if (x > 0 && x + needed > width) {
      x = 0;
      line += 1;
    }
    placed.push({ ...entry, x, line });
    x += needed;
  }
  const top = bottom - (line + 1) * LINE_HEIGHT;
  const svg = placed.map((entry) => {
    const y = top + entry.line * LINE_HEIGHT + LINE_HEIGHT / 2;
    const mark = rect({ x: entry.x, y: y - 2, width: MARK - 4, height: 4 }, `fill="${entry.color}"`);
    return mark + text(entry.x + MARK, y + 4, entry.text, { size: SIZE });
  });
  return { svg: svg.join(''), top };
}
