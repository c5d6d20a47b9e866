import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { configMapText, documentText, policyText } from '../policy/fixtures.ts';
import { loadPolicyDirectory } from '../policy/load-policies.ts';
import { commandRunner } from './fixtures.ts';

const nsc = commandRunner(import.meta.resolve('./effective.ts'), 'effectiveCommand');
const dir = mkdtempSync(join(tmpdir(), 'effective-'));
after(() => rmSync(dir, { recursive: true }));

const TEXTS = {
  'a.yaml': `${policyText('a')}---\n${documentText('NodeDisruptionBudget', 'b', { maxUnavailable: 1 })}`,
  '50-x.yaml': documentText('NodeCheckPolicyPatch', 'a', { check: { failureThreshold: 7, onStderr: null } }),
};
for (const [name, text] of Object.entries(TEXTS)) writeFileSync(join(dir, name), text);
const load = await loadPolicyDirectory(dir);
assert.ok(load.valid);
const { revision, policies, budgets } = load.set;

suite('nsc effective', () => {
  test('of a directory prints its revision, and of each value where it comes from', () => {
    const { stdout, stderr, status } = nsc('effective', dir);
    assert.deepEqual([stderr, status], ['', 0]);
    assert.ok(stdout.startsWith(`# revision ${revision} of ${dir}\napiVersion: node-svc-checker/v1  # a.yaml:1\n`));
    assert.match(stdout, /^ {4}failureThreshold: 7 +# 50-x\.yaml:4\n/m);
    assert.match(stdout, /^ {4}onStderr: Fatal +# default, null at 50-x\.yaml:4\n/m);
    assert.match(stdout, /^---\napiVersion: node-svc-checker\/v1 +# a\.yaml:6\nkind: NodeDisruptionBudget/m);
  });

  test('prints what is valid again, and then the same', () => {
    const { stdout } = nsc('effective', dir);
    const again = JSON.parse(nsc('effective', '-', '-o', 'json', { input: stdout }).stdout);
    assert.deepEqual([again.policies, again.budgets], [policies, budgets]);
  });

  test('of a file names it as it was named, without a revision', () => {
    const { stdout } = nsc('effective', 'a.yaml', { cwd: dir });
    assert.match(stdout, /^apiVersion: node-svc-checker\/v1 +# a\.yaml:1\n/);
    assert.match(nsc('effective', '-', { input: policyText() }).stdout, /# -:1\n/);
  });

  test('of a rendered stream tells each ConfigMap with policies, and its keys as files', () => {
    const input = `${configMapText('one', TEXTS)}---\n${configMapText('two', { 'c.yaml': policyText('c') })}`;
    const { stdout } = nsc('effective', '-', { input });
    assert.match(stdout, new RegExp(`^# revision ${revision} of the ConfigMap checks/one\\n`));
    assert.match(stdout, /^---\n# revision [0-9a-f]{12} of the ConfigMap checks\/two\napi.*# c\.yaml:1\n/m);
    assert.match(stdout, /failureThreshold: 7 +# 50-x\.yaml:4\n/);
  });

  test('--output json has the policies, and by JSON path where their values come from', () => {
    const { origins, removals, ...rest } = JSON.parse(nsc('effective', dir, '-o', 'json').stdout);
    assert.deepEqual(rest, { valid: true, revision, policies, budgets });
    assert.deepEqual(Object.keys(origins), ['NodeCheckPolicy/a', 'NodeDisruptionBudget/b']);
    const ofPolicy = origins['NodeCheckPolicy/a'];
    assert.equal(ofPolicy['$.spec.check.failureThreshold'], '50-x.yaml:4:36');
    assert.equal(ofPolicy['$.spec.check.periodSeconds'], undefined);
    assert.equal(removals['NodeCheckPolicy/a']['$.spec.check.onStderr'], '50-x.yaml:4:38');
  });

  test('of what is not valid prints the errors and no policy', () => {
    const valid = configMapText('one', { 'a.yaml': policyText('a') });
    const input = `${valid}---\n${configMapText('two', { 'a.yaml': policyText('a', { mode: 'X' }) })}`;
    const line = 'checks/two/a.yaml:4:49: $.spec.mode: must be one of Enforce, Observe, found "X"\n';
    const { stdout, stderr, status } = nsc('effective', '-', { input });
    assert.deepEqual([stdout, stderr, status], ['', line, 1]);
    const json = nsc('effective', '-', '-o', 'json', { input });
    assert.deepEqual(
      [JSON.parse(json.stdout).valid, JSON.parse(json.stdout).errors.length, json.status],
      [false, 1, 1],
    );
  });

  test('has help with an example', () => {
    assert.match(nsc('effective', '--help').stdout, /nsc effective policies\//);
  });
});
