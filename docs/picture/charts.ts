import * as echarts from 'echarts';
import type { QueryRange, Series } from '../../test/harness/prometheus.ts';
import type { PanelData } from './collect.ts';
import { drawLegend, legendOf } from './legend.ts';
import type { Size } from './numbers.ts';
import { colorOf, FAINT, INK, LINE, PALETTE, widthOf } from './svg.ts';
import { fieldOf, format, mappedResults, show } from './values.ts';

/** Of a stretch, as a part of its line. */
const THICKNESS = 0.76;

type Point = [atMs: number, value: number | null];

/** Lines over time, stacked and filled as the panel says. */
export function drawLines({ panel, results }: PanelData, { width, height }: Size, range: QueryRange): string {
  const all = results.flatMap(({ target, series }) => series.map((each) => ({ name: legendOf(target, each), each })));
  const lines = all.map(({ name, each }, n) => {
    const field = fieldOf(panel.fieldConfig, name);
    const fixed = field.color?.fixedColor;
    const color = fixed ? colorOf(fixed) : (PALETTE[n % PALETTE.length] ?? INK);
    return { name, color, field, points: pointsOf(each, range) };
  });
  const legend = drawLegend(
    lines.map(({ name, color }) => ({ text: name, color })),
    width,
    height,
  );
  const { unit = 'short', decimals, custom } = panel.fieldConfig.defaults;
  const series = lines.map(({ name, color, points }) => ({
    name,
    type: 'line' as const,
    data: points,
    showSymbol: false,
    step: custom?.lineInterpolation === 'stepAfter' ? ('end' as const) : false,
    stack: custom?.stacking?.mode === 'normal' ? 'all' : undefined,
    lineStyle: { width: 1.5, color },
    itemStyle: { color },
    areaStyle: { color, opacity: (custom?.fillOpacity ?? 0) / 100 },
  }));
  const axis = {
    type: 'value' as const,
    min: 0,
    minInterval: decimals === 0 ? 1 : undefined,
    splitNumber: 4,
    axisLabel: { color: FAINT, fontSize: 11, formatter: (value: number) => format(value, unit) },
    splitLine: { lineStyle: { color: LINE } },
  };
  const left = unit === 'reqps' || unit === 's' || unit === 'cpm' ? 62 : 28;
  return render({ width, height: legend.top }, { left, range, yAxis: axis, series }) + legend.svg;
}

/** A line of coloured stretches for each series. */
export function drawTimeline({ panel, results }: PanelData, { width, height }: Size, range: QueryRange): string {
  const field = panel.fieldConfig.defaults;
  const rows = results
    .flatMap(({ target, series }) => series.map((each) => ({ name: legendOf(target, each), each })))
    .sort((a, b) => b.name.localeCompare(a.name));
  const stretches = rows.flatMap(({ each }, row) =>
    stretchesOf(each, range).map(({ startMs, endMs, value }) => ({
      value: [row, startMs, endMs],
      itemStyle: { color: show(value, field, 0).color },
    })),
  );
  const legend = drawLegend(mappedResults(field.mappings), width, height);
  const series = {
    type: 'custom' as const,
    data: stretches,
    encode: { x: [1, 2], y: 0 },
    renderItem(_: unknown, api: echarts.CustomSeriesRenderItemAPI) {
      const [x = 0, middle = 0] = api.coord([api.value(1), api.value(0)]);
      const [end = 0] = api.coord([api.value(2), api.value(0)]);
      const [, above = 0] = api.coord([api.value(1), Number(api.value(0)) + 1]);
      const thick = (middle - above) * THICKNESS;
      const shape = { x, y: middle - thick / 2, width: end - x, height: thick };
      return { type: 'rect' as const, shape, style: { fill: api.visual('color') as string, opacity: 0.85 } };
    },
  };
  const axis = {
    type: 'category' as const,
    data: rows.map(({ name }) => name),
    axisLabel: { color: INK, fontSize: 11, interval: 0 },
    axisTick: { show: false },
    axisLine: { show: false },
  };
  const left = Math.max(...rows.map(({ name }) => widthOf(name, 11))) + 12;
  return render({ width, height: legend.top }, { left, range, yAxis: axis, series: [series] }) + legend.svg;
}

function render(
  { width, height }: Size,
  options: { left: number; range: QueryRange; yAxis: echarts.YAXisComponentOption; series: echarts.SeriesOption[] },
): string {
  const { left, range, yAxis, series } = options;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height: Math.floor(height) });
  chart.setOption({
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: 'Inter, Helvetica, Arial, sans-serif' },
    grid: { left, right: 14, top: 10, bottom: 24 },
    xAxis: {
      type: 'time',
      min: range.startSeconds * 1000,
      max: range.endSeconds * 1000,
      splitNumber: width > 400 ? 6 : 3,
      axisLabel: { color: FAINT, fontSize: 11, formatter: '{HH}:{mm}', hideOverlap: true },
      axisLine: { lineStyle: { color: LINE } },
      axisTick: { show: false },
      splitLine: { show: true, lineStyle: { color: LINE } },
    },
    yAxis,
    series,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // A group of a larger picture, and without what only a browser with a mouse would need.
  return svg
    .replace(/^<svg[^>]*>/, '<g>')
    .replace(/<\/svg>\s*$/, '</g>')
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ (?:ecmeta_\w+|class)="[^"]*"/g, '');
}

/** A point for every step, null where there is no sample. */
function pointsOf({ samples }: Series, { startSeconds, endSeconds, stepSeconds }: QueryRange): Point[] {
  const values = new Map(samples.map(({ atSeconds, value }) => [atSeconds, value]));
  const points: Point[] = [];
  for (let at = startSeconds; at <= endSeconds; at += stepSeconds) {
    const value = values.get(at);
    points.push([at * 1000, value === undefined || !Number.isFinite(value) ? null : value]);
  }
  return points;
}

function stretchesOf(series: Series, range: QueryRange) {
  const stretches: { startMs: number; endMs: number; value: number }[] = [];
  for (const [atMs, value] of pointsOf(series, range)) {
    const last = stretches.at(-1);
    const endMs = Math.min(atMs + range.stepSeconds * 1000, range.endSeconds * 1000);
    if (value === null || endMs === atMs) continue;
    if (last?.value === value && last.endMs === atMs) last.endMs = endMs;
    else stretches.push({ startMs: atMs, endMs, value });
  }
  return stretches;
}
