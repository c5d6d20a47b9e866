import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { errorLines, policyFiles, policyText } from './fixtures.ts';
import { loadPolicyFiles } from './load-policies.ts';

const letters = fc.constantFrom(...'abcxyz0189');
const label = fc.string({ unit: letters, minLength: 1, maxLength: 63 });
const labelKey = fc.oneof(
  label,
  fc.tuple(label, label).map(([prefix, name]) => `${prefix}.io/${name}`),
);
const labelValue = fc.oneof(label, fc.constantFrom('', 'true', 'null', '1', '0x10', '1e3', 'no'));
const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((value) => value.isWellFormed() && !/\p{Cc}/u.test(value));
const seconds = (min: number) => fc.integer({ min, max: 86_400 });
const some = { requiredKeys: [] };

const selector = fc.record(
  {
    matchLabels: fc.dictionary(labelKey, labelValue, { maxKeys: 3, noNullPrototype: true }),
    matchExpressions: fc.array(
      fc.oneof(
        fc.record({
          key: labelKey,
          operator: fc.constantFrom('In', 'NotIn'),
          values: fc.array(labelValue, { minLength: 1 }),
        }),
        fc.record({ key: labelKey, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
      ),
      { maxLength: 3 },
    ),
  },
  some,
);
const spec = fc.record(
  {
    mode: fc.constantFrom('Enforce', 'Observe'),
    paused: fc.boolean(),
    lifecycleConditions: fc.boolean(),
    nodeSelector: selector,
    check: fc.record(
      {
        command: fc
          .tuple(
            text.filter((value) => value !== ''),
            fc.array(text, { maxLength: 3 }),
          )
          .map(([first, rest]) => [first, ...rest]),
        env: fc.array(fc.record({ name: label.map((name) => `_${name}`), value: text }, { requiredKeys: ['name'] }), {
          maxLength: 3,
        }),
        runIn: fc.constantFrom('Container', 'Host', 'HostNamespaces'),
        initialDelaySeconds: seconds(0),
        periodSeconds: seconds(1),
        onStderr: fc.constantFrom('Fatal', 'Failed', 'Unknown', 'Ignore'),
      },
      { requiredKeys: ['command'] },
    ),
    actions: fc.record(
      {
        cordon: fc.boolean(),
        taint: fc.record({ key: labelKey, value: labelValue, effect: fc.constantFrom('NoSchedule', 'NoExecute') }),
        drain: fc.record(
          { gracePeriodSeconds: fc.option(seconds(0)), podSelector: selector, timeoutSeconds: seconds(1) },
          some,
        ),
      },
      some,
    ),
  },
  { requiredKeys: ['check'] },
);
const policy = fc.record({
  apiVersion: fc.constant('node-svc-checker/v1'),
  kind: fc.constant('NodeCheckPolicy'),
  metadata: fc.record({ name: label }),
  spec,
});

/** As JSON, as JSON for people, as YAML in block style, with tabs, with CR LF. */
const notations: Record<string, (value: unknown) => string> = {
  JSON: (value) => JSON.stringify(value),
  'JSON indented by tabs': (value) => JSON.stringify(value, null, '\t'),
  YAML: (value) => stringify(value),
  'YAML without anchors, in CR LF': (value) =>
    stringify(value, { aliasDuplicateObjects: false }).replaceAll('\n', '\r\n'),
};

suite('any valid policy', () => {
  for (const [name, write] of Object.entries(notations)) {
    test(`is read as it was written in ${name}`, () => {
      fc.assert(
        fc.property(policy, (written) => {
          const [read] = loaded(write(written)).policies;
          assert.deepEqual(leftOut(written, read), []);
        }),
      );
    });
  }

  test('means the same once its defaults are written down', () => {
    fc.assert(
      fc.property(policy, (written) => {
        const { policies } = loaded(JSON.stringify(written));
        assert.deepEqual(loaded(JSON.stringify(policies[0])).policies, policies);
      }),
    );
  });
});

suite('whatever a file holds', () => {
  const piece = fc.constantFrom(
    ...[
      'a',
      'kind',
      ': ',
      '- ',
      '? ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '|',
      '>',
      '\n',
      ' ',
      '  ',
      '\t',
      '\r\n',
      '#',
      '&a ',
      '*a',
    ],
    ...[
      '!!str ',
      '!x ',
      '---\n',
      '...\n',
      '%YAML 1.2\n',
      '<<: ',
      '~',
      '1',
      '\0',
      '\uFEFF',
      '\\',
      '@',
      '`',
      '__proto__',
      'é',
      '😀',
    ],
  );
  const yamlish = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
  const inputs: Record<string, fc.Arbitrary<Uint8Array>> = {
    bytes: fc.uint8Array({ maxLength: 200 }),
    'pieces of YAML': yamlish.map((source) => new TextEncoder().encode(source)),
    'a policy with a piece replaced': fc.tuple(fc.nat(), fc.nat({ max: 10 }), yamlish).map(([at, length, source]) => {
      const valid = stringify(JSON.parse(JSON.stringify({ ...POLICY })));
      const start = at % valid.length;
      return new TextEncoder().encode(valid.slice(0, start) + source + valid.slice(start + length));
    }),
  };
  for (const [name, input] of Object.entries(inputs)) {
    test(`${name}: the loader does not throw, and every error has a place in the file`, () => {
      fc.assert(
        fc.property(input, (bytes) => {
          const load = loadPolicyFiles([{ name: 'a.yaml', bytes }]);
          if (load.valid) return;
          const lines = new TextDecoder().decode(bytes).split('\n');
          assert.ok(load.errors.length > 0);
          for (const { line, column, path, requirement } of load.errors) {
            assert.ok(line <= lines.length && column <= (lines[line - 1] ?? '').length + 1, `${line}:${column}`);
            assert.ok(path.startsWith('$') && requirement !== '');
          }
        }),
        { numRuns: 2_000 },
      );
    });
  }
});

test('a field nobody knows is an error wherever it stands', () => {
  const paths = [
    '',
    '/metadata',
    '/spec',
    '/spec/check',
    '/spec/check/env/0',
    '/spec/actions',
    '/spec/actions/taint',
    '/spec/actions/drain',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...paths),
      label.map((name) => `x${name}`),
      (path, name) => {
        const document = structuredClone(POLICY);
        const target = path
          .split('/')
          .slice(1)
          .reduce<Record<string, unknown>>((value, step) => value[step] as Record<string, unknown>, document);
        target[name] = null;
        assert.match(
          errorLines(JSON.stringify(document)).join('\n'),
          new RegExp(`^a\\.yaml:1:\\d+: \\$\\S*\\.${name}: is not a known field`),
        );
      },
    ),
  );
});

test('files in another order are the same set', () => {
  const names = ['a.yaml', 'b.yaml', 'c.json', 'd.yml'];
  const files = names.map((name) => ({ name, bytes: new TextEncoder().encode(policyText(name.slice(0, 1))) }));
  fc.assert(
    fc.property(fc.shuffledSubarray(files, { minLength: files.length }), (shuffled) => {
      const [one, other] = [loadPolicyFiles(files), loadPolicyFiles(shuffled)];
      assert.ok(one.valid && other.valid);
      assert.deepEqual(other.set, one.set);
    }),
  );
});

const POLICY: Record<string, unknown> = {
  apiVersion: 'node-svc-checker/v1',
  kind: 'NodeCheckPolicy',
  metadata: { name: 'a' },
  spec: {
    check: { command: ['a'], env: [{ name: 'a' }] },
    actions: { taint: { key: 'a', effect: 'NoExecute' }, drain: {} },
  },
};

function loaded(source: string) {
  const load = loadPolicyFiles(policyFiles({ 'a.yaml': source }));
  assert.ok(load.valid, `${source}\n${JSON.stringify(load)}`);
  return load.set;
}

/** The paths at which something was written that was not read so. */
function leftOut(written: unknown, read: unknown, path = '$'): string[] {
  if (typeof written !== 'object' || written === null) return Object.is(written, read) ? [] : [path];
  if (typeof read !== 'object' || read === null) return [path];
  if (Array.isArray(written) && written.length !== (read as unknown[]).length) return [path];
  return Object.entries(written).flatMap(([key, value]) =>
    leftOut(value, (read as Record<string, unknown>)[key], `${path}.${key}`),
  );
}
