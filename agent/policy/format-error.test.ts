import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPolicyError, formatPolicyErrors } from './format-error.ts';

const ERROR = { file: 'a.yaml', line: 3, column: 7, path: '$.spec', requirement: 'must be right', found: '"wrong"' };

test('an error is one line with place, path, requirement and value', () => {
  assert.equal(formatPolicyError(ERROR), 'a.yaml:3:7: $.spec: must be right, found "wrong"');
});

test('an error about a file as a whole has no line, one about a missing value no value', () => {
  assert.equal(formatPolicyError({ ...ERROR, line: 0, column: 0, found: '' }), 'a.yaml: $.spec: must be right');
});

test('what could break the line or command a terminal is shown as its code', () => {
  const line = formatPolicyError({ ...ERROR, file: 'a\n.yaml', found: '\u001b[2J\u202e\u2028\u0085' });
  assert.equal(line, 'a\\u{a}.yaml:3:7: $.spec: must be right, found \\u{1b}[2J\\u{202e}\\u{2028}\\u{85}');
});

test('errors that are only counted get a line', () => {
  assert.deepEqual(formatPolicyErrors([ERROR], 2).at(-1), 'and 2 more');
  assert.equal(formatPolicyErrors([ERROR]).length, 1);
});
