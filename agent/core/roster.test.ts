import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEW_HEALTH } from './health.ts';
import type { Ledger } from './ledger.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { adoptLedger, forgetCounts, type Roster, rosterOf, withHealth } from './roster.ts';
import { samplePolicy, sampleVerdict } from './samples.ts';

const ledgerOf = (...names: string[]): Ledger => ({
  nodeUid: 'uid-1',
  since: '2026-01-01T00:00:00Z',
  policies: Object.fromEntries(
    names.map((name) => [name, { since: '2026-01-01T00:00:00Z', marks: { cordon: {} }, drain: null }]),
  ),
  marks: [{ effect: 'cordon', mark: {}, owner: 'Ours' }],
});
const fresh = (...policies: NodeCheckPolicy[]) => rosterOf(policies, {}, new Map(), null);
const health = (roster: Roster, name = 'a') => roster.get(name)?.health;

const a = samplePolicy('a');
test('a policy applies where its selector matches the labels of the node', () => {
  const selective = samplePolicy('a', { spec: { nodeSelector: { matchLabels: { role: 'storage' } } } });
  assert.deepEqual(health(rosterOf([selective], { role: 'storage' }, new Map(), null)), NEW_HEALTH);
  assert.equal(rosterOf([selective], { role: 'web' }, new Map(), null).size, 0);
});

test('before the node was read only policies without a selector apply', () => {
  const selective = samplePolicy('b', { spec: { nodeSelector: { matchLabels: { role: 'storage' } } } });
  assert.deepEqual([...rosterOf([a, selective], null, new Map(), null).keys()], ['a']);
});

test('a restarted agent takes the policies in the ledger as failing, with nothing counted', () => {
  const adopted = adoptLedger(fresh(a, samplePolicy('b')), ledgerOf('a'), null, true);
  assert.deepEqual(health(adopted), { failures: 0, successes: 0, failing: true, remembered: true });
  assert.equal(health(adopted, 'b')?.failing, false);
});

test('a check that recovered before the ledger could be read has recovered', () => {
  const healthy = withHealth(fresh(a), 'a', { failures: 0, successes: 1, failing: false, remembered: false });
  assert.equal(health(adoptLedger(healthy, ledgerOf('a'), null, true))?.failing, false);
});

test('a hold that was taken over is not taken over again, one that came after it is', () => {
  const recovered = withHealth(fresh(a, samplePolicy('b')), 'a', { ...NEW_HEALTH, failures: 1 });
  const again = adoptLedger(recovered, ledgerOf('a', 'b'), ledgerOf('a'), true);
  assert.deepEqual([health(again)?.failing, health(again, 'b')?.failing], [false, true]);
});

test('a check that fails by itself when its hold is seen fails by itself, whatever came in between', () => {
  const failing = { failures: 0, successes: 1, failing: true, remembered: false };
  const seen = withHealth(fresh(a), 'a', failing);
  assert.deepEqual(health(adoptLedger(seen, ledgerOf('a'), null, true)), failing);
});

test('what was counted while another agent acted says nothing of its holds, and something of all else', () => {
  const almost = { failures: 0, successes: 1, failing: true, remembered: false };
  const seen = withHealth(withHealth(fresh(a, samplePolicy('b')), 'a', almost), 'b', almost);
  const after = adoptLedger(seen, ledgerOf('a'), null, false);
  assert.deepEqual([health(after)?.successes, health(after, 'b')?.successes], [0, 1]);
  assert.equal(health(after)?.failing, true);
});

test('another Node of our name starts with nothing counted', () => {
  const before = withHealth(fresh(a), 'a', { failures: 9, successes: 0, failing: true, remembered: false });
  assert.deepEqual(health(forgetCounts(before)), { failures: 0, successes: 0, failing: false, remembered: false });
});

test('the last verdict goes on with the check it is of, over a reload, and with no other check or Node', () => {
  const verdict = sampleVerdict('Failed', 'exit code 1');
  const before = withHealth(fresh(a), 'a', { ...NEW_HEALTH, failures: 1 }, verdict);
  const reloaded = (policy: NodeCheckPolicy) => rosterOf([policy], {}, before, null).get('a')?.verdict;
  assert.deepEqual(reloaded(samplePolicy('a', { check: { failureThreshold: 9 } })), verdict);
  assert.equal(reloaded(samplePolicy('a', { check: { command: ['/another'] } })), undefined);
  assert.equal(forgetCounts(before).get('a')?.verdict, undefined);
});
