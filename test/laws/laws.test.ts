import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyHistory } from './history.ts';
import { play } from './play.ts';

/**
 * How many histories, and which: always the same ones unless a seed says otherwise, so that a failure is of what was changed. A
 * failing one prints the seed and the path that replay it, and with NSC_LAWS_SHRINK a short one.
 */
const { NSC_LAWS_RUNS = '500', NSC_LAWS_SEED = '1', NSC_LAWS_PATH, NSC_LAWS_SHRINK } = process.env;
/** Of what happened, the end. */
const TRACED = 300;

test('whatever happens to a node and its agents, every promise is kept', async () => {
  const property = fc.asyncProperty(anyHistory(40), async (history) => {
    const { problems, trace } = (await play(history)).judge;
    assert.equal(problems.length, 0, [...trace.slice(-TRACED), ...problems].join('\n'));
  });
  await fc.assert(property, {
    numRuns: Number(NSC_LAWS_RUNS),
    seed: Number(NSC_LAWS_SEED),
    ...(NSC_LAWS_PATH && { path: NSC_LAWS_PATH }),
    endOnFailure: !NSC_LAWS_SHRINK,
  });
});
