// Plays a share of the histories of a seed, in a thread of its own.
import assert from 'node:assert/strict';
import { workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { anyHistory } from './history.ts';
import { play } from './play.ts';

/** Every so many-th history, beginning with the one of this number. */
export type Share = {
  readonly number: number;
  readonly of: number;
  readonly runs: number;
  readonly seed: number;
  /** Of the one history to play; absent: all. */
  readonly path?: string | undefined;
  readonly shrinks: boolean;
};

/** Of what happened, the end. */
const TRACED = 300;

const { number, of, runs, seed, path, shrinks } = workerData as Share;
let index = 0;
// To make a history costs next to nothing, so each share makes all of them: whatever their number, a path says the same one.
const property = fc.asyncProperty(anyHistory(40), async (history) => {
  const isOurs = index % of === number;
  index += 1;
  if (!isOurs) return;
  const { problems, trace } = (await play(history)).judge;
  assert.equal(problems.length, 0, [...trace.slice(-TRACED), ...problems].join('\n'));
});
// From its path on, others of the seed would follow.
const which = path ? { path, numRuns: shrinks ? runs : 1 } : { numRuns: runs };
await fc.assert(property, { ...which, seed, endOnFailure: !shrinks });
