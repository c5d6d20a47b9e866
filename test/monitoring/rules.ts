import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { PROMETHEUS_RULE } from '../../deploy/helm/generate-chart-files.ts';

/** An alert as its rule says it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly keep_firing_for?: string;
  readonly labels: { readonly severity: 'warning' | 'critical'; readonly component: string };
  readonly annotations: Readonly<Record<string, string>>;
}

/** A rule file of Prometheus. */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

/** The rules that are shipped. */
export function shippedRules(): RuleFile {
  return parse(readFileSync(PROMETHEUS_RULE, 'utf8')).spec;
}

/** Every alert that is shipped, in the order of the file; a name can be there twice. */
export function shippedAlerts(): AlertRule[] {
  return shippedRules().groups.flatMap(({ rules }) => rules);
}
