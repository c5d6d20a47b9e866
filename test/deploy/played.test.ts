import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { skipWithout } from '../harness/binaries.ts';
import { codeBlocks } from '../harness/code-blocks.ts';
import { playSet } from './play-set.ts';
import { countPolicies, filesWithPolicies, shippedSets } from './shipped-policies.ts';

/** Agents wait most of the time; more of them at once than this would starve each other on two processors. */
const AT_ONCE = 9;

const SETS = shippedSets();

suite('every policy that is shipped works as it is', { concurrency: AT_ONCE }, () => {
  for (const set of SETS) {
    test(set.name, { skip: set.skip }, async (t) => playSet(t, await set.files()));
  }
});

test('no policy that is shipped is left out', { skip: skipWithout('kubectl', 'helm') }, async () => {
  const played = (await Promise.all(SETS.map(async (set) => Object.values(await set.files())))).flat();
  const found = filesWithPolicies();
  for (const kind of [/^deploy\/kustomize\//, /^deploy\/helm\//, /^gitops\//, /^docs\//, /^README\.md$/]) {
    assert.ok(
      found.some(({ name }) => kind.test(name)),
      `${kind} has policies`,
    );
  }
  for (const { name, text } of found) {
    if (name.endsWith('.md')) {
      const inBlocks = codeBlocks(text, 'yaml').join('\n');
      assert.equal(countPolicies(inBlocks), countPolicies(text), `${name} has policies outside of its yaml blocks`);
    } else if (name.endsWith('.tpl')) {
      assert.ok(
        played.some((file) => file.startsWith('# Made from the values checker.*')),
        name,
      );
    } else {
      assert.ok(played.includes(text), `${name} is in no set`);
    }
  }
});
