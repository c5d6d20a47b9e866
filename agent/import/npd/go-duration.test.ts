import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGoDuration } from './go-duration.ts';

for (const [text, seconds] of [
  ['30s', 30],
  ['1m30s', 90],
  ['1.5h', 5400],
  ['.5s', 0.5],
  ['1500ms', 1.5],
  ['+2m', 120],
  ['1h2m3s', 3723],
  ['250us', 0.00025],
  ['0s', null],
  ['0', null],
  ['-5s', null],
  ['30', null],
  ['5 s', null],
  ['5d', null],
  ['', null],
] as const) {
  test(`${JSON.stringify(text)} is ${seconds === null ? 'no duration above zero' : `${seconds} s`}, as in Go`, () => {
    assert.equal(parseGoDuration(text), seconds);
  });
}
