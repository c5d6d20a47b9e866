import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { writeLedger } from '../core/ledger.ts';
import { LEDGER_ANNOTATION } from '../core/node.ts';
import { toNodesFile } from '../core/plan/nodes-file.ts';
import { SAMPLE_NOW, sampleNode } from '../core/samples.ts';
import { configMapText, documentText, policyText } from '../policy/fixtures.ts';
import { commandRunner } from './fixtures.ts';

const nsc = commandRunner(import.meta.resolve('./plan.ts'), 'planCommand');
const base = mkdtempSync(join(tmpdir(), 'plan-'));
after(() => rmSync(base, { recursive: true }));

const CORDONS = policyText('a', { actions: { cordon: true } });
const DRAINS = policyText('a', { actions: { drain: {} } });
const OBSERVES = policyText('a', { mode: 'Observe', actions: { cordon: true } });
const BUDGET = documentText('NodeDisruptionBudget', 'b', { maxUnavailable: 1 });
const [cordons, drains, observes, invalid] = [CORDONS, DRAINS, OBSERVES, policyText('a', { mode: 'X' })].map(file);
assert.ok(cordons && drains && observes && invalid);

suite('nsc plan', () => {
  test('says what changes, and ends with 0 whatever it is', () => {
    const { stdout, stderr, status } = nsc('plan', cordons, drains);
    assert.match(stdout, /^1 policy changed \(revision [0-9a-f]{12} → [0-9a-f]{12}\)\n\npolicy a: changed\n/);
    assert.match(stdout, /\nlook twice:\n {2}harm-added: policy a: drain\n$/);
    assert.deepEqual([stderr, status], ['', 0]);
  });

  test('ends with 1 where the change is of a kind that was named, and prints the plan all the same', () => {
    const kinds = ['--fail-on', 'undoes', '--fail-on', 'harm-added'];
    const { stdout, status } = nsc('plan', cordons, drains, ...kinds);
    assert.match(stdout, /harm-added: policy a: drain\n$/);
    assert.equal(status, 1);
    assert.equal(nsc('plan', cordons, cordons, ...kinds).status, 0);
  });

  test('tells the errors of either side, and plans nothing', () => {
    for (const sides of [
      [cordons, invalid],
      [invalid, cordons],
    ]) {
      const { stdout, stderr, status } = nsc('plan', ...sides);
      assert.match(stderr, /:4:49: \$\.spec\.mode: must be one of Enforce, Observe, found "X"\n$/);
      assert.deepEqual([stdout, status], ['', 1]);
    }
  });

  test('takes one of both from standard input', () => {
    assert.match(nsc('plan', '-', drains, { input: CORDONS }).stdout, /^1 policy changed/);
  });

  test('of rendered streams compares the ConfigMaps of one name', () => {
    const stream = (...texts: string[]) =>
      file(texts.map((text) => configMapText('policy', { 'a.yaml': text })).join('---\n'));
    const { stdout } = nsc('plan', stream(CORDONS, CORDONS), stream(CORDONS, DRAINS));
    const headings = stdout.split('\n').filter((line) => /^ConfigMap|change/.test(line));
    assert.deepEqual(
      headings.map((line) => line.replace(/ \(.*/, '')),
      [
        'ConfigMap checks/policy:',
        'no change in effect',
        'ConfigMap checks/policy',
        '1 policy changed',
        'policy a: changed',
      ],
    );
    const { stderr, status } = nsc('plan', stream(CORDONS, CORDONS), stream(CORDONS));
    assert.match(stderr, /has the ConfigMap checks\/policy \(2\), and .* has not/);
    assert.equal(status, 1);
  });

  test('of ConfigMaps knows one whose name has a hash, and tells what several have in common once', () => {
    const stream = (text: string, hash: string) =>
      file(['policy', `verify-${hash}`].map((name) => configMapText(name, { 'a.yaml': text })).join('---\n'));
    const { stdout } = nsc('plan', stream(CORDONS, '996gt64b2f'), stream(DRAINS, '2h4k6m8tbc'));
    assert.match(stdout, /^ConfigMap checks\/policy, checks\/verify-2h4k6m8tbc:\n1 policy changed/);
    assert.equal(stdout.match(/look twice/g)?.length, 1);
    const alone = file(configMapText('policy', { 'a.yaml': CORDONS }));
    assert.match(
      nsc('plan', alone, stream(DRAINS, '2h4k6m8tbc')).stdout,
      /^ConfigMap checks\/policy, .*\n1 policy changed/,
    );
  });

  test('with the nodes says how many it reaches, how many may be out, and what becomes of those that are held', () => {
    const ledger = writeLedger({
      nodeUid: 'uid-1',
      since: SAMPLE_NOW,
      policies: { a: { since: SAMPLE_NOW, marks: { cordon: {} }, drain: null } },
      marks: [{ effect: 'cordon', mark: {}, owner: 'Ours' }],
    });
    const held = sampleNode({ unschedulable: true, annotations: { [LEDGER_ANNOTATION]: ledger } });
    const well = sampleNode({ name: 'node-2', uid: 'uid-2', labels: { role: 'x' } });
    const nodes = file(JSON.stringify(toNodesFile([held, well])));
    const onX = file(policyText('a', { actions: { cordon: true }, nodeSelector: { matchLabels: { role: 'x' } } }));
    const { stdout } = nsc('plan', cordons, onX, '--nodes', nodes);
    assert.match(
      stdout,
      new RegExp(
        [
          '\n2 nodes',
          ' {2}a selects +2 → 1 \\(0 join, 1 leave\\)',
          ' {2}out at once in no zone +at most 2 of 2 → at most 1 of 2',
          ' {2}node-1 \\(a\\) +at once: uncordon; nothing of ours is left\n',
        ].join('\n'),
      ),
    );
    const { stderr, status } = nsc('plan', cordons, onX, '--nodes', file('\u001b[31m'));
    assert.match(stderr, /could not read the nodes in .*: must be JSON as nsc nodes writes it .*\\u\{1b\}/);
    assert.equal(status, 1);
  });

  test('in JSON has everything', () => {
    const { stdout } = nsc('plan', file(`${CORDONS}---\n${BUDGET}`), observes, '-o', 'json');
    const [plan, ...others] = JSON.parse(stdout).plans;
    assert.deepEqual(others, []);
    assert.equal(plan.changes, 'Nodes');
    assert.deepEqual(
      plan.risks.map(({ kind }: { kind: string }) => kind),
      ['disrupts-more', 'undoes', 'protection-lost'],
    );
    assert.deepEqual(plan.policies[0].fields, [{ path: 'mode', before: 'Enforce', after: 'Observe' }]);
    assert.deepEqual(plan.policies[0].held.stays, {
      before: { a: 'cordon' },
      atOnce: 'uncordon',
      later: '',
      after: {},
    });
    assert.deepEqual([plan.budgets[0].kind, plan.nodes], ['Removed', null]);
  });
});

/** A file with that text. */
function file(text: string): string {
  const path = join(mkdtempSync(join(base, 'file-')), 'a.yaml');
  writeFileSync(path, text);
  return path;
}
