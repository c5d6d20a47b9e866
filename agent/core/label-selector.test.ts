import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectorMatches, selectsEverything } from './label-selector.ts';
import type { LabelSelector } from './policy.ts';

const labels = { role: 'storage', zone: 'a' };

const rows: [rule: string, selector: LabelSelector | undefined, matches: boolean][] = [
  ['no selector selects every node', undefined, true],
  ['an empty selector selects every node', {}, true],
  ['matchLabels must all be equal', { matchLabels: { role: 'storage', zone: 'a' } }, true],
  ['one unequal label is enough to say no', { matchLabels: { role: 'storage', zone: 'b' } }, false],
  ['In needs one of the values', { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] }, true],
  ['In on an absent key says no', { matchExpressions: [{ key: 'x', operator: 'In', values: ['a'] }] }, false],
  ['NotIn on an absent key says yes', { matchExpressions: [{ key: 'x', operator: 'NotIn', values: ['a'] }] }, true],
  ['NotIn on a listed value says no', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, false],
  ['Exists needs the key', { matchExpressions: [{ key: 'role', operator: 'Exists' }] }, true],
  ['DoesNotExist refuses the key', { matchExpressions: [{ key: 'role', operator: 'DoesNotExist' }] }, false],
  [
    'Exists asks for a label, not for what every object inherits',
    { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] },
    false,
  ],
  [
    'a label that only seems to be there does not exist',
    { matchExpressions: [{ key: 'toString', operator: 'DoesNotExist' }] },
    true,
  ],
  [
    'labels and expressions must both hold',
    { matchLabels: { role: 'storage' }, matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] },
    false,
  ],
];

for (const [rule, selector, matches] of rows) {
  test(rule, () => assert.equal(selectorMatches(selector, labels), matches));
}

test('only a selector with something in it depends on labels', () => {
  assert.equal(selectsEverything({ matchLabels: {} }), true);
  assert.equal(selectsEverything({ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }), false);
});
