import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { configMapText, documentText, policyText } from '../policy/fixtures.ts';
import { MAX_ERRORS, MAX_FILE_BYTES } from '../policy/limits.ts';
import { commandRunner } from './fixtures.ts';

const nsc = commandRunner(import.meta.resolve('./validate.ts'), 'validateCommand');
const base = mkdtempSync(join(tmpdir(), 'validate-'));
after(() => rmSync(base, { recursive: true }));

const quiet = (name: string) => policyText(name, { check: { command: ['/bin/true'], onStderr: 'Ignore' } });
const valid = directory({
  'a.yaml': `${quiet('a')}---\n${quiet('b')}`,
  'b.yaml': `${quiet('c')}---\n${documentText('NodeDisruptionBudget', 'd', { maxUnavailable: 1 })}`,
});
const invalid = directory({ 'a.yaml': policyText('a', { mode: 'X' }), 'b.yaml': 'x: y: z\n' });
/** Of which there is one warning. */
const WARNED = policyText('a', { check: { command: ['/bin/true'], timeoutSeconds: 6 } });
const BROKEN_TWO = configMapText('two', { 'b.yaml': policyText('b', { mode: 'X' }) });
const WRONG_MODE = '$.spec.mode: must be one of Enforce, Observe, found "X"';
const NO_YAML = '$: must be valid YAML (Nested mappings are not allowed in compact mappings)';

suite('nsc validate', () => {
  test('of a valid directory counts what is in it and names its revision', () => {
    const { stdout, stderr, status } = nsc('validate', valid);
    assert.match(stdout, /^valid: 3 policies, 1 budget, revision [0-9a-f]{12}\n$/);
    assert.deepEqual([stderr, status], ['', 0]);
  });

  test('takes the current directory if none is given', () => {
    assert.match(nsc('validate', { cwd: valid }).stdout, /^valid: 3 policies/);
  });

  test('of an invalid directory prints every error, with files one can open from here', () => {
    const { stdout, status } = nsc('validate', invalid);
    assert.equal(stdout, `${invalid}/a.yaml:4:49: ${WRONG_MODE}\n${invalid}/b.yaml:1:4: ${NO_YAML}\n`);
    assert.equal(status, 1);
    assert.match(nsc('validate', { cwd: invalid }).stdout, /^a\.yaml:4:49: /);
  });

  test('of a file holds it against the same rules, without a revision', () => {
    assert.equal(nsc('validate', join(valid, 'a.yaml')).stdout, 'valid: 2 policies, 0 budgets\n');
    const { stdout, status } = nsc('validate', 'a.yaml', { cwd: invalid });
    assert.deepEqual([stdout, status], [`a.yaml:4:49: ${WRONG_MODE}\n`, 1]);
  });

  test('of - reads standard input', () => {
    assert.equal(nsc('validate', '-', { input: policyText() }).stdout, 'valid: 1 policy, 0 budgets\n');
    const { stdout, status } = nsc('validate', '-', { input: 'x: y: z\n' });
    assert.deepEqual([stdout, status], [`-:1:4: ${NO_YAML}\n`, 1]);
  });

  test('takes no larger file of policies than an agent does', () => {
    const { stdout, status } = nsc('validate', '-', { input: '#'.repeat(3 * MAX_FILE_BYTES) });
    assert.deepEqual([stdout, status], ['-: $: must be at most 1048576 bytes long\n', 1]);
  });

  test('under --strict refuses what it warns of', () => {
    const warned = directory({ 'a.yaml': WARNED });
    const [lenient, strict] = [nsc('validate', warned), nsc('validate', warned, '--strict')];
    assert.equal(strict.stdout, lenient.stdout);
    assert.deepEqual([lenient.status, strict.status], [0, 1]);
    assert.equal(nsc('validate', warned, '--strict', '-o', 'json').status, 1);
    assert.equal(nsc('validate', valid, '--strict').status, 0);
  });

  test('in the format of another program tells errors and warnings, and ends as ever', () => {
    const github = nsc('validate', invalid, '-o', 'github');
    assert.match(github.stdout, /^::error file=.*a\.yaml,line=4,col=49,title=InvalidPolicy::.*\n::error .*\n$/);
    assert.equal(github.status, 1);
    const warned = directory({ 'a.yaml': WARNED });
    assert.match(nsc('validate', warned, '-o', 'github').stdout, /^::warning .*\nvalid: 1 policy/);
    for (const output of ['gitlab', 'sarif']) {
      const { stdout, status } = nsc('validate', warned, '-o', output);
      assert.match(JSON.stringify(JSON.parse(stdout)), /TimeoutAbovePeriod/);
      assert.equal(status, 0);
    }
  });

  test('of a rendered stream tells each ConfigMap with policies', () => {
    const one = configMapText('one', { 'a.yaml': policyText('a') });
    assert.match(
      nsc('validate', '-', { input: one }).stdout,
      /^valid: 1 policy, 0 budgets, revision [0-9a-f]{12} \(ConfigMap checks\/one\)\n$/,
    );
    const { stdout, status } = nsc('validate', '-', { input: `${one}---\n${BROKEN_TWO}` });
    const [first, second, ...more] = stdout.trimEnd().split('\n');
    assert.match(first ?? '', /^valid: 1 policy, .* \(ConfigMap checks\/one\)$/);
    assert.deepEqual([second, more, status], [`checks/two/b.yaml:4:49: ${WRONG_MODE}`, [], 1]);
  });

  test('says in the last line how many errors it does not show', () => {
    const unknown = Object.fromEntries(Array.from({ length: MAX_ERRORS + 5 }, (_, n) => [`x${n}`, n]));
    const lines = nsc('validate', '-', { input: policyText('a', unknown) })
      .stdout.trimEnd()
      .split('\n');
    assert.equal(lines.length, MAX_ERRORS + 1);
    assert.equal(lines.at(-1), 'and 5 more');
  });

  test('of what cannot be read is an error like any other', () => {
    const { stdout, status } = nsc('validate', '/no/such');
    assert.match(stdout, /^\/no\/such: \$: must be a file or directory that can be read \(nothing is there/);
    assert.equal(status, 1);
    assert.match(nsc('validate', directory({})).stdout, /: \$: must hold at least one file/);
  });

  test('--output json of a valid directory names what is in it', () => {
    const { revision, ...rest } = JSON.parse(nsc('validate', valid, '--output', 'json').stdout);
    assert.match(revision, /^[0-9a-f]{12}$/);
    assert.deepEqual(rest, { valid: true, warnings: [], policies: ['a', 'b', 'c'], budgets: ['d'] });
  });

  test('--output json of an invalid one has every error in its parts', () => {
    const { stdout, status } = nsc('validate', invalid, '-o', 'json');
    const { valid, revision, errors, omitted } = JSON.parse(stdout);
    assert.match(revision, /^[0-9a-f]{12}$/);
    assert.deepEqual([valid, omitted, errors.length, status], [false, 0, 2, 1]);
    assert.deepEqual(errors[0], {
      file: join(invalid, 'a.yaml'),
      line: 4,
      column: 49,
      path: '$.spec.mode',
      requirement: 'must be one of Enforce, Observe',
      found: '"X"',
    });
  });

  test('--output json of one ConfigMap is that of a directory, with its name', () => {
    const input = configMapText('one', { 'a.yaml': policyText('a') });
    const { revision, ...rest } = JSON.parse(nsc('validate', '-', '-o', 'json', { input }).stdout);
    assert.match(revision, /^[0-9a-f]{12}$/);
    assert.deepEqual(rest, { valid: true, configMap: 'checks/one', warnings: [], policies: ['a'], budgets: [] });
  });

  test('--output json of several has each, and says around them whether all are valid', () => {
    const one = configMapText('one', { 'a.yaml': policyText('a') });
    const several = JSON.parse(nsc('validate', '-', '-o', 'json', { input: `${one}---\n${one}` }).stdout);
    assert.deepEqual(Object.keys(several), ['valid', 'configMaps']);
    assert.equal(several.valid, true);

    const { stdout, status } = nsc('validate', '-', '-o', 'json', { input: `${one}---\n${BROKEN_TWO}` });
    const { valid, errors, omitted, configMaps } = JSON.parse(stdout);
    assert.deepEqual([valid, omitted, status], [false, 0, 1]);
    assert.deepEqual(
      configMaps.map((each: Record<string, unknown>) => [each.configMap, each.valid, each.policies, each.errors]),
      [
        ['checks/one', true, ['a'], undefined],
        ['checks/two', false, undefined, errors],
      ],
    );
  });

  test('warns where the file can be opened from here, before it says that all is valid, with exit code 0', () => {
    const warned = directory({ 'a.yaml': WARNED });
    const { stdout, stderr, status } = nsc('validate', warned);
    const [warning, ...others] = stdout.trimEnd().split('\n');
    assert.ok(warning?.startsWith(`${warned}/a.yaml:4:58: warning: $.spec.check.timeoutSeconds: a run may take 6 s`));
    assert.match(others.join('\n'), /^valid: 1 policy, 0 budgets, revision [0-9a-f]{12}$/);
    assert.deepEqual([stderr, status], ['', 0]);

    assert.match(nsc('validate', '-', { input: WARNED }).stdout, /^-:4:58: warning: /);
    const input = configMapText('one', { 'a.yaml': WARNED });
    assert.match(nsc('validate', '-', { input }).stdout, /^checks\/one\/a\.yaml:4:58: warning: /);
  });

  test('--output json has every warning in its parts, and calls the files valid all the same', () => {
    const warned = directory({ 'a.yaml': WARNED });
    const { stdout, status } = nsc('validate', warned, '-o', 'json');
    const { valid, warnings } = JSON.parse(stdout);
    const [{ problem, advice, ...place }, ...others] = warnings;
    assert.deepEqual([valid, others, status], [true, [], 0]);
    assert.match(problem, /^a run may take 6 s/);
    assert.match(advice, /^set check\.timeoutSeconds to at most 5/);
    assert.deepEqual(place, {
      id: 'TimeoutAbovePeriod',
      file: join(warned, 'a.yaml'),
      line: 4,
      column: 58,
      path: '$.spec.check.timeoutSeconds',
    });
  });

  test('has help with an example', () => {
    assert.match(nsc('validate', '--help').stdout, /nsc validate policies\//);
  });
});

function directory(texts: Record<string, string>): string {
  const dir = mkdtempSync(join(base, 'd-'));
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(dir, name), text);
  return dir;
}
