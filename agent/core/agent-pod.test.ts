import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canStillWrite, TOKEN_OUTLIVES_MS } from './agent-pod.ts';

const ENDED = '2026-01-01T00:00:00Z';
const END_MS = Date.parse(ENDED);

const CASES: readonly (readonly [rule: string, deletionTimestamp: string | null, nowMs: number, can: boolean])[] = [
  ['that nobody has deleted', null, END_MS, true],
  ['within its grace period', ENDED, END_MS - 1, true],
  ['past its grace period, whose token is taken still', ENDED, END_MS + TOKEN_OUTLIVES_MS, true],
  ['whose token no API server takes any more', ENDED, END_MS + TOKEN_OUTLIVES_MS + 1, false],
  ['of which nobody can tell since when it is deleted', 'yesterday', END_MS + TOKEN_OUTLIVES_MS + 1, true],
];

for (const [rule, deletionTimestamp, nowMs, can] of CASES) {
  test(`an agent's pod ${rule} can ${can ? 'still' : 'not'} write`, () => {
    assert.equal(canStillWrite({ deletionTimestamp }, nowMs), can);
  });
}

test('a token is refused a minute after the pod should have ended, and taken from a cache for 10 s more', () => {
  assert.ok(TOKEN_OUTLIVES_MS > 70_000);
});
