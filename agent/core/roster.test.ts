import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ledger } from './ledger.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { adoptLedger, forgetCounts, type Roster, rosterOf, withHealth } from './roster.ts';
import { samplePolicy } from './samples.ts';

const ledgerOf = (...names: string[]): Ledger => ({
  nodeUid: 'uid-1',
  since: '2026-01-01T00:00:00Z',
  policies: Object.fromEntries(
    names.map((name) => [name, { since: '2026-01-01T00:00:00Z', cordon: true, taint: null, drain: false }]),
  ),
  cordon: 'Ours',
  taints: [],
  drain: null,
});
const fresh = (...policies: NodeCheckPolicy[]) => rosterOf(policies, {}, new Map(), null);
const health = (roster: Roster, name = 'a') => roster.get(name)?.health;
const counted = { failures: 3, successes: 0, failing: false };

const a = samplePolicy('a');
const reloads: [rule: string, check: object, failures: number, failing: boolean][] = [
  ['a raised threshold keeps the counters', { failureThreshold: 10 }, 3, false],
  ['a lowered threshold keeps the counters, which may be enough now', { failureThreshold: 3 }, 3, true],
  ['a changed period keeps the counters', { periodSeconds: 60 }, 3, false],
  ['a changed timeout keeps the counters', { timeoutSeconds: 60 }, 3, false],
  ['a changed command starts at zero', { command: ['/bin/true'] }, 0, false],
  ['a changed env starts at zero', { env: [{ name: 'LEVEL', value: 'deep' }] }, 0, false],
  ['a changed runIn starts at zero', { runIn: 'Host' }, 0, false],
];
for (const [rule, check, failures, failing] of reloads) {
  test(rule, () => {
    const before = withHealth(fresh(a), 'a', counted);
    const after = rosterOf([samplePolicy('a', { check })], {}, before, null);
    assert.deepEqual(health(after), { failures, successes: 0, failing });
  });
}

test('a changed command keeps what it holds until it recovers', () => {
  const before = withHealth(fresh(a), 'a', { failures: 9, successes: 0, failing: true });
  const changed = samplePolicy('a', { check: { command: ['/bin/true'] } });
  assert.deepEqual(health(rosterOf([changed], {}, before, ledgerOf('a'))), {
    failures: 0,
    successes: 0,
    failing: true,
  });
  assert.equal(health(rosterOf([changed], {}, before, ledgerOf('b')))?.failing, false);
});

test('a policy that is gone, or selects the node no more, leaves the roster', () => {
  const selective = samplePolicy('a', { spec: { nodeSelector: { matchLabels: { role: 'storage' } } } });
  assert.equal(rosterOf([selective], { role: 'storage' }, new Map(), null).size, 1);
  assert.equal(rosterOf([selective], { role: 'web' }, new Map(), null).size, 0);
  assert.equal(rosterOf([], {}, fresh(a), null).size, 0);
});

test('before the node was read only policies without a selector apply', () => {
  const selective = samplePolicy('b', { spec: { nodeSelector: { matchLabels: { role: 'storage' } } } });
  assert.deepEqual([...rosterOf([a, selective], null, new Map(), null).keys()], ['a']);
});

test('a restarted agent takes the policies in the ledger as failing, with nothing counted', () => {
  const adopted = adoptLedger(fresh(a, samplePolicy('b')), ledgerOf('a'));
  assert.deepEqual(health(adopted), { failures: 0, successes: 0, failing: true });
  assert.equal(health(adopted, 'b')?.failing, false);
});

test('a check that recovered before the ledger could be read has recovered', () => {
  const healthy = withHealth(fresh(a), 'a', { failures: 0, successes: 1, failing: false });
  assert.equal(health(adoptLedger(healthy, ledgerOf('a')))?.failing, false);
});

test('another Node of our name starts with nothing counted', () => {
  const before = withHealth(fresh(a), 'a', { failures: 9, successes: 0, failing: true });
  assert.deepEqual(health(forgetCounts(before)), { failures: 0, successes: 0, failing: false });
});
