import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { derivePatch } from './derive-patch.ts';
import { formatJson } from './format-json.ts';
import { generate, SCHEMA_FILE } from './generate.ts';
import type { JsonSchema } from './json-schema.ts';

const root = dirname(import.meta.dirname);
const schemaText = await readFile(join(root, SCHEMA_FILE), 'utf8');
const schema: JsonSchema = JSON.parse(schemaText);

suite('generating', () => {
  test('again changes no file, neither the committed schema nor what was generated from it', async () => {
    for (const [path, text] of await generate(schemaText)) {
      assert.equal(await readFile(join(root, path), 'utf8'), text, path);
    }
  });

  test('what was derived before has no influence', async () => {
    const definitions = { ...schema.definitions, NodeCheckPolicyPatch: { $comment: 'Derived from an older one' } };
    const files = await generate(JSON.stringify({ ...schema, definitions }));
    assert.equal(files.get(SCHEMA_FILE), schemaText);
  });

  test('a validator for each kind that needs neither eval nor another module', async () => {
    const module = join(root, 'agent/policy/generated/validate.js');
    const print = `import(process.argv[1]).then((m) => console.log(Object.entries(m).map(([n, f]) => n + f({})).join()))`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--disallow-code-generation-from-strings',
      '--eval',
      print,
      module,
    ]);
    const names = ['validateNodeCheckPolicy', 'validateNodeCheckPolicyPatch', 'validateNodeDisruptionBudget'];
    assert.equal(stdout.trim(), names.map((name) => `${name}false`).join());
  });
});

suite('the derived patch', () => {
  const definitions = derivePatch({
    NodeCheckPolicy: { properties: {} },
    NodeCheckPolicySpec: {
      type: 'object',
      required: ['inner'],
      additionalProperties: false,
      properties: {
        word: { type: 'string', enum: ['a'], default: 'a', description: 'Word.' },
        inner: { allOf: [{ $ref: '#/definitions/Inner' }], default: {} },
        list: { type: 'array', items: { $ref: '#/definitions/Inner' } },
        map: { type: 'object', additionalProperties: { type: 'integer', minimum: 1 } },
      },
    },
    Inner: { type: 'object', required: ['n'], properties: { n: { type: ['integer', 'null'], default: null } } },
  });
  const spec = definitions.NodeCheckPolicySpecPatch;

  test('requires nothing and has no defaults', () => {
    assert.doesNotMatch(JSON.stringify([spec, definitions.InnerPatch]), /"(required|default)"/);
  });

  test('is closed like the policy', () => assert.equal(spec?.additionalProperties, false));

  test('accepts null for every field', () => {
    assert.deepEqual(spec?.properties?.word, { type: ['string', 'null'], enum: ['a', null], description: 'Word.' });
    assert.deepEqual(spec?.properties?.map, {
      type: ['object', 'null'],
      additionalProperties: { type: ['integer', 'null'], minimum: 1 },
    });
    assert.deepEqual(definitions.InnerPatch?.type, ['object', 'null']);
    assert.deepEqual(definitions.InnerPatch?.properties?.n?.type, ['integer', 'null']);
  });

  test('refers to the patch of a definition, but within a list to the definition itself', () => {
    assert.deepEqual(spec?.properties?.inner, { allOf: [{ $ref: '#/definitions/InnerPatch' }] });
    assert.deepEqual(spec?.properties?.list, { type: ['array', 'null'], items: { $ref: '#/definitions/Inner' } });
  });

  test('keeps a rule for some values as it stands, since null is none of them', () => {
    const rule = JSON.parse('{"if": {"enum": ["a"]}, "then": {"pattern": "^$"}}');
    const properties = { word: { allOf: [{ $ref: '#/definitions/Word' }] } };
    const { WordPatch } = derivePatch({
      NodeCheckPolicy: {},
      NodeCheckPolicySpec: { properties },
      Word: { allOf: [rule] },
    });
    assert.deepEqual(WordPatch?.allOf, [rule]);
  });

  test('cannot be derived through a keyword nobody thought of', () => {
    const withCondition = { NodeCheckPolicy: {}, NodeCheckPolicySpec: { if: {}, properties: {} } };
    assert.throws(() => derivePatch(withCondition), /no rule for the keyword if/);
  });
});

suite('formatted JSON', () => {
  const cases: Record<string, [unknown, string]> = {
    'an array that fits stands on one line': [{ a: { b: ['c', 'd'] } }, '{\n  "a": { "b": ["c", "d"] }\n}\n'],
    'an array that does not fit has a line for each item': [
      ['a'.repeat(60), 'b'.repeat(60)],
      `[\n  "${'a'.repeat(60)}",\n  "${'b'.repeat(60)}"\n]\n`,
    ],
    'empty ones stay empty': [{ a: {}, b: [] }, '{\n  "a": {},\n  "b": []\n}\n'],
    'the comma after it counts': [
      [['a'.repeat(113)], ['a'.repeat(114)], ['a'.repeat(114)]],
      `[\n  ["${'a'.repeat(113)}"],\n  [\n    "${'a'.repeat(114)}"\n  ],\n  ["${'a'.repeat(114)}"]\n]\n`,
    ],
  };
  for (const [name, [value, expected]] of Object.entries(cases)) {
    test(name, () => assert.equal(formatJson(value), expected));
  }
});
