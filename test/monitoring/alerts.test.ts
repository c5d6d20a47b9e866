import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import {
  CHART_DASHBOARD,
  DASHBOARD,
  PROMETHEUS_RULE,
  RULE_FILE,
  ruleFileOf,
} from '../../deploy/helm/generate-chart-files.ts';
import { requireBinary, skipWithout } from '../harness/binaries.ts';
import { shippedAlerts, shippedRules } from './rules.ts';

const TESTS = join(import.meta.dirname, 'alerts.test.yaml');
const RUNBOOKS = join(import.meta.dirname, '../../docs/runbooks.md');
const ALERTS = [...new Set(shippedAlerts().map(({ alert }) => alert))];
/** Each ends with what fires in it; the name of a test begins with the alert it is about. */
const NAMES: readonly string[] = parse(readFileSync(TESTS, 'utf8')).tests.map(({ name }: { name: string }) => name);

describe('the shipped alerts', { skip: skipWithout('promtool') }, () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'nsc-alerts-'));
    copyFileSync(TESTS, join(dir, 'alerts.test.yaml'));
    copyFileSync(RULE_FILE, join(dir, 'rules.yaml'));
  });
  after(() => rmSync(dir, { recursive: true }));

  /** @throws Error with what promtool prints when it fails */
  const promtool = (...args: string[]) =>
    execFileSync(requireBinary('promtool'), args, { cwd: dir, encoding: 'utf8', stdio: 'pipe' });

  test('are rules without a fault or a duplicate', () => {
    assert.match(promtool('check', 'rules', '--lint=all', '--lint-fatal', 'rules.yaml'), /SUCCESS: \d+ rules found/);
  });

  for (const name of NAMES) {
    test(name, () => {
      const pattern = `^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
      assert.match(promtool('test', 'rules', '--run', pattern, 'alerts.test.yaml'), /SUCCESS/);
    });
  }
});

test('every alert has tests', () => {
  const tested = new Set(NAMES.map((name) => name.split(' ')[0] ?? ''));
  assert.deepEqual([...tested].sort(), [...ALERTS].sort());
});

test('the plain rule file is the PrometheusRule (node deploy/helm/generate-chart-files.ts)', () => {
  const plain = readFileSync(RULE_FILE, 'utf8');
  assert.equal(plain, ruleFileOf(readFileSync(PROMETHEUS_RULE, 'utf8')));
  assert.deepEqual(parse(plain), shippedRules());
});

test("the chart's dashboard is kustomize's (node deploy/helm/generate-chart-files.ts)", () => {
  assert.ok(readFileSync(CHART_DASHBOARD).equals(readFileSync(DASHBOARD)));
});

test('every alert says how bad it is, what holds and where its runbook is', () => {
  for (const { alert, labels, annotations } of shippedAlerts()) {
    assert.ok(['warning', 'critical'].includes(labels.severity), alert);
    assert.equal(labels.component, 'node-svc-checker', alert);
    for (const name of ['summary', 'description', 'action']) assert.ok(annotations[name], `${alert}: ${name}`);
    assert.equal(annotations.runbook, `docs/runbooks.md#${alert.toLowerCase()}`);
  }
});

test('every alert has a section in the runbooks, and every section its alert, in one order', () => {
  const sections = readFileSync(RUNBOOKS, 'utf8').split(/^## /m).slice(1);
  assert.deepEqual(
    sections.map((section) => section.split('\n')[0]),
    ALERTS,
  );
  for (const section of sections) {
    const parts = [...section.matchAll(/^\*\*(\w+)\.\*\*/gm)].map(([, part]) => part);
    assert.deepEqual(parts, ['Means', 'Look', 'Do', 'Silence'], section.split('\n')[0]);
  }
});
