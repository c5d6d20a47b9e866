import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, listWithin, shorten } from './short-text.ts';

test('a text that fits is left as it is', () => {
  assert.equal(shorten('a b', 3), 'a b');
  assert.equal(shorten('é', 2), 'é');
});

test('one that does not ends after a word, with a sign', () => {
  assert.equal(shorten('the quick brown fox jumps', 20), 'the quick brown…');
  assert.equal(shorten('x'.repeat(50), 20), `${'x'.repeat(17)}…`);
});

test('a list that fits is told whole', () => assert.equal(listWithin(['a', 'b', 'c'], 7), 'a; b; c'));

test('of one that does not the first items are told whole, and how many more there are', () => {
  const items = Array.from({ length: 30 }, (_, i) => `item ${i}`);
  assert.equal(listWithin(items, 40), 'item 0; item 1; item 2; and 27 more');
});

test('one long item leaves room for others', () => {
  const text = listWithin([`long: ${'word '.repeat(500)}`, 'short'], 900);
  assert.match(text, /^long: .*word…; short$/);
});

test('of a single item that is too long the beginning is told', () => {
  assert.equal(listWithin(['the quick brown fox', 'and more'], 20), 'the…; and 1 more');
});

test('whatever it is fits, in whole characters', () => {
  const anyText = fc.string({ unit: 'grapheme', maxLength: 300 });
  fc.assert(
    fc.property(fc.array(anyText, { maxLength: 12 }), fc.integer({ min: 32, max: 1_200 }), (items, maxBytes) => {
      const text = listWithin(items, maxBytes);
      assert.ok(bytesOf(text) <= maxBytes);
      assert.ok(text.isWellFormed());
      if (bytesOf(items.join('; ')) <= maxBytes) assert.equal(text, items.join('; '));
    }),
  );
});
