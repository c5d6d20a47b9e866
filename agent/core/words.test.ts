import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { bytesOf } from './short-text.ts';
import { MAX_WORDS_BYTES, wordsOf } from './words.ts';

const first = (stdout: string, stderr = '') => wordsOf({ stdout, stderr }, 'FirstLine');
const last = (stdout: string, stderr = '') => wordsOf({ stdout, stderr }, 'LastLine');

suite('which line people are shown', () => {
  const rows: [rule: string, stdout: string, stderr: string, firstLine: string, lastLine: string][] = [
    ['the only one', 'DISK OK\n', '', 'DISK OK', 'DISK OK'],
    ['the first or the last of several', 'a\nb\nc\n', '', 'a', 'c'],
    ['one without an end', 'a\nb', '', 'a', 'b'],
    ['none that is blank', '\n \t\n a \n\n b\n \n', '', 'a', 'b'],
    [
      'none that is blank once what is invisible is gone',
      '\x1b[0m\n\u200b\n\x1b[31mred\x1b[0m\n\x1b[0m',
      '',
      'red',
      'red',
    ],
    ['of stderr where stdout has none', '\n', 'sh: 1: jq: not found\nx\n', 'sh: 1: jq: not found', 'x'],
    ['of stdout where both have some', 'out\n', 'error\n', 'out', 'out'],
    ['none where the script said nothing', '', '', '', ''],
    [
      'with the performance data of a plugin',
      'DISK OK - 50% | /=1MB;2;3\nlong\n',
      '',
      'DISK OK - 50% | /=1MB;2;3',
      'long',
    ],
    ['that ends with CR and LF', 'a\r\nb\r\n', '', 'a', 'b'],
    ['that a CR would hide on a terminal', 'disk failed\rOK all well   \n', '', 'disk failed', 'OK all well'],
    ['that other ends of lines would hide', 'a\vb\fc\u0085d\u2028e\u2029f', '', 'a', 'f'],
  ];
  for (const [rule, stdout, stderr, firstLine, lastLine] of rows) {
    test(rule, () => assert.deepEqual([first(stdout, stderr), last(stdout, stderr)], [firstLine, lastLine]));
  }

  test('none where the policy wants none', () => assert.equal(wordsOf({ stdout: 'a', stderr: 'b' }, 'None'), ''));

  test('the last of a stream is looked for at its very end, where only the beginning was kept', () => {
    const outcome = { stdout: 'first\nmiddle\n', stdoutEnd: 'ddle\nlast\n', stderr: '' };
    assert.deepEqual([wordsOf(outcome, 'FirstLine'), wordsOf(outcome, 'LastLine')], ['first', 'last']);
  });

  test('the last that is known, where a long stream ends with nothing but blank lines', () => {
    assert.equal(wordsOf({ stdout: 'first\nmiddle\n', stdoutEnd: '\n\n\n', stderr: '' }, 'LastLine'), 'middle');
  });
});

suite('of a line people are shown', () => {
  const rows: [rule: string, written: string, shown: string][] = [
    [
      'the text as it is',
      'disk "sda" at 97 % – größer als 95 % 日本 🔥',
      'disk "sda" at 97 % – größer als 95 % 日本 🔥',
    ],
    ['no colour', '\x1b[1;31mFAILED\x1b[0m: sda', 'FAILED: sda'],
    ['no colour of the 8-bit form', '\x9b31mFAILED\x9b0m', 'FAILED'],
    ['no movement of the cursor', 'bad\x1b[2K\x1b[1Gwell', 'badwell'],
    ['no title of a window, ended by BEL', '\x1b]0;pwned\x07sda', 'sda'],
    ['no title of a window, ended by ST', '\x1b]0;pwned\x1b\\sda', 'sda'],
    ['no link behind a text', '\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\', 'click'],
    ['no string of a device, over lines', '\x1bPq\nhidden\x1b\\shown', 'shown'],
    ['no sequence that is cut off', 'sda\x1b[31', 'sda'],
    ['no lone escape', 'sda\x1b', 'sda'],
    ['no reset of the terminal', '\x1bcsda', 'sda'],
    ['no NUL', 'a\0b', 'a b'],
    ['no backspace over what was said', 'bad\b\b\bok', 'bad   ok'],
    ['no tab', 'a\tb', 'a b'],
    ['no mark that turns the direction', 'a\u202egnp.exe\u2066b', 'agnp.exeb'],
    ['no byte order mark', '\ufeffDISK OK', 'DISK OK'],
    ['no half of a surrogate pair', 'a\ud800b', 'ab'],
    ['nothing around it', '  DISK OK  ', 'DISK OK'],
  ];
  for (const [rule, written, shown] of rows) test(rule, () => assert.equal(first(written), shown));

  test(`no more than ${MAX_WORDS_BYTES} bytes, and no part of a character`, () => {
    const words = first('å'.repeat(1000));
    assert.ok(bytesOf(words) <= MAX_WORDS_BYTES && bytesOf(words) >= MAX_WORDS_BYTES - 4, words);
    assert.match(words, /^å+…$/);
  });
});

test('whatever is written, the words are one visible line of bounded length, and are their own words', () => {
  const nasty = fc.constantFrom(
    '\x1b',
    '[',
    ']',
    '\x9b',
    '\x9c',
    '\x07',
    '\n',
    '\r',
    '\0',
    '\u202e',
    '\u2028',
    'm',
    '31',
    '"',
    '\\',
    ';',
    '…',
  );
  const text = fc
    .array(fc.oneof(nasty, fc.string({ unit: 'binary' })), { maxLength: 60 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, text, fc.constantFrom('FirstLine', 'LastLine'), (stdout, stderr, which) => {
      const words = wordsOf({ stdout, stderr }, which);
      assert.doesNotMatch(words, /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
      assert.ok(bytesOf(words) <= MAX_WORDS_BYTES);
      assert.ok(words.isWellFormed());
      assert.equal(words, words.trim());
      assert.equal(wordsOf({ stdout: words, stderr: '' }, which), words);
    }),
    { numRuns: 2_000 },
  );
});
