import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const COMPONENT = join(import.meta.dirname, '../kustomize/components/monitoring');
const FILES = join(import.meta.dirname, 'node-svc-checker/files');

/** What the chart's files are made of: kustomize's component, which alone is edited by hand. */
export const PROMETHEUS_RULE = join(COMPONENT, 'prometheusrule.yaml');
export const DASHBOARD = join(COMPONENT, 'dashboard.json');

/** The rules of the PrometheusRule as a rule file of Prometheus. In the chart, since Helm reads no file elsewhere. */
export const RULE_FILE = join(FILES, 'alerts.yaml');
/** The dashboard, byte by byte. */
export const CHART_DASHBOARD = join(FILES, 'dashboard.json');

const HEADER = `# Made from deploy/kustomize/components/monitoring/prometheusrule.yaml by deploy/helm/generate-chart-files.ts. A rule file
# for any Prometheus: name it under rule_files.
`;

/** The rule file that a PrometheusRule's spec is. @throws Error when the spec is not the last of its fields */
export function ruleFileOf(prometheusRule: string): string {
  const [, spec] = prometheusRule.split(/^spec:\n/m);
  if (spec === undefined || /^\S/m.test(spec)) throw new Error('the spec must be the last field of the PrometheusRule');
  return HEADER + spec.replace(/^ {2}/gm, '');
}

async function main(): Promise<void> {
  await writeFile(RULE_FILE, ruleFileOf(await readFile(PROMETHEUS_RULE, 'utf8')));
  await writeFile(CHART_DASHBOARD, await readFile(DASHBOARD));
}

if (import.meta.main) await main();
