import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COME_BACK, MAX_OWNERS, type OwnerPace, sentOneMore } from './come-back.ts';

const NOBODY: ReadonlyMap<string, OwnerPace> = new Map();

test('the pods of an owner go at growing intervals, up to the longest', () => {
  let owners = NOBODY;
  const waits = Array.from({ length: 8 }, () => {
    owners = sentOneMore(owners, 'a', 0, 0);
    return owners.get('a')?.nextMs;
  });
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test('the memory of owners is bounded', () => {
  let owners = NOBODY;
  for (let i = 0; i < 5 * MAX_OWNERS; i++) owners = sentOneMore(owners, `${i}`, i * 100, 0.5);
  assert.ok(owners.size <= MAX_OWNERS);
});

test('an owner whose back-off runs is not forgotten, however many come after', () => {
  const nowMs = COME_BACK.baseMs / 4;
  let owners = NOBODY;
  for (let i = 0; i < 2 * MAX_OWNERS; i++) owners = sentOneMore(owners, `${i}`, nowMs, 0.5);
  assert.equal(owners.size, 2 * MAX_OWNERS);
  owners = sentOneMore(owners, 'later', nowMs + COME_BACK.maxMs, 0.5);
  assert.equal(owners.size, MAX_OWNERS);
});

test('of those whose turn has come the one that was heard of last is remembered longest', () => {
  let owners = sentOneMore(NOBODY, 'often', 0, 0.5);
  for (let i = 0; i < 2 * MAX_OWNERS; i++) {
    owners = sentOneMore(owners, `${i}`, i * 1_000, 0.5);
    if (i % 500 === 0) owners = sentOneMore(owners, 'often', i * 1_000, 0.5);
  }
  assert.ok((owners.get('often')?.sent ?? 0) > 3);
});
