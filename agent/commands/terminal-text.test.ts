import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { chop, visibleLines, wrap } from './terminal-text.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const UNSEEN = /[\x00-\x1f\x7f-\x9f\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('lines of what a script wrote', () => {
  for (const [text, lines] of [
    ['', []],
    ['\n', ['']],
    ['a\nb', ['a', 'b']],
    ['a\n\nb\n', ['a', '', 'b']],
    ['a\r\n', ['a\\u{d}']],
    ['1%\r99%\n', ['1%\\u{d}99%']],
    ['\x1b[31mred\x1b[0m\x07', ['\\u{1b}[31mred\\u{1b}[0m\\u{7}']],
    ['\x1b]0;title\x07', ['\\u{1b}]0;title\\u{7}']],
    ['\u009b2J\u202eabc\u2028d', ['\\u{9b}2J\\u{202e}abc\\u{2028}d']],
    ['a\tb\n1234567\tb\n12345678\tb', ['a       b', '1234567 b', '12345678        b']],
  ] as const) {
    test(`of ${JSON.stringify(text)}`, () => assert.deepEqual(visibleLines(text), lines));
  }

  test('have nothing that a terminal obeys or hides', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => visibleLines(text).every((line) => !UNSEEN.test(line))),
    );
  });
});

describe('a text', () => {
  test('is cut where the columns end, and wide characters take two', () => {
    assert.deepEqual(chop('abcdef', 4), ['abcd', 'ef']);
    assert.deepEqual(chop('abcd', 4), ['abcd']);
    assert.deepEqual(chop('', 4), ['']);
    assert.deepEqual(chop('節点障害', 5), ['節点', '障害']);
    assert.deepEqual(chop('a💥b', 3), ['a💥', 'b']);
  });

  test('is wrapped between words, and within one that is too long', () => {
    assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrap('one two three', 8), ['one two', 'three']);
    assert.deepEqual(wrap('abcdefghij k', 4), ['abcd', 'efgh', 'ij k']);
    assert.deepEqual(wrap('', 4), ['']);
  });

  test('loses no character by either', () => {
    const columns = fc.integer({ min: 2, max: 20 });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), columns, (text, width) => {
        assert.equal(chop(text, width).join(''), text);
        assert.equal(wrap(text, width).join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
      }),
    );
  });
});
