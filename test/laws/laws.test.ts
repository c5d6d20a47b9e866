import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runApart } from './apart.ts';
import type { Share } from './play-share.ts';

/**
 * How many histories, and which: always the same ones unless a seed says otherwise, so that a failure is of what was changed. A
 * failing one prints the seed and the path that replay it, and with NSC_LAWS_SHRINK a short one.
 */
const { NSC_LAWS_RUNS = '2000', NSC_LAWS_SEED = '1', NSC_LAWS_PATH, NSC_LAWS_SHRINK } = process.env;
/** Whoever shrinks a history plays others than those of the seed. */
const SHARES = NSC_LAWS_PATH || NSC_LAWS_SHRINK ? 1 : availableParallelism();

test('whatever happens to a node and its agents, every promise is kept', async () => {
  const failed = new AbortController();
  const share = async (number: number) => {
    const data: Share = {
      number,
      of: SHARES,
      runs: Number(NSC_LAWS_RUNS),
      seed: Number(NSC_LAWS_SEED),
      path: NSC_LAWS_PATH,
      shrinks: Boolean(NSC_LAWS_SHRINK),
    };
    try {
      await runApart(join(import.meta.dirname, 'play-share.ts'), data, failed.signal);
    } catch (error) {
      failed.abort();
      throw error;
    }
  };
  await Promise.all(Array.from({ length: SHARES }, (_, number) => share(number)));
});
