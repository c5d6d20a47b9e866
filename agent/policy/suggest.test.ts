import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { suggest } from './suggest.ts';

const KNOWN = ['command', 'periodSeconds', 'failureThreshold', 'successThreshold', 'env'];

suite('a suggestion', () => {
  const cases: Record<string, [string, string | undefined]> = {
    'forgives a missing letter': ['failureTreshold', 'failureThreshold'],
    'forgives one too many': ['commmand', 'command'],
    'forgives a wrong one': ['cimmand', 'command'],
    'forgives two letters that were swapped': ['nev', 'env'],
    'forgives capitals': ['PERIODSECONDS', 'periodSeconds'],
    'is the closest of several': ['sucessThreshold', 'successThreshold'],
    'is none for another word': ['retries', undefined],
    'is none for a short word of other letters': ['foo', undefined],
    'is none for the empty word': ['', undefined],
    'is none for a word nobody could have meant': ['x'.repeat(1_000_000), undefined],
  };
  for (const [name, [word, expected]] of Object.entries(cases)) {
    test(name, () => assert.equal(suggest(word, KNOWN), expected));
  }
});
