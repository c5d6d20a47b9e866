import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberLast } from './remember-last.ts';

test('a text is read once, and anew when another one was read meanwhile', () => {
  const read: string[] = [];
  const remembering = rememberLast((text) => {
    read.push(text);
    return { text };
  });
  const answers = ['a', 'a', 'b', 'b', 'a'].map((text) => remembering(text).text);
  assert.deepEqual(answers, ['a', 'a', 'b', 'b', 'a']);
  assert.deepEqual(read, ['a', 'b', 'a']);
});

test('a text that cannot be read is tried again', () => {
  let tries = 0;
  const remembering = rememberLast(() => {
    tries += 1;
    throw new Error('unreadable');
  });
  for (const _ of [1, 2]) assert.throws(() => remembering('x'), /unreadable/);
  assert.equal(tries, 2);
});
