import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSamples, samplesOf } from '../../test/harness/metrics-text.ts';
import type { Comparison } from '../core/compare.ts';
import { NEW_HEALTH } from '../core/health.ts';
import type { Withheld } from '../core/holds.ts';
import { type DrainMemory, type Ledger, writeLedger } from '../core/ledger.ts';
import { LEDGER_ANNOTATION } from '../core/node.ts';
import type { PolicyLoad } from '../core/policy.ts';
import type { Roster } from '../core/roster.ts';
import { SAMPLE_NOW, SAMPLE_TAINT, sampleNode, samplePolicy } from '../core/samples.ts';
import { createMetrics, type Metrics } from './metrics.ts';

const START = Date.parse(SAMPLE_NOW) / 1000;
const create = () => createMetrics({ version: '1.2.3', runtime: 'node 24' });
const read = async ({ registry }: Metrics, name: string) => samplesOf(readSamples(await registry.metrics()), name);

/** What of a policy matters here: its name, and whether it fails. */
function rosterWith(policies: Readonly<Record<string, boolean>>): Roster {
  const watch = ([name, failing]: [string, boolean]) =>
    [name, { policy: samplePolicy(name), health: { ...NEW_HEALTH, failing } }] as const;
  return new Map(Object.entries(policies).map(watch));
}

const hold = { since: SAMPLE_NOW, cordon: true, taint: SAMPLE_TAINT, drain: true };
function ledgerWith(more: Partial<Ledger>): Ledger {
  return { nodeUid: 'uid-1', since: SAMPLE_NOW, policies: { a: hold }, cordon: null, taints: [], drain: null, ...more };
}
const nodeWith = (ledger: string) => sampleNode({ annotations: { [LEDGER_ANNOTATION]: ledger } });
const load = (revision: string): PolicyLoad => ({
  valid: true,
  set: { revision, policies: [samplePolicy('a'), samplePolicy('b')], budgets: [] },
});
const INVALID: PolicyLoad = { valid: false, revision: null, errors: [] };

test('every verdict of a policy is there with 0 from when it applies, and its last result only after a run', async () => {
  const metrics = create();
  metrics.checks.show(rosterWith({ a: false }), null);
  const none = {
    'policy="a",verdict="Healthy"': 0,
    'policy="a",verdict="Failed"': 0,
    'policy="a",verdict="Unknown"': 0,
  };
  assert.deepEqual(await read(metrics, 'nsc_check_results_total'), none);
  assert.deepEqual(await read(metrics, 'nsc_check_skipped_total'), { 'policy="a"': 0 });
  assert.deepEqual(await read(metrics, 'nsc_policy_failing'), { 'policy="a"': 0 });
  assert.deepEqual(await read(metrics, 'nsc_check_last_result'), {});

  metrics.checks.ended('a', 'Healthy', 0.2);
  metrics.checks.ended('a', 'Failed', 0.2);
  metrics.checks.show(rosterWith({ a: false }), null);
  const [healthy, failed] = ['policy="a",verdict="Healthy"', 'policy="a",verdict="Failed"'];
  assert.deepEqual(await read(metrics, 'nsc_check_results_total'), { ...none, [healthy]: 1, [failed]: 1 });
  assert.deepEqual(await read(metrics, 'nsc_check_last_result'), { ...none, [failed]: 1 });
  assert.deepEqual(await read(metrics, 'nsc_check_duration_seconds_sum'), { [healthy]: 0.2, [failed]: 0.2 });
});

test('no series of a policy outlives it', async () => {
  const metrics = create();
  metrics.checks.show(rosterWith({ a: true, 'gone-b': true }), ledgerWith({}));
  for (const policy of ['a', 'gone-b']) {
    for (const verdict of ['Healthy', 'Failed', 'Unknown'] as const) metrics.checks.ended(policy, verdict, 1);
    metrics.checks.skipped(policy);
  }
  const withheld: Withheld[] = [{ policy: 'gone-b', why: 'Observe', wanted: hold }];
  metrics.policies.compared(compared(withheld));
  metrics.checks.show(rosterWith({ a: true }), null);
  metrics.policies.compared(compared([]));
  const text = await metrics.registry.metrics();
  assert.doesNotMatch(text, /gone-b/);
  assert.match(text, /nsc_check_skipped_total\{policy="a"\} 1/);
});

test('since when a policy fails is there while it fails, and over a restart as the ledger remembers it', async () => {
  const name = 'nsc_policy_failing_since_timestamp_seconds';
  const metrics = create();
  const before = Date.now() / 1000;
  metrics.checks.show(rosterWith({ a: true, b: true, c: false }), null);
  const first = await read(metrics, name);
  assert.deepEqual(Object.keys(first), ['policy="a"', 'policy="b"']);
  assert.ok((first['policy="a"'] ?? 0) >= before);
  metrics.checks.show(rosterWith({ a: true, b: true, c: false }), ledgerWith({}));
  assert.deepEqual(await read(metrics, name), { ...first, 'policy="a"': START });
  metrics.checks.show(rosterWith({ a: true, b: true, c: false }), null);
  assert.deepEqual(await read(metrics, name), { ...first, 'policy="a"': START });
  metrics.checks.show(rosterWith({ a: false, b: true, c: false }), null);
  assert.deepEqual(await read(metrics, name), { 'policy="b"': first['policy="b"'] });
  metrics.checks.show(rosterWith({ a: true, b: true, c: false }), null);
  assert.ok(((await read(metrics, name))['policy="a"'] ?? 0) >= before, 'it fails anew');
});

test('a ledger whose time cannot be read leaves what is known', async () => {
  const metrics = create();
  const policies = { a: { ...hold, since: 'yesterday' } };
  metrics.checks.show(rosterWith({ a: true }), ledgerWith({ policies }));
  const { 'policy="a"': since = 0 } = await read(metrics, 'nsc_policy_failing_since_timestamp_seconds');
  assert.ok(Math.abs(since - Date.now() / 1000) < 60);
  metrics.node.seen(nodeWith(writeLedger(ledgerWith({ drain: { state: 'Draining', since: 'yesterday' } }))));
  assert.deepEqual(await read(metrics, 'nsc_drain_started_timestamp_seconds'), {});
});

function compared(withheld: readonly Withheld[]): Comparison {
  return { kind: 'Compared', patch: null, changes: [], withheld, ledger: null, drain: null };
}

test('what is withheld is there while it is, and a slot that is being asked for is not', async () => {
  const metrics = create();
  const reasons = [
    'Observe',
    'Paused',
    'BelowThreshold',
    'KubeletNotReady',
    'BudgetDenied',
    'WouldEvictAgent',
  ] as const;
  for (const why of reasons) {
    const pending = { policy: 'b', why: 'SlotPending', wanted: hold } as const;
    metrics.policies.compared(compared([{ policy: 'a', why, wanted: hold }, pending]));
    assert.deepEqual(await read(metrics, 'nsc_policy_withheld'), { [`policy="a",reason="${why}"`]: 1 });
  }
  for (const nothing of [compared([]), { kind: 'Unreadable', problem: 'x' } as const, null]) {
    metrics.policies.compared(compared([{ policy: 'a', why: 'Observe', wanted: hold }]));
    metrics.policies.compared(nothing);
    assert.deepEqual(await read(metrics, 'nsc_policy_withheld'), {});
  }
});

const draining = { state: 'Draining', since: SAMPLE_NOW } as const;
const drained = { state: 'Drained', since: SAMPLE_NOW } as const;
const taints = (owner: 'Ours' | 'Theirs' | 'Released') => [{ ...SAMPLE_TAINT, owner }];
const effects: [what: string, ledger: string, effects: string, state: string | null][] = [
  ['our cordon', writeLedger(ledgerWith({ cordon: 'Ours' })), 'cordon', null],
  [
    "somebody else's cordon and taint",
    writeLedger(ledgerWith({ cordon: 'Theirs', taints: taints('Theirs') })),
    '',
    null,
  ],
  ['what a person took away', writeLedger(ledgerWith({ cordon: 'Released', taints: taints('Released') })), '', null],
  ['our taint alone', writeLedger(ledgerWith({ cordon: 'Theirs', taints: taints('Ours') })), 'taint', null],
  ['our drain under way', writeLedger(ledgerWith({ cordon: 'Ours', drain: draining })), 'cordon drain', 'Draining'],
  ['our drain that ended well', writeLedger(ledgerWith({ cordon: 'Ours', drain: drained })), 'cordon drain', 'Drained'],
  [
    'our drain that gave up',
    writeLedger(ledgerWith({ cordon: 'Ours', drain: { ...draining, state: 'GaveUp' } })),
    'cordon drain',
    'GaveUp',
  ],
  // A person's uncordon stops the drain; it is undone only on recovery.
  ['our drain that a person stopped', writeLedger(ledgerWith({ cordon: 'Released', drain: draining })), 'drain', null],
  [
    'what nsc release took back',
    writeLedger(ledgerWith({ cordon: 'Released', drain: { ...draining, state: 'Released' } })),
    '',
    null,
  ],
  [
    'the ledger of another Node',
    writeLedger(ledgerWith({ nodeUid: 'another', cordon: 'Ours', drain: draining })),
    '',
    null,
  ],
  ['no JSON', 'not JSON', '', null],
  ['another version', '{"version":2}', '', null],
];
for (const [what, ledger, expected, state] of effects) {
  test(`of ${what} in the ledger, ours is: ${expected || 'nothing'}`, async () => {
    const metrics = create();
    metrics.node.seen(nodeWith(ledger));
    const names = expected.split(' ');
    const ours = (effect: string) => [`effect="${effect}"`, names.includes(effect) ? 1 : 0];
    const expectedEffects = Object.fromEntries(['cordon', 'taint', 'drain'].map(ours));
    assert.deepEqual(await read(metrics, 'nsc_node_effect'), expectedEffects);
    const states = (['Draining', 'Drained', 'GaveUp'] as const satisfies readonly DrainMemory['state'][]).map(
      (each) => [`state="${each}"`, each === state ? 1 : 0] as const,
    );
    assert.deepEqual(await read(metrics, 'nsc_drain_state'), Object.fromEntries(states));
    const started = names.includes('drain') ? { '': START } : {};
    assert.deepEqual(await read(metrics, 'nsc_drain_started_timestamp_seconds'), started);
    metrics.node.seen(null);
    assert.deepEqual(Object.values(await read(metrics, 'nsc_node_effect')), [0, 0, 0]);
    assert.deepEqual(await read(metrics, 'nsc_drain_started_timestamp_seconds'), {});
  });
}

test('a reload that fails is a 0 until the same good directory is back', async () => {
  const metrics = create();
  const success = () => read(metrics, 'nsc_policy_reload_success');
  metrics.policies.loaded(load('0123456789ab'));
  metrics.policies.loaded(INVALID);
  assert.deepEqual(await success(), { '': 0 });
  assert.deepEqual(await read(metrics, 'nsc_policy_info'), { 'revision="0123456789ab"': 1 });
  metrics.policies.loaded(load('0123456789ab'));
  assert.deepEqual(await success(), { '': 1 });
  metrics.policies.loaded(load('ba9876543210'));
  assert.deepEqual(await read(metrics, 'nsc_policy_info'), { 'revision="ba9876543210"': 1 });
  assert.deepEqual(await read(metrics, 'nsc_policy_reloads_total'), { 'result="Success"': 3, 'result="Error"': 1 });
  assert.deepEqual(await read(metrics, 'nsc_policies'), { '': 2 });
  assert.deepEqual(await read(metrics, 'nsc_budgets'), { '': 0 });
});

test('a denial is counted when it begins, not while it lasts', async () => {
  const metrics = create();
  const denials = () => read(metrics, 'nsc_budget_denials_total');
  metrics.budgets.inForce(['a', 'b']);
  assert.deepEqual(await denials(), { 'budget="a"': 0, 'budget="b"': 0 });
  for (const denying of ['a', 'a', 'b', null, 'b', 'b']) metrics.budgets.show([], denying);
  assert.deepEqual(await denials(), { 'budget="a"': 1, 'budget="b"': 2 });
  assert.deepEqual(await read(metrics, 'nsc_budget_denied'), { 'budget="b"': 1 });
});

test('no denial outlives its budget, and a slot is shown as long as it is held', async () => {
  const metrics = create();
  metrics.budgets.inForce(['a', 'b']);
  metrics.budgets.show(['a'], 'b');
  metrics.budgets.inForce([]);
  assert.deepEqual(await read(metrics, 'nsc_budget_denials_total'), {});
  assert.deepEqual(await read(metrics, 'nsc_budget_denied'), {});
  metrics.budgets.show(['a'], 'b');
  assert.deepEqual(await read(metrics, 'nsc_budget_denied'), {});
  assert.deepEqual(await read(metrics, 'nsc_budget_slots_held'), { 'budget="a"': 1 });
  metrics.budgets.show([], null);
  assert.doesNotMatch(await metrics.registry.metrics(), /budget="/);
});

test('a drain is counted by attempts and by pods, none of which is named', async () => {
  const metrics = create();
  metrics.drain.podsLeft(3, 2);
  for (const how of ['Evicted', 'Evicted', 'Deleted'] as const) metrics.drain.podAccepted(how);
  metrics.drain.attemptEnded('GaveUp', 30);
  assert.deepEqual(await read(metrics, 'nsc_drain_pods'), { 'state="left"': 3, 'state="blocked"': 2 });
  assert.deepEqual(await read(metrics, 'nsc_drain_pods_total'), { 'result="Evicted"': 2, 'result="Deleted"': 1 });
  assert.deepEqual(await read(metrics, 'nsc_drain_duration_seconds_count'), {
    'result="Drained"': 0,
    'result="GaveUp"': 1,
    'result="Aborted"': 0,
  });
});

test('the build and the start of the process are there', async () => {
  const metrics = create();
  assert.deepEqual(await read(metrics, 'nsc_build_info'), { 'version="1.2.3",runtime="node 24"': 1 });
  const { '': started = 0 } = await read(metrics, 'process_start_time_seconds');
  assert.ok(Math.abs(started - (Date.now() / 1000 - process.uptime())) < 5, `found ${started}`);
});
