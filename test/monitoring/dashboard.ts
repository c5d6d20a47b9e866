import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of the file. */
export const DASHBOARD = fileURLToPath(
  new URL('../../deploy/kustomize/components/monitoring/dashboard.json', import.meta.url),
);

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly format?: 'table';
}

/** Of a value: the text and colour that stand for it. */
export interface Mapping {
  readonly type: 'value' | 'range';
  readonly options: Readonly<Record<string, unknown>>;
}

export interface FieldDefaults {
  readonly unit?: string;
  readonly noValue?: string;
  readonly decimals?: number;
  readonly color?: { readonly mode: string; readonly fixedColor?: string };
  readonly mappings?: readonly Mapping[];
  readonly thresholds: { readonly steps: readonly { readonly color: string; readonly value: number | null }[] };
  readonly custom?: {
    readonly lineInterpolation?: string;
    readonly fillOpacity?: number;
    readonly stacking?: { readonly mode: string };
  };
}

export interface Override {
  readonly matcher: { readonly id: 'byName' | 'byRegexp'; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig: { readonly defaults: FieldDefaults; readonly overrides: readonly Override[] };
  readonly transformations?: readonly { readonly id: string; readonly options: Readonly<Record<string, unknown>> }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: string | { readonly query: string };
      /** What the editor shows as the query. */
      readonly definition?: string;
    }[];
  };
  readonly [field: string]: unknown;
}

/** What the dashboard's variables stand for. */
export interface Variables {
  readonly job: string;
  readonly node: string;
  readonly policy: string;
  /** As Prometheus writes durations. */
  readonly range: string;
  readonly rateInterval: string;
}

/** With everything chosen. */
export const ALL: Variables = { job: '.+', node: '.*', policy: '.*', range: '3h', rateInterval: '2m' };

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;
}

/** Every panel but the rows. */
export function panelsOf({ panels }: Dashboard): Panel[] {
  return panels.filter(({ type }) => type !== 'row');
}

/** An expression as Grafana sends it to Prometheus. */
export function substitute(expression: string, { range, rateInterval, ...variables }: Variables = ALL): string {
  const values: Readonly<Record<string, string>> = { ...variables, __range: range, __rate_interval: rateInterval };
  return expression.replace(/\$(\w+)/g, (found, name: string) => values[name] ?? found);
}

/** The series that an expression selects: `nsc_policy_failing{job=~"…"}`. */
export function selectorsIn(expression: string): string[] {
  return [...expression.matchAll(/\w+\{[^}]*\}/g)].map(([selector]) => selector);
}
