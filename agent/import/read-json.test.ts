import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Located } from './located.ts';
import { readJson } from './read-json.ts';
import { fileSource, Refusal } from './source.ts';

const read = (text: string) => readJson(fileSource('a.json', text));

suite('JSON is read as strictly as by what reads it today', () => {
  test('any value is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2, '\t'), (value, indentation) => {
        const [root, ...more] = read(JSON.stringify(value, null, indentation)).map(toValue);
        assert.deepEqual([root, more], [JSON.parse(JSON.stringify(value)), []]);
      }),
    );
  });

  test('what JSON.parse refuses is refused', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '1', 'a', '\\', ' ', '0', '-', '.') }),
        (text) => {
          let isJson = true;
          try {
            JSON.parse(text);
          } catch {
            isJson = false;
          }
          const isRead = () => read(text).length === 1;
          if (isJson) assert.ok(isRead(), text);
          else assert.throws(() => assert.ok(isRead()), text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  for (const [text, place, requirement, found] of [
    ['{"a": 1 "b": 2}', '1:9', 'must have , or } here', '"\\"b\\":"'],
    ['{\n  "a": [1, 2,]\n}', '2:14', 'must be a JSON value', '"]"'],
    ['{"a": 1, // a comment\n"b": 2}', '1:10', 'must have a field name in double quotes here', '"//"'],
    ['{"a": "x\n"}', '1:7', 'must be a JSON string, on one line and ended by a double quote', '"\\"x"'],
    ['{"a": {"b": 1}', '1:15', 'must end with }', 'the end of the text'],
    ['{"ä€😀": tru}', '1:9', 'must be a JSON value', '"tru}"'],
    ['{"a": 1, "a": 2}', '1:10', 'must be there only once', ''],
    [
      `${'['.repeat(70)}1${']'.repeat(70)}`,
      '1:66',
      'must have at most 64 levels',
      `"${'['.repeat(5)}1${']'.repeat(14)}"`,
    ],
  ] as const) {
    test(`${JSON.stringify(text).slice(0, 60)} is refused at ${place}`, () => {
      assert.throws(
        () => read(text),
        (refusal) => {
          assert.ok(refusal instanceof Refusal);
          const { file, line, column, requirement: said, found: shown } = refusal.error;
          assert.deepEqual([`${file}:${line}:${column}`, said, shown], [`a.json:${place}`, requirement, found]);
          return true;
        },
      );
    });
  }

  test('several values may follow one another, and none may be there', () => {
    assert.deepEqual(read(' {"a":1}\n{"b":2} ').map(toValue), [{ a: 1 }, { b: 2 }]);
    assert.deepEqual(read(' \n').map(toValue), []);
  });
});

function toValue(node: Located): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toValue);
  return Object.fromEntries([...node.fields].map(([name, { node: value }]) => [name, toValue(value)]));
}
