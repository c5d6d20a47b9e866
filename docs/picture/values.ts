import type { FieldDefaults, Mapping, Override } from '../../test/monitoring/dashboard.ts';
import { colorOf, INK } from './svg.ts';

export interface Shown {
  readonly text: string;
  readonly color: string;
}

type Result = { readonly text: string; readonly color?: string };
type ValueOptions = Readonly<Record<string, Result>>;
type RangeOptions = { readonly from: number; readonly to: number; readonly result: Result };

/** What the dashboard says of a field: its defaults, and over them what the matching overrides say, the last one wins. */
export function fieldOf(
  { defaults, overrides }: { readonly defaults: FieldDefaults; readonly overrides: readonly Override[] },
  name: string,
): FieldDefaults {
  let field: FieldDefaults = defaults;
  for (const { matcher, properties } of overrides) {
    const matches =
      matcher.id === 'byName' ? matcher.options === name : new RegExp(matcher.options.slice(1, -1)).test(name);
    if (matches) field = { ...field, ...Object.fromEntries(properties.map(({ id, value }) => [id, value])) };
  }
  return field;
}

/** The text that stands for a value, if one does, else the value with its unit; times as they look at `nowMs`. */
export function show(value: number | null, field: FieldDefaults, nowMs: number): Shown {
  if (value === null) return { text: field.noValue ?? '', color: INK };
  const mapped = (field.mappings ?? [])
    .map((mapping) => resultOf(mapping, value))
    .find((result) => result !== undefined);
  if (mapped) return { text: mapped.text, color: colorOf(mapped.color ?? 'text') };
  return { text: format(value, field.unit ?? 'short', nowMs), color: thresholdOf(value, field) };
}

/** Every text that can stand for a value, in order, for a legend. */
export function mappedResults(mappings: readonly Mapping[] = []): Shown[] {
  return mappings.flatMap(({ type, options }) => {
    const results = type === 'value' ? Object.values(options as ValueOptions) : [(options as RangeOptions).result];
    return results.map(({ text, color = 'text' }) => ({ text, color: colorOf(color) }));
  });
}

/** With as many digits as one reads. */
export function format(value: number, unit: string, nowMs = 0): string {
  switch (unit) {
    case 'dateTimeFromNow':
      return age((nowMs - value) / 1000);
    case 's':
      return value < 1 ? `${number(value * 1000)} ms` : `${number(value)} s`;
    case 'reqps':
      return `${number(value)} req/s`;
    case 'cpm':
      return `${number(value)} c/m`;
    default:
      return number(value);
  }
}

function resultOf({ type, options }: Mapping, value: number): Result | undefined {
  if (type === 'value') return (options as ValueOptions)[String(value)];
  const { from, to, result } = options as RangeOptions;
  return from <= value && value <= to ? result : undefined;
}

function thresholdOf(value: number, { thresholds }: FieldDefaults): string {
  const reached = thresholds.steps.filter((step) => step.value === null || value >= step.value);
  return colorOf(reached.at(-1)?.color ?? 'text');
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function age(seconds: number): string {
  if (seconds < 45) return 'a few seconds ago';
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes === 1 ? 'a minute ago' : `${minutes} minutes ago`;
}
