import type { QueryRange } from '../../test/harness/prometheus.ts';
import type { Dashboard, Panel } from '../../test/monitoring/dashboard.ts';
import { drawLines, drawTimeline } from './charts.ts';
import type { PanelData } from './collect.ts';
import { drawBars, drawStat } from './numbers.ts';
import { type Box, FAINT, inset, LINE, PAPER, rect, SHEET, text } from './svg.ts';
import { drawTable } from './table.ts';

const WIDTH = 1280;
const COLUMNS = 24;
const GAP = 8;
/** Of one unit of the grid. */
const UNIT = 30;
const HEADER = 56;
const TITLE = 30;

/** The whole dashboard as it is laid out, as one SVG. */
export function drawDashboard({ title, panels }: Dashboard, data: readonly PanelData[], range: QueryRange): string {
  const height = GAP + Math.max(...panels.map((panel) => boxOf(panel).y + boxOf(panel).height));
  const from = new Date(range.startSeconds * 1000).toISOString().slice(11, 16);
  const to = new Date(range.endSeconds * 1000).toISOString().slice(11, 16);
  const parts = [
    rect({ x: 0, y: 0, width: WIDTH, height }, `fill="${SHEET}"`),
    text(GAP * 2, 35, String(title), { size: 20, weight: 500 }),
    text(WIDTH - GAP * 2, 26, `Job All · Node All · Policy All · ${from} to ${to} UTC`, { anchor: 'end' }),
    text(WIDTH - GAP * 2, 44, "Preview drawn from the dashboard's queries, not by Grafana", {
      anchor: 'end',
      size: 11,
      fill: FAINT,
    }),
    ...panels.filter(({ type }) => type === 'row').map(drawRow),
    ...data.map((each) => drawPanel(each, range)),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">\n<title>${title}</title>\n${parts.join('\n')}\n</svg>\n`;
  // Coordinates need no more than tenths of a pixel; what is written stays.
  return svg.replace(/="[^"]*"/g, (attribute) => attribute.replace(/(\d+\.\d)\d+/g, '$1'));
}

function boxOf({ gridPos: { x, y, w, h } }: Panel): Box {
  const column = (WIDTH - GAP) / COLUMNS;
  return {
    x: Math.round(GAP + x * column),
    y: HEADER + y * (UNIT + GAP),
    width: Math.round(w * column - GAP),
    height: h * (UNIT + GAP) - GAP,
  };
}

function drawRow(panel: Panel): string {
  const { x, y, height } = boxOf(panel);
  return text(x + GAP, y + height / 2 + 5, panel.title, { size: 15, weight: 500 });
}

function drawPanel(data: PanelData, range: QueryRange): string {
  const box = boxOf(data.panel);
  const content: Box = { x: GAP, y: TITLE, width: box.width - GAP * 2, height: box.height - TITLE - GAP };
  return inset(
    box,
    [
      rect({ x: 0.5, y: 0.5, width: box.width - 1, height: box.height - 1 }, `rx="2" fill="${PAPER}" stroke="${LINE}"`),
      text(GAP, 20, data.panel.title, { size: 13, weight: 500 }),
      inset(content, drawContent(data, content, range)),
    ].join(''),
  );
}

function drawContent(data: PanelData, { width, height }: Box, range: QueryRange): string {
  const size = { width, height };
  const { type, fieldConfig } = data.panel;
  if (data.results.every(({ series }) => series.length === 0)) {
    return text(width / 2, height / 2, fieldConfig.defaults.noValue ?? 'No data', { anchor: 'middle', fill: FAINT });
  }
  switch (type) {
    case 'stat':
      return drawStat(data, size);
    case 'bargauge':
      return drawBars(data, size);
    case 'table':
      return drawTable(data, size, range.endSeconds * 1000);
    case 'timeseries':
      return drawLines(data, size, range);
    case 'state-timeline':
      return drawTimeline(data, size, range);
    default:
      throw new Error(`no picture is known for panels of type ${type}`);
  }
}
