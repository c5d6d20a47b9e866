import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COME_BACK, cameBack, MAX_OWNERS, type Owners, owesOne, sentOneMore } from './come-back.ts';

const NOBODY: Owners = new Map();

test('the pods of an owner go at growing intervals, up to the longest', () => {
  let owners = NOBODY;
  const waits = Array.from({ length: 11 }, () => {
    owners = sentOneMore(owners, 'a', 0, 0);
    return owners.get('a')?.nextMs;
  });
  assert.deepEqual(
    waits,
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1_000),
  );
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

test('for each pod that was sent away one comes back, and whatever else comes is new', () => {
  assert.equal(cameBack(NOBODY, 'a'), null);
  const owners = owesOne(owesOne(NOBODY, 'a'), 'a');
  const once = cameBack(owners, 'a') ?? assert.fail();
  const twice = cameBack(once, 'a') ?? assert.fail();
  assert.equal(twice.get('a')?.back, 2);
  assert.deepEqual([cameBack(twice, 'a'), cameBack(twice, 'b')], [null, null]);
});

test('the memory of owners that are owed a pod is bounded, too', () => {
  let owners = sentOneMore(NOBODY, 'paced', 0, 0);
  for (let i = 0; i < 5 * MAX_OWNERS; i++) owners = owesOne(owners, `${i}`);
  assert.ok(owners.size <= MAX_OWNERS && owners.has('paced'));
});
