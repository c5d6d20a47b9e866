import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMetrics } from '../../agent/telemetry/metrics.ts';
import { requireBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { panelsOf, readDashboard, selectorsIn, substitute } from './dashboard.ts';

/** Of schemas since Grafana 10; a later Grafana migrates an older one when it loads it. */
const OLDEST_SCHEMA = 38;
const COLUMNS = 24;
/** What a scrape adds to every series, with the PodMonitor's relabeling. */
const TARGET_LABELS = ['job', 'node'];
/** What Grafana itself puts in. */
const BUILT_IN = ['__all', '__range', '__rate_interval'];

const dashboard = readDashboard();
const panels = panelsOf(dashboard);
const targets = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));
const variables = dashboard.templating.list;
const queries = variables.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]));
const labelsOf = exportedLabels();

test('promtool parses every expression', { skip: skipWithoutControlPlane('promtool') }, () => {
  const chosen = queries.flatMap((query) => selectorsIn(query));
  const expressions = [...targets.map(({ expr }) => expr), ...chosen].map((expr) => substitute(expr));
  const rules = expressions.map((expr, n) => ({ record: `dashboard:expression:${n}`, expr }));
  const dir = mkdtempSync(join(tmpdir(), 'nsc-dashboard-'));
  try {
    const file = join(dir, 'rules.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const said = execFileSync(requireBinary('promtool'), ['check', 'rules', file], { encoding: 'utf8', stdio: 'pipe' });
    assert.match(said, new RegExp(`SUCCESS: ${expressions.length} rules found`));
  } finally {
    rmSync(dir, { recursive: true });
  }
});

for (const { title, refId, expr, legendFormat = '' } of targets) {
  test(`${title} ${refId}: every series and label in it is one that the agent exports`, () => {
    const selectors = selectorsIn(expr);
    const named = expr.match(/\b(?:nsc_\w+|process_\w+|up\b(?=[{\s]))/g) ?? [];
    assert.equal(selectors.length, named.length, 'every series has a selector');
    const known = selectors.flatMap((selector) => {
      const labels = labelsOf(selector);
      for (const [, label = ''] of selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)) assert.ok(labels.includes(label), label);
      assert.ok(selector.includes('job=~"$job", node=~"$node"'), `${selector} is chosen by job and node`);
      if (labels.includes('policy')) assert.ok(selector.includes('policy=~"$policy"'), `${selector} by policy, too`);
      return labels;
    });
    const grouped = [...expr.matchAll(/\b(?:by|on|group_left) \(([^)]*)\)/g)].flatMap(([, list = '']) => words(list));
    const shown = [...legendFormat.matchAll(/\{\{([^}]*)\}\}/g)].map(([, label = '']) => label);
    for (const label of [...grouped, ...shown]) assert.ok(known.includes(label), label);
    for (const label of shown) assert.ok(grouped.includes(label), `${label} is left over by the aggregation`);
  });
}

test('the editor shows the queries of the variables as they are', () => {
  assert.deepEqual(
    variables.flatMap(({ definition }) => definition ?? []),
    queries,
  );
});

for (const query of queries) {
  test(`${query} asks for a label that the agent exports`, () => {
    const [, series = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? assert.fail();
    const labels = labelsOf(series);
    assert.ok(labels.includes(label));
    for (const [, matched = ''] of series.matchAll(/(\w+)=~"/g)) assert.ok(labels.includes(matched), matched);
  });
}

for (const panel of panels) {
  test(`${panel.title}: it says what it shows, in which unit, and what it means that there is no data`, () => {
    const { description = '', fieldConfig } = panel;
    assert.match(description, /^[A-Z].{20,}\.$/);
    assert.ok(fieldConfig.defaults.unit);
    assert.ok(fieldConfig.defaults.noValue);
  });
}

test('the columns that a table names are results of its queries', () => {
  for (const { title, targets = [], transformations = [] } of panels) {
    const organize = transformations.find(({ id }) => id === 'organize')?.options;
    if (organize === undefined) continue;
    const labels = targets.flatMap(({ expr }) => selectorsIn(expr).flatMap(labelsOf));
    const fields = ['Time', ...labels, ...targets.map(({ refId }) => `Value #${refId}`)];
    for (const names of ['excludeByName', 'indexByName', 'renameByName']) {
      for (const name of Object.keys(organize[names] as object)) assert.ok(fields.includes(name), `${title}: ${name}`);
    }
  }
});

test('panels have ids and titles of their own, and do not overlap', () => {
  const { panels: all } = dashboard;
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  assert.equal(new Set(all.map(({ title }) => title)).size, all.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of all) {
    const { x, y, w, h } = gridPos;
    assert.ok(x >= 0 && x + w <= COLUMNS, `${title} is within the grid`);
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        assert.equal(taken.get(`${column} ${line}`), undefined, `${title} overlaps`);
        taken.set(`${column} ${line}`, title);
      }
    }
  }
});

test('the picture in the document shows every panel', () => {
  const picture = readFileSync(new URL('../../docs/dashboard.svg', import.meta.url), 'utf8');
  for (const { title } of dashboard.panels) assert.ok(picture.includes(`>${title}</text>`), title);
});

test('it can be provisioned: nobody has to fill in anything, and every variable is there', () => {
  assert.ok(!('__inputs' in dashboard) && !('id' in dashboard));
  assert.match(dashboard.uid, /^[a-z-]{1,40}$/);
  assert.ok(dashboard.schemaVersion >= OLDEST_SCHEMA);
  const names = variables.map(({ name }) => name);
  assert.deepEqual(names, ['datasource', 'job', 'node', 'policy']);
  const text = JSON.stringify(dashboard);
  const uids = new Set([...text.matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid));
  assert.deepEqual([...uids], [dashboard.uid, '$' + '{datasource}'], 'no data source of a certain Grafana');
  for (const [, name = ''] of text.matchAll(/\$\{?([a-z_]+)/g)) assert.ok([...names, ...BUILT_IN].includes(name), name);
});

/** The labels of the series that a selector selects. */
function exportedLabels(): (selector: string) => string[] {
  const labels = new Map<string, readonly string[]>([['up', []]]);
  const { registry } = createMetrics({ version: '1.2.3', runtime: 'node' }, Date.now);
  for (const { name } of registry.getMetricsAsArray()) {
    // The interface of prom-client does not show what its metrics have.
    const metric = registry.getSingleMetric(name) as unknown as { labelNames: readonly string[]; buckets?: unknown };
    labels.set(name, metric.labelNames);
    if (metric.buckets === undefined) continue;
    labels.set(`${name}_bucket`, [...metric.labelNames, 'le']);
    labels.set(`${name}_count`, metric.labelNames);
  }
  return (selector) => {
    const name = /^\w+/.exec(selector)?.[0] ?? '';
    const found = labels.get(name);
    assert.ok(found, `${name} is not exported`);
    return [...TARGET_LABELS, ...found];
  };
}

function words(list: string): string[] {
  return list.split(',').flatMap((word) => word.trim() || []);
}
