import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAge, formatDuration } from './age.ts';

const NOW = Date.parse('2026-01-10T00:00:00Z');

for (const [since, age] of [
  ['2026-01-10T00:00:00Z', '0s'],
  ['2026-01-10T00:00:30Z', '0s'],
  ['2026-01-09T23:58:01Z', '119s'],
  ['2026-01-09T23:58:00Z', '2m'],
  ['2026-01-09T23:54:30Z', '5m30s'],
  ['2026-01-09T23:50:00Z', '10m'],
  ['2026-01-09T21:00:01Z', '179m'],
  ['2026-01-09T20:48:00Z', '3h12m'],
  ['2026-01-09T21:00:00Z', '3h'],
  ['2026-01-09T15:30:00Z', '8h'],
  ['2026-01-08T00:00:00Z', '2d'],
  ['2026-01-07T19:00:00Z', '2d5h'],
  ['2025-12-01T05:00:00Z', '39d'],
  ['yesterday', '<unknown>'],
] as const) {
  test(`on 2026-01-10T00:00:00Z, ${since} is ${age} ago, as kubectl would print it`, () =>
    assert.equal(formatAge(since, NOW), age));
}

for (const [ms, text] of [
  [0, '0 ms'],
  [99.4, '99 ms'],
  [99.5, '0.1 s'],
  [9_949, '9.9 s'],
  [9_950, '10 s'],
  [119_499, '119 s'],
  [119_500, '2m'],
  [330_000, '5m30s'],
] as const) {
  test(`${ms} ms are ${text}`, () => assert.equal(formatDuration(ms), text));
}
