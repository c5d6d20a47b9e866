import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { explainPolicies } from './explain.ts';
import { documentText, policyFiles, policyText } from './fixtures.ts';
import { loadPolicyFiles } from './load-policies.ts';

suite('policies explained', () => {
  test('tell of every value the line that says so, or that it is a default', () => {
    const lines = explained({
      'a.yaml': policyText('a', { mode: 'Observe', actions: { cordon: true } }),
      'b.yaml': documentText('NodeCheckPolicyPatch', 'a', { check: { failureThreshold: 7 } }),
    });
    const expected = `
apiVersion: node-svc-checker/v1  # a.yaml:1
kind: NodeCheckPolicy            # a.yaml:2
metadata:
  name: a                        # a.yaml:3
spec:
  check:
    command:
      - /bin/true                # a.yaml:4
    failureThreshold: 7          # b.yaml:4
    env: []                      # default
`;
    assert.equal(lines.slice(0, 10).join('\n'), expected.trim());
    assert.ok(lines.includes('  paused: false                  # default'));
    assert.match(explained({ 'a.yaml': policyText('a') }).join('\n'), /^ {2}actions:\n {4}cordon: false +# default$/m);
  });

  test('tell where a null removed a field, also if a default took its place', () => {
    const spec = { check: { command: ['/bin/true'], failureThreshold: 7 }, actions: { drain: {}, cordon: true } };
    const removal = { check: { failureThreshold: null }, actions: { drain: null } };
    const lines = explained({
      'a.yaml': documentText('NodeCheckPolicy', 'a', spec),
      'b.yaml': documentText('NodeCheckPolicyPatch', 'a', removal),
    });
    assert.equal(lines[0], '# $.spec.actions.drain: removed at b.yaml:4');
    assert.match(lines.join('\n'), /failureThreshold: 4 +# default, null at b\.yaml:4\n/);
  });

  test('tell no removal of what a later patch sets anew', () => {
    const patches = [null, { timeoutSeconds: 9 }].map((drain) =>
      documentText('NodeCheckPolicyPatch', 'a', { actions: { drain } }),
    );
    const text = explained({ 'a.yaml': policyText('a'), 'b.yaml': patches.join('---\n') }).join('\n');
    assert.match(text, /timeoutSeconds: 9 +# b\.yaml:9\n/);
    assert.doesNotMatch(text, /null at|removed/);
  });

  test('have each value on one line, in quotes where YAML 1.1 would take it for something else', () => {
    const command = ['/bin/sh', `a\n${'long '.repeat(30)}end\n`, 'yes', '0777'];
    const lines = explained({ 'a.yaml': policyText('a', { check: { command } }) });
    const printed = lines
      .filter((line) => line.startsWith('      - '))
      .map((line) => line.replace(/ +# .*/, '').slice(8));
    assert.deepEqual(printed, ['/bin/sh', JSON.stringify(command[1]), '"yes"', '"0777"']);
  });

  test('tell where an effect was asked for without a field of its own', () => {
    const text = explained({ 'a.yaml': policyText('a', { actions: { drain: {} } }) }).join('\n');
    assert.match(text, /^ {2}actions:$/m);
    assert.match(text, /^ {4}drain: +# a\.yaml:4\n {6}timeoutSeconds: 600 +# default$/m);
  });

  test('stand in the order of the files, whatever their kind', () => {
    const budget = documentText('NodeDisruptionBudget', 'b', { maxUnavailable: 1 });
    const files = {
      'a.yaml': budget,
      'b.yaml': [policyText('c'), budget.replace('b}', 'd}'), policyText('a')].join('---\n'),
    };
    const lines = explained(files);
    const names = lines.filter((line) => line.startsWith('  name:')).map((line) => line.split(' ')[3]);
    assert.deepEqual(names, ['b', 'c', 'd', 'a']);
  });

  test('have their comments in one column within 100, behind longer lines just so', () => {
    const tooLong = 'x'.repeat(150);
    const check = { command: ['/bin/true', tooLong] };
    const lines = explained({ 'a.yaml': policyText('a', { check }) });
    const columns = lines.filter((line) => line.includes('#')).map((line) => line.indexOf('# '));
    assert.deepEqual([...new Set(columns)], [33, 160]);
    assert.ok(lines.includes(`      - ${tooLong}  # a.yaml:4`));
  });

  test('show a file name that holds a line break on one line', () => {
    assert.match(explained({ 'a\nb: c.yaml': policyText() }).join('\n'), /# a\\u\{a\}b: c\.yaml:1\n/);
  });

  test('are told however many values they have', () => {
    const command = Array.from({ length: 4500 }, (_, n) => `${n}`);
    const lines = explained({ 'a.yaml': policyText('a', { check: { command: ['/bin/true', ...command] } }) });
    assert.equal(lines.filter((line) => /^ {6}- "\d+" +# a\.yaml:4$/.test(line)).length, command.length);
  });

  test('mean the same when they are read again', () => {
    const words = fc.array(
      fc.constantFrom('a', ' ', '\n', '\t', ': ', ' #', "'", '"', '\\', '- ', 'é', '😀', '---', '%', '\u{1}'),
    );
    const text = fc.oneof(
      words.map((parts) => parts.join('')),
      fc.constantFrom('yes', 'null', '~', '0x10', '1e3', '', '{}', '<<', '\u2028', `${'long '.repeat(40)}\n`.repeat(3)),
    );
    const label = fc.constantFrom('', 'no', 'true', '0', '1e3', 'a');
    const spec = fc.record({
      check: fc.record({
        command: fc.array(text).map((args) => ['/bin/true', ...args]),
        env: fc.array(fc.record({ name: fc.constantFrom('A', 'null', 'y'), value: text })),
      }),
      nodeSelector: fc.record({ matchLabels: fc.dictionary(fc.constantFrom('no', '1', 'a.b/c'), label) }),
    });
    fc.assert(
      fc.property(spec, (written) => {
        const budget = documentText('NodeDisruptionBudget', 'b', { maxUnavailable: '10%' });
        const files = { 'a.yaml': policyText('a', written), 'b.yaml': budget };
        const { policies, budgets } = loaded(files).set;
        const again = loaded({ 'x.yaml': explained(files).join('\n') }).set;
        assert.deepEqual([again.policies, again.budgets], [policies, budgets]);
      }),
    );
  });
});

function explained(texts: Record<string, string>): string[] {
  return explainPolicies(loaded(texts)).split('\n');
}

function loaded(texts: Record<string, string>) {
  const load = loadPolicyFiles(policyFiles(texts));
  assert.ok(load.valid, JSON.stringify(load));
  return load;
}
