import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { errorLines, policyText } from './fixtures.ts';
import { MAX_DEPTH, MAX_FILE_BYTES, MAX_TOKENS_PER_DOCUMENT, MAX_VALUES_PER_DOCUMENT } from './limits.ts';
import { parseYaml } from './parse-yaml.ts';
import { decodeSource } from './source-text.ts';
import { toValue } from './tree.ts';

/** Far more than any of these takes, far less than a quadratic parser would. */
const DEADLINE = { timeout: 60_000 };

suite('YAML means what it says', () => {
  const cases: Record<string, [string, unknown[]]> = {
    'JSON is YAML, with tabs as well': ['{\n\t"a": [\n\t\t1,\n\t\t"\\u00e9\\/"\n\t]\n}\n', [{ a: [1, 'é/'] }]],
    'a file holds several documents': ['a: 1\n---\n- 2\n...\n---\nb\n', [{ a: 1 }, [2], 'b']],
    'a document of comments is none': ['# a\n---\n# b\n---\na: 1\n--- # c\n', [{ a: 1 }]],
    'but null is one': ['null\n---\n~\n', [null, null]],
    'booleans are true and false only': ['[true, False, yes, on]', [[true, false, 'yes', 'on']]],
    'numbers are those of YAML 1.2': [
      '[0x10, 0o17, 012, 1e2, 5.0, 1_000, 0b1]',
      [[16, 15, 12, 100, 5, '1_000', '0b1']],
    ],
    'numbers can be too large': ['[1e400, -.inf]', [[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]]],
    'a missing value is null': ['{a: , b}', [{ a: null, b: null }]],
    'an alias stands for what was anchored last': ['[&a 1, *a, &a 2, *a]', [[1, 1, 2, 2]]],
    'a tag of the core schema is an explicit type': ['[!!str 12, !!int "3"]', [['12', 3]]],
    'a quoted merge key is a field like any other': ['{"<<": {a: 1}}', [{ '<<': { a: 1 } }]],
  };
  for (const [name, [text, expected]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(valuesOf(text), expected));
  }

  test('a field named __proto__ is a field', () => {
    const [value] = valuesOf('{__proto__: {a: 1}, constructor: 2}');
    assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor']);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
  });
});

suite('YAML that is refused', () => {
  const cases: Record<string, [string, ...string[]]> = {
    'what is no YAML is an error where it stops to be': [
      'a: 1\nb: c: d\n',
      'a.yaml:2:4: $: must be valid YAML (Nested mappings are not allowed in compact mappings)',
    ],
    'of the errors in a document the first is told, in every document': [
      'a: [}\nb: ]\n---\n"c\n',
      'a.yaml:1:5: $: must be valid YAML (Flow sequence in block collection must be sufficiently indented and end with a ])',
      'a.yaml:5:1: $: must be valid YAML (Missing closing "quote)',
    ],
    'an error outside of all documents is one too': [
      '}',
      'a.yaml:1:1: $: must be valid YAML (Unexpected flow-map-end token in YAML document: "}")',
    ],
    'even if there is no document': [
      '%YAML 1.2\n',
      'a.yaml:2:1: $: must be valid YAML (Missing directives-end indicator line)',
    ],
    'after a hundred errors in a document the rest is not read': [
      `|\n ${'\t\n'.repeat(110)}---\n- a\n`,
      'a.yaml:3:1: $: must be valid YAML (Block scalar lines must not be less indented than their first line)',
    ],
    'tabs do not indent': ['a:\n\tb: 1\n', 'a.yaml:2:1: $: must be valid YAML (Tabs are not allowed as indentation)'],
    'a tag of another schema is an error': [
      'a: !!binary aGk=\nb: !x y\n',
      'a.yaml:1:4: $: must be valid YAML (Unresolved tag: tag:yaml.org,2002:binary)',
      'a.yaml:2:4: $: must be valid YAML (Unresolved tag: !x)',
    ],
    'YAML 1.1, where yes is true, is an error': [
      '%YAML 1.1\n---\na: yes\n',
      'a.yaml:2:1: $: must be YAML 1.2, found %YAML 1.1',
    ],
    'an alias without anchor is an error': [
      'a: *b\n',
      'a.yaml:1:4: $.a: must refer to an anchor that stands before it, found *b',
    ],
    'an alias does not reach into another document': [
      '&a {}\n---\n*a\n',
      'a.yaml:1:4: $.apiVersion: must be node-svc-checker/v1',
      'a.yaml:1:4: $.kind: must be one of NodeCheckPolicy, NodeDisruptionBudget, NodeCheckPolicyPatch',
      'a.yaml:3:1: $: must refer to an anchor that stands before it, found *a',
    ],
    'an alias within its own anchor is an error': [
      'a: &a [*a]\n',
      'a.yaml:1:8: $.a[0]: must not contain itself, found *a',
    ],
  };
  for (const [name, [text, ...expected]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(errorLines(text), expected));
  }

  const inPolicy: Record<string, [string, string]> = {
    'a duplicate key is an error at its second place': [
      'spec: {check: {command: [a], timeoutSeconds: 1, "timeoutSeconds": 2}}',
      'a.yaml:1:49: $.spec.check.timeoutSeconds: must be there only once (also at 1:30), found 2',
    ],
    'a key that is no string is an error': [
      'spec: {check: {command: [a], 1: b}}',
      'a.yaml:1:30: $.spec.check: must have only strings as keys (write "1", in quotes), found 1',
    ],
    'a list as key is an error': [
      'spec: {check: {command: [a], [b]: c}}',
      'a.yaml:1:30: $.spec.check: must have only strings as keys',
    ],
    'a merge key is an error': [
      'spec: {check: {<<: {a: 1}, command: [a]}}',
      'a.yaml:1:16: $.spec.check: must not have a merge key, which is not part of YAML 1.2, found <<',
    ],
  };
  for (const [name, [spec, expected]] of Object.entries(inPolicy)) {
    test(name, () => {
      const text = `${spec}\napiVersion: node-svc-checker/v1\nkind: NodeCheckPolicy\nmetadata: {name: a}\n`;
      assert.deepEqual(errorLines(text), [expected]);
    });
  }
});

suite('what a file may cost', () => {
  const repeated = (text: string, bytes = MAX_FILE_BYTES) => text.repeat(Math.floor(bytes / text.length));

  test('an alias bomb is an error at the first part that is too large', DEADLINE, () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 500; n++) lines.push(`a${n}: &a${n} [${`*a${n - 1}, `.repeat(9)}*a${n - 1}]`);
    const requirement = `must have at most ${MAX_VALUES_PER_DOCUMENT} values, those behind aliases counted at each use`;
    assert.deepEqual(errorLines(lines.join('\n')), [`a.yaml:4:9: $.a3: ${requirement}`]);
  });

  test('aliases do not nest deeper than the bound either', () => {
    const lines = ['a0: &a0 []'];
    for (let n = 1; n < MAX_DEPTH + 10; n++) lines.push(`a${n}: &a${n} [*a${n - 1}]`);
    assert.match(errorLines(lines.join('\n')).join(), new RegExp(`must have at most ${MAX_DEPTH} levels`));
  });

  test('nesting has a bound', () => {
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    assert.equal(valuesOf(nested(MAX_DEPTH)).length, 1);
    const [error] = errorLines(nested(MAX_DEPTH + 3));
    assert.match(error ?? '', new RegExp(`^a.yaml:1:\\d+: \\$: must have at most ${MAX_DEPTH} levels$`));
  });

  test('a document has a bound', () => {
    const [error] = errorLines(`a:\n${'- b\n'.repeat(MAX_TOKENS_PER_DOCUMENT)}`);
    assert.match(error ?? '', /^a.yaml:\d+:\d+: \$: must have at most 20000 YAML tokens and lines$/);
  });

  test('the lines of a text count as well', () => {
    const [error] = errorLines(`|\n${' a\n'.repeat(MAX_TOKENS_PER_DOCUMENT)}`);
    assert.match(error ?? '', /must have at most 20000 YAML tokens and lines$/);
  });

  test('documents before the one that breaks a bound are checked as well', () => {
    assert.equal(errorLines(`a\n---\n${'['.repeat(1000)}`).length, 2);
  });

  test('a file at the limit that holds only policies is valid', DEADLINE, () => {
    const size = policyText('p1000').length;
    const texts = Array.from({ length: Math.floor(MAX_FILE_BYTES / (size + 4)) }, (_, n) => policyText(`p${n}`));
    assert.deepEqual(errorLines(texts.slice(0, 4_000).join('---\n')), []);
  });

  // Each of these overflowed the stack, took minutes or gigabytes in some YAML parser.
  const hostile = [
    ...['[', '{', '- ', '? ', ': ', 'a: ', '[{', '- - a\n', '{a: ', '- - - x\n'],
    ...[
      ']',
      '}',
      ',',
      '[]',
      'a,',
      '"',
      "'",
      '\\"',
      '&a ',
      '*a ',
      '!a ',
      '\t',
      ' ',
      '\n',
      '\r\n',
      '#\n',
      '---\n',
      '...\n',
    ],
    ...['a:\n', '- a\n', 'k: "\\"\n', '"\n---\n', 'a: |\n', '%Y\n', '? a\n: b\n', 'a', '😀', '{a: 1}\n---\n'],
  ];
  const beginnings: [string, number][] = [
    ['', MAX_FILE_BYTES - 8],
    ['[', MAX_FILE_BYTES / 8],
    ['|\n ', MAX_FILE_BYTES / 8],
  ];
  for (const [beginning, bytes] of beginnings) {
    test(`a file full of anything after ${JSON.stringify(beginning)} ends in an error, in time`, DEADLINE, () => {
      for (const text of hostile) assert.ok(errorLines(beginning + repeated(text, bytes)).length > 0, text);
    });
  }

  test('a block scalar of tabs, each line an error, ends in time', DEADLINE, () => {
    assert.equal(errorLines(`|\n ${repeated('\t\n')}`).length, 1);
  });
});

function valuesOf(text: string): unknown[] {
  const decoded = decodeSource('a.yaml', new TextEncoder().encode(text));
  assert.ok('source' in decoded);
  return [...parseYaml(decoded.source)].flatMap(({ root, problems }) => {
    assert.deepEqual(problems, []);
    return root ? [toValue(root)] : [];
  });
}
