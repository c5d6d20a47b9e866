import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runApart } from './apart.ts';
import type { FleetReport } from './fleet.ts';

const SIZE = Number(process.env.NSC_FLEET ?? 200);

test(`of ${SIZE} nodes that all fail never more than the budget allows are disrupted, and all are given back`, async (t) => {
  const report = await runApart(join(import.meta.dirname, 'play-fleet.ts'), { size: SIZE, seed: 1 });
  const { problems, mostDisrupted, requests, mostRequestsASecond, virtualMs } = report as FleetReport;
  const rate = (requests / (virtualMs / 1000)).toFixed(1);
  t.diagnostic(
    `${mostDisrupted} at once; ${rate} requests a second in ${virtualMs / 1000} s, ${mostRequestsASecond} at most`,
  );
  assert.deepEqual(problems, []);
});
