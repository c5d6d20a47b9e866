import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playFleet } from './fleet.ts';

const SIZE = Number(process.env.NSC_FLEET ?? 200);

test(`of ${SIZE} nodes that all fail never more than the budget allows are disrupted, and all are given back`, async (t) => {
  const { problems, mostDisrupted, requests, mostRequestsASecond, virtualMs } = await playFleet(SIZE, 1);
  const rate = (requests / (virtualMs / 1000)).toFixed(1);
  t.diagnostic(
    `${mostDisrupted} at once; ${rate} requests a second in ${virtualMs / 1000} s, ${mostRequestsASecond} at most`,
  );
  assert.deepEqual(problems, []);
});
