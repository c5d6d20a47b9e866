import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOlderVersion } from './resource-version.ts';

const CASES: readonly (readonly [a: string, b: string, isOlder: boolean])[] = [
  ['9', '10', true],
  ['10', '9', false],
  ['10', '10', false],
  ['010', '9', false],
  ['90071992547409930', '90071992547409931', true],
  ['90071992547409931', '90071992547409930', false],
  ['', '1', true],
  ['1', 'x', true],
];
for (const [a, b, isOlder] of CASES) {
  test(`version ${JSON.stringify(a)} is ${isOlder ? '' : 'not '}older than ${JSON.stringify(b)}`, () => {
    assert.equal(isOlderVersion(a, b, true), isOlder);
  });
}

test('of what is no version, the caller says what to take it for', () => {
  assert.equal(isOlderVersion('1', 'x', false), false);
});
