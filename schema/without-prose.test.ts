import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutProse } from './without-prose.ts';

test('texts for people go at every depth, and rules, defaults and the texts of our own errors stay', () => {
  const schema = {
    $comment: 'a note',
    title: 'Check',
    errorMessage: 'must be a check',
    definitions: { Name: { description: 'a name', type: 'string', default: { title: 'kept' } } },
    allOf: [{ title: 'gone', required: ['a'] }],
    items: [{ examples: [1], enum: ['title'] }, { type: 'string' }],
  };
  assert.deepEqual(withoutProse(schema), {
    errorMessage: 'must be a check',
    definitions: { Name: { type: 'string', default: { title: 'kept' } } },
    allOf: [{ required: ['a'] }],
    items: [{ enum: ['title'] }, { type: 'string' }],
  });
});

test('a field that is called like a keyword stays', () => {
  const schema = { properties: { title: { title: 'gone', type: 'string' }, description: { type: 'string' } } };
  assert.deepEqual(withoutProse(schema as never), {
    properties: { title: { type: 'string' }, description: { type: 'string' } },
  });
});
