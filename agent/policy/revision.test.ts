import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyFiles } from './fixtures.ts';
import { revisionOf, sortedByName } from './revision.ts';

test('the revision is the beginning of the SHA-256 over names, lengths and contents', () => {
  const files = policyFiles({ 'b.yaml': 'é', 'a.json': '' });
  const expected = execFileSync('sha256sum', { input: 'a.json\x000\0b.yaml\x002\0é', encoding: 'utf8' }).slice(0, 12);
  assert.equal(revisionOf(files), expected);
});

test('the revision does not depend on the order in which files were found', () => {
  const files = fc.uniqueArray(fc.record({ name: fc.string(), bytes: fc.uint8Array() }), {
    selector: ({ name }) => name,
  });
  const shuffled = files.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(fc.property(shuffled, ([files, others]) => assert.equal(revisionOf(files), revisionOf(others))));
});

test('what moves between files, names and contents changes the revision', () => {
  const sets: Record<string, string>[] = [
    { a: 'bc' },
    { ab: 'c' },
    { a: 'b', c: '' },
    { a: 'b', b: 'c' },
    { a: 'bc', b: '' },
    { a: '\uFEFFbc' },
    { a: 'b\r\nc' },
  ];
  const revisions = sets.map((texts) => revisionOf(policyFiles(texts)));
  assert.equal(new Set(revisions).size, revisions.length);
});

test('files are in the order of their bytes, whatever the locale says', () => {
  const names = ['é.yaml', 'b.yaml', 'B.yaml', 'a.yaml', '10.yaml', '9.yaml', '\u{1F600}.yaml', '\uFFFD.yaml'];
  const sorted = sortedByName(names.map((name) => ({ name }))).map(({ name }) => name);
  assert.deepEqual(sorted, [
    '10.yaml',
    '9.yaml',
    'B.yaml',
    'a.yaml',
    'b.yaml',
    'é.yaml',
    '\uFFFD.yaml',
    '\u{1F600}.yaml',
  ]);
});
