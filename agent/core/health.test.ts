import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countVerdict, type Health, NEW_HEALTH, settleHealth } from './health.ts';
import { sampleVerdict } from './samples.ts';
import type { Verdict } from './verdict.ts';

const thresholds = { failureThreshold: 3, successThreshold: 2 };
const F = sampleVerdict('Failed');
const H = sampleVerdict('Healthy');
const U = sampleVerdict('Unknown');
const after = (verdicts: Verdict[], start: Health = NEW_HEALTH) =>
  verdicts.reduce((health, next) => countVerdict(health, next, thresholds), start);

const anyVerdict = fc.constantFrom(F, H, U);

test('failing begins at failureThreshold failures in a row', () => {
  assert.equal(after([F, F]).failing, false);
  assert.equal(after([F, F, F]).failing, true);
  assert.equal(after([F, F, H, F, F]).failing, false);
});

test('failing ends at successThreshold successes in a row', () => {
  assert.equal(after([F, F, F, H]).failing, true);
  assert.equal(after([F, F, F, H, F, H]).failing, true);
  assert.equal(after([F, F, F, H, H]).failing, false);
});

test('unknown never moves a counter', () => {
  fc.assert(
    fc.property(fc.array(anyVerdict), (verdicts) => {
      assert.deepEqual(after(verdicts), after(verdicts.filter((each) => each !== U)));
    }),
  );
});

test('flapping below the threshold never fails', () => {
  const flaps = fc.array(fc.integer({ min: 0, max: thresholds.failureThreshold - 1 }));
  fc.assert(
    fc.property(flaps, (lengths) => {
      const verdicts = lengths.flatMap((length) => [...Array<Verdict>(length).fill(F), H]);
      let health = NEW_HEALTH;
      for (const each of verdicts) {
        health = countVerdict(health, each, thresholds);
        assert.equal(health.failing, false);
      }
    }),
  );
});

test('a lowered failureThreshold counts what was counted before', () => {
  assert.equal(settleHealth(after([F, F]), { ...thresholds, failureThreshold: 2 }).failing, true);
});

test('a raised failureThreshold releases nothing that still fails', () => {
  assert.equal(settleHealth(after([F, F, F]), { ...thresholds, failureThreshold: 10 }).failing, true);
});

test('a lowered successThreshold counts what was counted before', () => {
  assert.equal(settleHealth(after([F, F, F, H]), { ...thresholds, successThreshold: 1 }).failing, false);
});

test('a check that is failing only for what is held fails by itself from failureThreshold on, or recovers', () => {
  const remembered = { ...NEW_HEALTH, failing: true, remembered: true };
  assert.deepEqual(after([F, F], remembered), { failures: 2, successes: 0, failing: true, remembered: true });
  assert.deepEqual(after([F, F, F], remembered), { failures: 3, successes: 0, failing: true, remembered: false });
  assert.deepEqual(after([H, H], remembered), { failures: 0, successes: 2, failing: false, remembered: false });
});
