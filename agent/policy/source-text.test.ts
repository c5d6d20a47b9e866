import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { errorLines, policyText } from './fixtures.ts';
import { decodeSource } from './source-text.ts';

const bytes = (...parts: (string | readonly number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part)));
const BOM = [0xef, 0xbb, 0xbf];

suite('what is no text', () => {
  const cases: Record<string, [Uint8Array, string]> = {
    'a NUL is an error where it stands': [
      bytes('a: 1\nb: x\0y\n'),
      'a.yaml:2:5: $: must not contain control characters, found "\\u0000"',
    ],
    'so is an escape sequence': [
      bytes('a: \x1b[31m\n'),
      'a.yaml:1:4: $: must not contain control characters, found "\\u001b"',
    ],
    'a byte that is no UTF-8 is an error where it stands': [
      bytes('a: 1\nb: é', [0xff], '\n'),
      'a.yaml:2:5: $: must be UTF-8, found the byte 0xff',
    ],
    'a cut off character is an error at its first byte': [
      bytes('a: ', [0xe2, 0x82], 'b'),
      'a.yaml:1:4: $: must be UTF-8, found the byte 0xe2',
    ],
    'even if it begins like the character that stands for what is no UTF-8': [
      bytes('a: ', [0xef, 0xbf], 'b'),
      'a.yaml:1:4: $: must be UTF-8, found the byte 0xef',
    ],
    'at the end of the file too': [bytes('a: ', [0xf0, 0x9f]), 'a.yaml:1:4: $: must be UTF-8, found the byte 0xf0'],
    'an encoded surrogate is no UTF-8': [
      bytes([0xed, 0xa0, 0x80]),
      'a.yaml:1:1: $: must be UTF-8, found the byte 0xed',
    ],
    'UTF-16 is no UTF-8': [bytes([0xff, 0xfe], 'a\0'), 'a.yaml:1:1: $: must be UTF-8, found the byte 0xff'],
  };
  for (const [name, [input, expected]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(errorLines(input), [expected]));
  }
});

suite('positions', () => {
  const cases: Record<string, [string | Uint8Array, string]> = {
    'a byte order mark takes no column': [bytes(BOM, 'a: [b: c'), 'a.yaml:1:9:'],
    'a line ends at CR LF': ['kind: a\r\nkind: b\r\n', 'a.yaml:2:1:'],
    'a character beyond the basic plane is one column': ['{"😀": 1, "😀": 2}', 'a.yaml:1:10:'],
  };
  for (const [name, [input, position]] of Object.entries(cases)) {
    test(name, () => {
      const lines = errorLines(input);
      assert.ok(
        lines.some((line) => line.startsWith(position)),
        lines.join('\n'),
      );
    });
  }
});

test('a byte order mark and CR LF make a policy no less valid', () => {
  const text = policyText().replaceAll('\n', '\r\n');
  assert.deepEqual(errorLines(bytes(BOM, text)), []);
});

test('U+FFFD itself is a character like any other', () => {
  const decoded = decodeSource('a.yaml', bytes('a: \uFFFD'));
  assert.equal('source' in decoded && decoded.source.text, 'a: \uFFFD');
});
