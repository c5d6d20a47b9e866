import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { splitCommand } from './split-command.ts';

suite('a command line is split as a shell splits it, or is left to a shell', () => {
  for (const [line, words] of [
    ['/usr/lib/check_disk -w 20% -c 10% -p /', ['/usr/lib/check_disk', '-w', '20%', '-c', '10%', '-p', '/']],
    [`/opt/c 'two words' "and more" a\\ b ''`, ['/opt/c', 'two words', 'and more', 'a b', '']],
    [`/opt/c --re="a'b" 'a"b' "a\\"b" "a\\b"`, ['/opt/c', `--re=a'b`, 'a"b', 'a"b', 'a\\b']],
    ['/opt/c a#b x~y --eq=1', ['/opt/c', 'a#b', 'x~y', '--eq=1']],
    ['/opt/c a | grep b', null],
    ['/opt/c > /dev/null 2>&1', null],
    ['/opt/a && /opt/b', null],
    ['/opt/a; /opt/b', null],
    ['/opt/c $HOME', null],
    ['/opt/c "$HOME"', null],
    ["/opt/c '$HOME'", ['/opt/c', '$HOME']],
    ['/opt/c `date`', null],
    ['/opt/c *.log', null],
    ['/opt/c [k]ubelet', null],
    ['/opt/c ~/x', null],
    ['/opt/c # comment', null],
    ['LANG=C /opt/c', null],
    ['cd /tmp', null],
    ['! /opt/c', null],
    ['if true', null],
    ["/opt/c 'unbalanced", null],
    ['/opt/c "unbalanced', null],
    ['/opt/c \\', null],
    ['', null],
  ] as const) {
    test(line === '' ? 'an empty line' : line, () => assert.deepEqual(splitCommand(line), words));
  }

  test('whatever is split, a real shell splits likewise', () => {
    const piece = fc.constantFrom(
      'a',
      ' ',
      '  ',
      '\t',
      "'",
      '"',
      '\\',
      '#',
      '~',
      '=',
      '$',
      '|',
      '*',
      '%',
      ',',
      '-',
      '{',
      '!',
    );
    const lines = fc
      .sample(fc.array(piece, { maxLength: 12 }), { numRuns: 400, seed: 7 })
      .map((pieces) => `p ${pieces.join('')}`);
    const split = lines.flatMap((line) => (splitCommand(line) ? [{ line, words: splitCommand(line) }] : []));
    assert.ok(split.length > 50);
    const script = ["p() { printf '%s\\0' p \"$@\"; printf '\\1'; }", ...split.map(({ line }) => line)].join('\n');
    const printed = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
    const shells = printed
      .split('\u0001')
      .slice(0, -1)
      .map((words) => words.split('\0').slice(0, -1));
    assert.deepEqual(
      split.map(({ words }) => words),
      shells,
    );
  });
});
