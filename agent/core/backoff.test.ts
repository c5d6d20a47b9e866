import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from './backoff.ts';

const backoff = { baseMs: 100, maxMs: 1000 };

test('a wait doubles with each attempt and stops growing at its maximum', () => {
  const longest = [0, 1, 2, 3, 4, 1000].map((attempt) => Math.ceil(backoffMs(attempt, backoff, 1 - Number.EPSILON)));
  assert.deepEqual(longest, [100, 200, 400, 800, 1000, 1000]);
});

test('jitter takes away at most half', () => {
  assert.equal(backoffMs(1, backoff, 0), 100);
  assert.equal(backoffMs(1000, backoff, 0), 500);
});
