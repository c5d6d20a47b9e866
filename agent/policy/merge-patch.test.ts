import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { mergePatch } from './merge-patch.ts';
import { parseYaml } from './parse-yaml.ts';
import { positionOf } from './problem.ts';
import { decodeSource } from './source-text.ts';
import { lookUp, type TreeNode, toValue } from './tree.ts';

suite('a merge patch as in appendix A of RFC 7396', () => {
  const cases: [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ];
  for (const [target, patch, expected] of cases) {
    test(`${target} + ${patch} = ${expected}`, () => {
      assert.deepEqual(toValue(mergePatch(tree(target), tree(patch))), JSON.parse(expected));
    });
  }
});

suite('after a merge patch', () => {
  const target = tree('a: 1\nb:\n  c: 2\n  d: 3\ne: {f: 4}\n', 'target');
  const merged = mergePatch(target, tree('b: {c: 5, d: null, g: 6}\ne: [7]\n', 'patch'));
  const origins = Object.entries({
    'a value that was left alone stays where it was written': [['a'], 'target:1:4'],
    'a replaced value is where the patch wrote it': [['b', 'c'], 'patch:1:8'],
    'so is an added one': [['b', 'g'], 'patch:1:23'],
    'an object that was merged stays where it was': [['b'], 'target:3:3'],
    'one that gave way to a list does not': [['e'], 'patch:2:4'],
    'and neither do the items': [['e', 0], 'patch:2:5'],
  } satisfies Record<string, [(string | number)[], string]>);
  for (const [name, [path, expected]] of origins) {
    test(name, () => {
      const node = lookUp(merged, path)?.node;
      assert.ok(node);
      const { file, line, column } = positionOf(node.place);
      assert.equal(`${file}:${line}:${column}`, expected);
    });
  }

  test('a removed field is gone, and the place of the null that removed it is known', () => {
    assert.equal(lookUp(merged, ['b', 'd']), undefined);
    const b = lookUp(merged, ['b'])?.node;
    const place = b?.kind === 'map' ? b.removed?.get('d') : undefined;
    assert.ok(place);
    assert.deepEqual(positionOf(place), { file: 'patch', line: 1, column: 11 });
  });

  test('the target is what it was', () => {
    assert.deepEqual(toValue(target), { a: 1, b: { c: 2, d: 3 }, e: { f: 4 } });
  });
});

test('a merge patch applied twice is as good as once, and an empty one changes nothing', () => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value));
  const object = fc
    .dictionary(fc.string({ maxLength: 2 }), fc.jsonValue({ maxDepth: 2 }))
    .map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(object, json, (target, patch) => {
      const once = mergePatch(tree(target), tree(patch));
      assert.deepEqual(toValue(mergePatch(once, tree(patch))), toValue(once));
      assert.deepEqual(toValue(mergePatch(tree(target), tree('{}'))), toValue(tree(target)));
    }),
  );
});

function tree(text: string, file = 'a'): TreeNode {
  const decoded = decodeSource(file, new TextEncoder().encode(text));
  assert.ok('source' in decoded);
  const [document] = parseYaml(decoded.source);
  assert.ok(document?.root, text);
  return document.root;
}
