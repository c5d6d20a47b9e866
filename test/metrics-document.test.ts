import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createMetrics } from '../agent/telemetry/metrics.ts';

const DOCUMENT = fileURLToPath(new URL('../docs/metrics.md', import.meta.url));

/** What prom-client knows of a metric and its types do not say. */
type Known = { readonly name: string; readonly help: string; readonly type: string; readonly labelNames: string[] };

test('the document lists every metric there is, with its type, labels and meaning, and no other', () => {
  const { registry } = createMetrics({ version: '0', runtime: 'test' }, Date.now);
  const rows = (registry.getMetricsAsArray() as unknown as Known[]).map(({ name, help, type, labelNames }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${labels === '' ? '' : `${labels} `}| ${help} |`;
  });
  const [, table = ''] = readFileSync(DOCUMENT, 'utf8').split(
    '| Name | Type | Labels | Meaning |\n| --- | --- | --- | --- |\n',
  );
  assert.deepEqual(table.slice(0, table.indexOf('\n\n')).split('\n'), rows);
});
