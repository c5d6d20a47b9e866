import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { countVerdict, NEW_HEALTH } from './health.ts';
import type { Hold, Ledger } from './ledger.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { adoptLedger, forgetCounts, type Roster, rosterOf, withHealth } from './roster.ts';
import { samplePolicy, sampleVerdict } from './samples.ts';
import type { Verdict } from './verdict.ts';

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

suite('what a check said when it began to be as it is', () => {
  const policy = (check: Partial<NodeCheckPolicy['spec']['check']> = {}) =>
    samplePolicy('a', { check: { failureThreshold: 2, successThreshold: 2, ...check } });
  /** `F1` failed and said 1, and so on. */
  const verdictOf = ([status = '', ...words]: string): Verdict => {
    const statuses: Readonly<Record<string, Verdict['status']>> = { F: 'Failed', H: 'Healthy', U: 'Unknown' };
    return { ...sampleVerdict(statuses[status] ?? 'Unknown'), words: words.join('') };
  };
  const run = (roster: Roster, runs: string): Roster =>
    runs.split(' ').reduce((now, each) => {
      const watched = now.get('a');
      const verdict = verdictOf(each);
      return watched
        ? withHealth(now, 'a', countVerdict(watched.health, verdict, watched.policy.spec.check), verdict)
        : now;
    }, roster);
  const said = (roster: Roster) => roster.get('a')?.said?.words;

  const rows: [rule: string, runs: string, words: string][] = [
    ['is what it said first, while nothing is known', 'U1 U2 F3', '1'],
    ['is that of the run that made it fail', 'F1 F2', '2'],
    ['stays while it fails, whatever it says since', 'F1 F2 F3 U4 F5', '2'],
    ['stays below the threshold of successes', 'F1 F2 H3', '2'],
    ['is that of the run with which it recovered', 'F1 F2 H3 H4 H5', '4'],
    ['is that of the run that made it healthy at first', 'F1 H2 H3 H4', '3'],
    ['stays below the threshold of failures', 'H1 H2 F3 H4 H5', '2'],
  ];
  for (const [rule, runs, words] of rows) {
    test(rule, () => assert.equal(said(run(fresh(policy()), runs)), words));
  }

  test('is that of the last run that counted, where a reload makes it fail or recover', () => {
    const failed = run(fresh(policy()), 'U0 F1 U2');
    const failing = rosterOf([policy({ failureThreshold: 1 })], {}, failed, null);
    assert.equal(said(failing), '1');
    assert.equal(said(rosterOf([policy({ failureThreshold: 1 })], {}, run(failing, 'F3'), null)), '1');
    const healthy = rosterOf([policy({ failureThreshold: 1, successThreshold: 1 })], {}, run(failing, 'H3 U4'), null);
    assert.equal(said(healthy), '3');
  });

  const held = (hold: object): Ledger => {
    const { policies, ...rest } = ledgerOf('a');
    return { ...rest, policies: { a: { ...policies.a, ...hold } as Hold } };
  };
  const remembered = held({ mapped: 'DiskFull', words: 'sda' });
  const inLedger = { status: 'Failed', reason: null, mapped: 'DiskFull', words: 'sda' };

  test('is what the ledger remembers after a restart, also once it fails by itself', () => {
    const adopted = adoptLedger(fresh(policy()), remembered, null, true);
    assert.deepEqual(adopted.get('a')?.said, inLedger);
    assert.deepEqual(run(adopted, 'F1 F2 F3').get('a')?.said, inLedger);
    assert.equal(said(run(adopted, 'H1 H2')), '2');
  });

  test('is nothing where the ledger of an older version remembers nothing', () => {
    assert.equal(said(run(adoptLedger(fresh(policy()), ledgerOf('a'), null, true), 'F1 F2')), '');
  });

  test('is what it says itself where it has failed before the ledger was seen', () => {
    assert.equal(said(adoptLedger(run(fresh(policy()), 'F1 F2'), remembered, null, true)), '2');
  });

  test('is what the ledger remembers under another command, and nothing where it holds nothing', () => {
    const before = run(fresh(policy()), 'F1 F2');
    assert.deepEqual(rosterOf([policy({ command: ['/other'] })], {}, before, remembered).get('a')?.said, inLedger);
    assert.equal(rosterOf([policy({ command: ['/other'] })], {}, before, null).get('a')?.said, undefined);
  });

  test('is forgotten with what was counted for another Node', () => {
    assert.equal(forgetCounts(run(fresh(policy()), 'F1 F2')).get('a')?.said, undefined);
  });
});
