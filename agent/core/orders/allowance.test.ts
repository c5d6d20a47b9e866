import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_DRAIN } from '../samples.ts';
import { ALLOWANCE, fullAllowance, nextMs, refill } from './allowance.ts';
import { playDrain } from './play-drain.ts';
import { samplePod } from './sample-pod.ts';

test('an allowance fills as time goes by, and never above its burst', () => {
  const empty = { left: 0, atMs: 0 };
  assert.equal(refill(empty, 6_000).left, ALLOWANCE.perMinute / 10);
  assert.equal(refill(empty, 3_600_000).left, ALLOWANCE.burst);
  assert.equal(refill(fullAllowance(0), 0).left, ALLOWANCE.burst);
});

test('the next request is allowed when there is one left', () => {
  assert.equal(nextMs({ left: 0, atMs: 1_000 }), 1_000 + 60_000 / ALLOWANCE.perMinute);
  assert.equal(nextMs({ left: 1, atMs: 1_000 }), 1_000);
  assert.ok(refill({ left: 0.2, atMs: 1_000 }, nextMs({ left: 0.2, atMs: 1_000 })).left >= 1);
});

test('a clock that seems to go back takes nothing away', () => {
  assert.equal(refill({ left: 5, atMs: 1_000 }, 0).left, 5);
});

/** Far more pods than a node holds. */
test('a drain sends so many requests a minute at most, whatever comes', () => {
  const rules = { ...SAMPLE_DRAIN, timeoutSeconds: 200 };
  const { sent } = playDrain({
    orders: [{ policy: 'a', since: '2025-01-01T00:00:00Z', isRetry: false, rules }],
    pods: Array.from({ length: 1_500 }, (_, i) => samplePod(`pod-${i}`)),
    terminationMs: () => 0,
    forMs: 110_000,
  });
  for (let fromMs = 0; fromMs < 110_000; fromMs += 10_000) {
    const count = sent.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 60_000).length;
    assert.ok(count <= ALLOWANCE.burst + ALLOWANCE.perMinute, `${count} from ${fromMs}`);
  }
  assert.ok(sent.length > ALLOWANCE.burst, 'the bound was reached');
});
