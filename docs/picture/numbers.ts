import type { Series } from '../../test/harness/prometheus.ts';
import type { PanelData } from './collect.ts';
import { legendOf } from './legend.ts';
import { colorOf, LINE, rect, text, widthOf } from './svg.ts';
import { fieldOf, format, show } from './values.ts';

const GAP = 4;
/** What stands on a coloured ground. */
const ON_COLOR = '#ffffff';
const BAR = 22;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Numbers side by side, each on the colour of the threshold that it has reached. */
export function drawStat(data: PanelData, { width, height }: Size): string {
  const values = lastValues(data);
  const each = (width + GAP) / values.length;
  return values
    .map(({ name, value }, n) => {
      const shown = show(value, fieldOf(data.panel.fieldConfig, name), 0);
      const x = n * each;
      const middle = x + (each - GAP) / 2;
      const ground = rect({ x, y: 0, width: each - GAP, height }, `rx="3" fill="${shown.color}" fill-opacity="0.85"`);
      const label = values.length > 1 ? text(middle, 20, name, { anchor: 'middle', fill: ON_COLOR, size: 13 }) : '';
      const baseline = height / 2 + (values.length > 1 ? 24 : 16);
      const number = text(middle, baseline, shown.text, { anchor: 'middle', fill: ON_COLOR, size: 42, weight: 600 });
      return ground + label + number;
    })
    .join('');
}

/** Bars below each other, with their numbers. */
export function drawBars(data: PanelData, { width, height }: Size): string {
  const values = lastValues(data);
  const longest = Math.max(...values.map(({ value }) => value));
  const each = Math.min(BAR + GAP, height / values.length);
  const left = Math.max(...values.map(({ name }) => widthOf(name, 11))) + GAP * 2;
  return values
    .map(({ name, value }, n) => {
      const field = fieldOf(data.panel.fieldConfig, name);
      const color = colorOf(field.color?.fixedColor ?? 'text');
      const y = n * each;
      const room = width - left - 36;
      const baseline = y + each / 2 + 3;
      return [
        text(left - GAP * 2, baseline, name, { anchor: 'end', size: 11 }),
        rect({ x: left, y: y + 2, width: room, height: each - GAP }, `fill="${LINE}"`),
        rect({ x: left, y: y + 2, width: (room * value) / longest, height: each - GAP }, `fill="${color}"`),
        text(width, baseline, format(Math.round(value), field.unit ?? 'short'), { anchor: 'end', fill: color }),
      ].join('');
    })
    .join('');
}

function lastValues({ results }: PanelData) {
  return results.flatMap(({ target, series }) =>
    series.map((each) => ({ name: legendOf(target, each), value: lastOf(each) })),
  );
}

function lastOf({ samples }: Series): number {
  return samples.at(-1)?.value ?? Number.NaN;
}
