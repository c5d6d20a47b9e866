import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { selectorMatches } from './label-selector.ts';
import type { LabelSelector } from './policy.ts';
import { type Labels, labelsInBoth, labelsInFirstOnly } from './sample-labels.ts';

const KEYS = ['role', 'gpu'];
const VALUES = ['a', 'b'];
const anyRequirement = fc
  .record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('In' as const, 'NotIn' as const, 'Exists' as const, 'DoesNotExist' as const),
    values: fc.subarray(VALUES, { minLength: 1 }),
  })
  .map(({ key, operator, values }) => ({ key, operator, ...(/In$/.test(operator) && { values }) }));
const anySelector: fc.Arbitrary<LabelSelector | undefined> = fc.option(
  fc.record(
    {
      matchLabels: fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { maxKeys: 2 }),
      matchExpressions: fc.array(anyRequirement, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
);

/** Every set of labels that such selectors can tell from another. */
const ALL: Labels[] = [undefined, ...VALUES, 'c'].flatMap((role) =>
  [undefined, ...VALUES, 'c'].map((gpu) => ({ ...(role && { role }), ...(gpu && { gpu }) })),
);

test('labels in two selectors are found if there are any, and both select them', () => {
  fc.assert(
    fc.property(anySelector, anySelector, (a, b) => {
      const found = labelsInBoth(a, b);
      if (found) assert.ok(selectorMatches(a, found) && selectorMatches(b, found), JSON.stringify(found));
      const isThere = ALL.some((labels) => selectorMatches(a, labels) && selectorMatches(b, labels));
      assert.equal(found !== null, isThere);
    }),
    { numRuns: 1_000 },
  );
});

test('labels in the first of two selectors only are found if there are any, and are so', () => {
  fc.assert(
    fc.property(anySelector, anySelector, (a, b) => {
      const found = labelsInFirstOnly(a, b);
      if (found) assert.ok(selectorMatches(a, found) && !selectorMatches(b, found), JSON.stringify(found));
      const isThere = ALL.some((labels) => selectorMatches(a, labels) && !selectorMatches(b, labels));
      assert.equal(found !== null, isThere);
    }),
    { numRuns: 1_000 },
  );
});
