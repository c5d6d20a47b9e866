import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { relocated, SHIPPED } from '../harness/alertmanager.ts';
import { requireBinary, skipWithout } from '../harness/binaries.ts';
import { shippedAlerts } from './rules.ts';

const CONFIGURATIONS = readdirSync(SHIPPED).filter((name) => name.endsWith('.yaml'));

describe('what is shipped for Alertmanager', { skip: skipWithout('amtool') }, () => {
  let dir: string;
  const path = (name: string) => join(dir, name);
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'nsc-alertmanager-'));
    for (const name of CONFIGURATIONS) writeFileSync(path(name), relocated(name, dir));
  });
  after(() => rmSync(dir, { recursive: true }));

  /** @throws Error with what amtool prints when it fails */
  const amtool = (...args: string[]) =>
    execFileSync(requireBinary('amtool'), args, { encoding: 'utf8', stdio: 'pipe' });
  const receiversOf = (labels: Readonly<Record<string, string>>) =>
    amtool(
      ...['config', 'routes', 'test', `--config.file=${path('alertmanager.yaml')}`],
      ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    ).trim();

  for (const name of CONFIGURATIONS) {
    test(`${name} is valid, with its templates`, () => {
      assert.match(amtool('check-config', path(name)), /SUCCESS/);
    });

    test(`${name} holds no address that is a secret`, () => {
      assert.doesNotMatch(relocated(name, dir), /https:\/\/(?!prometheus)/);
    });
  }

  for (const { alert, labels } of shippedAlerts()) {
    test(`${alert} (${labels.severity}) goes to Slack and to Teams`, () => {
      assert.equal(receiversOf({ alertname: alert, ...labels }), 'node-svc-checker-slack,node-svc-checker-teams');
    });
  }

  test("somebody else's alert goes to neither", () => {
    assert.equal(receiversOf({ alertname: 'KubeNodeNotReady', severity: 'critical' }), 'nobody');
  });

  const alert = (status: 'firing' | 'resolved', node: string, annotations: object) => ({
    status,
    labels: { alertname: 'NodeCheckFailing', policy: 'disk', node, severity: 'warning' },
    annotations: { summary: `Check disk fails on node ${node}`, runbook: 'docs/runbooks.md#x', ...annotations },
    startsAt: '2026-11-01T12:00:00Z',
  });
  const rendered = (template: string, alerts: ReturnType<typeof alert>[]) => {
    const data = {
      status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
      groupLabels: { alertname: 'NodeCheckFailing', policy: 'disk' },
      commonLabels: { severity: 'warning' },
      commonAnnotations: { runbook: 'docs/runbooks.md#x' },
      alerts,
    };
    writeFileSync(path('data.json'), JSON.stringify(data));
    return amtool(
      ...['template', 'render', `--template.glob=${join(SHIPPED, 'templates/*.tmpl')}`],
      ...[`--template.data=${path('data.json')}`, `--template.text={{ template "${template}" . }}`],
    ).trimEnd();
  };

  test('a message lists the nodes, each with since when and what was done, then those that are over', () => {
    const done = { since: 'noon', action: 'done to the node: cordon' };
    const alerts = [alert('firing', 'a', done), alert('firing', 'b', {}), alert('resolved', 'c', done)];
    assert.equal(rendered('nsc.title', alerts), '[2 firing] NodeCheckFailing: disk');
    assert.deepEqual(rendered('nsc.text', alerts).split('\n'), [
      'a: Check disk fails on node a, since noon: done to the node: cordon',
      'b: Check disk fails on node b, since 2026-11-01 12:00:00 UTC',
      'over: c: Check disk fails on node c',
      'docs/runbooks.md#x',
    ]);
    assert.equal(rendered('nsc.color', alerts), 'warning');
  });

  test('a message has what the check said, and nothing of it calls people, hides a link or is code', () => {
    const said = 'DiskFull: <!channel> <https://evil|fine> [ok](https://evil) `x` & "y" {{ .Status }} $HOME';
    const lines = rendered('nsc.text', [
      alert('firing', 'a', { since: 'noon', action: 'done to the node: cordon', said }),
      alert('firing', 'b', { since: 'noon', action: 'done to the node: cordon', said: 'nothing' }),
    ]).split('\n');
    const plain = `DiskFull: ‹!channel› ‹https://evil|fine› [ok] (https://evil) 'x' & "y" {{ .Status }} $HOME`;
    assert.equal(lines[0], `a: Check disk fails on node a, since noon: done to the node: cordon; it said: ${plain}`);
    assert.equal(lines[1], 'b: Check disk fails on node b, since noon: done to the node: cordon');
  });

  test('a message of a hundred nodes has ten lines and their number', () => {
    const lines = rendered(
      'nsc.text',
      Array.from({ length: 100 }, (_, n) => alert('firing', `n${n}`, {})),
    ).split('\n');
    assert.deepEqual([lines.length, lines[10], lines[11]], [12, '… 100 in all', 'docs/runbooks.md#x']);
  });

  test('a message of a recovery says that it is over', () => {
    const alerts = [alert('resolved', 'a', {})];
    assert.equal(rendered('nsc.title', alerts), '[over] NodeCheckFailing: disk');
    assert.equal(rendered('nsc.color', alerts), 'good');
  });
});
