import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Owner } from './effects/mark.ts';
import { type DrainMemory, type Ledger, writeLedger } from './ledger.ts';
import { DRAIN_STATE_ANNOTATION, LEDGER_ANNOTATION, POLICY_ANNOTATION } from './node.ts';
import { SAMPLE_TAINT } from './samples.ts';
import type { SlotLease } from './slot.ts';
import { clusterStatus, isQuiet, type NodeStatus, type ObservedNode } from './status.ts';

const SINCE = '2026-01-01T00:00:00Z';
const REPORT = '{"revision":"0123456789ab"}';

suite('the status of a node', () => {
  test('without an episode and with a report is quiet', () => {
    const status = statusOf({});
    assert.deepEqual(status, {
      name: 'node-1',
      held: false,
      since: null,
      policies: [],
      said: [],
      cordon: null,
      taints: [],
      marks: [],
      drain: null,
      slots: [],
      revision: '0123456789ab',
      problems: [],
    });
    assert.ok(isQuiet(status));
  });

  test('says what the ledger says, with the policies by name', () => {
    const hold = { since: SINCE, marks: { cordon: {} }, drain: null };
    const taints = [{ ...SAMPLE_TAINT, owner: 'Theirs' as const }];
    const marks = [{ effect: 'taint', mark: SAMPLE_TAINT, owner: 'Theirs' as const }];
    const status = statusOf({ policies: { b: hold, a: hold }, cordon: 'Ours', marks, drain: 'Draining' });
    const { held, since, policies, cordon, drain } = status;
    assert.deepEqual(
      { held, since, policies, cordon },
      { held: true, since: SINCE, policies: ['a', 'b'], cordon: 'Ours' },
    );
    assert.deepEqual(drain, { state: 'Draining', since: SINCE });
    assert.deepEqual(status.taints, taints);
    assert.deepEqual(status.marks, [
      { effect: 'cordon', what: 'cordon', owner: 'Ours' },
      { effect: 'taint', what: 'taint nodeServiceCheckFailed=true:NoSchedule', owner: 'Theirs' },
    ]);
    assert.ok(!isQuiet(status));
  });

  test('says by policy what its check said when it took hold, as far as the ledger knows', () => {
    const hold = { since: SINCE, marks: { cordon: {} }, drain: null };
    const { said } = statusOf({
      policies: { b: hold, a: { ...hold, mapped: 'DiskFull', words: 'sda is full' } },
      cordon: 'Ours',
    });
    assert.deepEqual(said, [
      { policy: 'a', since: SINCE, reason: 'DiskFull', words: 'sda is full' },
      { policy: 'b', since: SINCE, reason: null, words: null },
    ]);
  });

  for (const [state, shown] of [
    ['Draining', 'Stopped'],
    ['GaveUp', 'Stopped'],
    ['Drained', 'Drained'],
  ] as const) {
    test(`after an uncordon by hand, a drain that was ${state} is ${shown}`, () =>
      assert.equal(statusOf({ cordon: 'TakenAway', drain: state }).drain?.state, shown));
  }

  test("of another Node's ledger is that of none", () => {
    assert.equal(statusOf({ cordon: 'Ours', nodeUid: 'another' }).held, false);
  });

  const CASES: readonly [string, Record<string, string>, readonly [string, RegExp | null]][] = [
    ['a report nobody can read', { [POLICY_ANNOTATION]: '' }, ['UnreadableReport', null]],
    ['no revision in force', { [POLICY_ANNOTATION]: '{"revision":null}' }, ['NothingInForce', null]],
    [
      'invalid files',
      { [POLICY_ANNOTATION]: '{"revision":"a","error":"a.yaml:1:1: no"}' },
      ['InvalidFiles', /^a\.yaml/],
    ],
    [
      'a defect of the agent',
      { [POLICY_ANNOTATION]: '{"revision":"a","error":"internal error: TypeError: x"}' },
      ['InternalError', /^TypeError: x$/],
    ],
    [
      'a check that says nothing',
      { [POLICY_ANNOTATION]: '{"revision":"a","unknown":{"disk":"timed out"}}' },
      ['CheckUnknown', /^policy disk: timed out$/],
    ],
    ['a ledger nobody can read', { [LEDGER_ANNOTATION]: '{' }, ['UnreadableLedger', /cannot be read/]],
    ['drainActive without an episode', { [DRAIN_STATE_ANNOTATION]: 'drainActive' }, ['DrainActiveWithoutLedger', null]],
  ];
  for (const [what, annotations, [reason, error]] of CASES) {
    test(`with ${what} has a problem`, () => {
      const status = statusOf({ annotations });
      assert.deepEqual(
        status.problems.map((problem) => problem.reason),
        [reason],
      );
      assert.match(status.problems[0]?.error ?? '', error ?? /^$/);
      assert.ok(!isQuiet(status));
    });
  }

  test('that nobody reports on has a problem', () => {
    const { nodes } = clusterStatus([{ name: 'a', uid: 'u', annotations: {} }], []);
    assert.deepEqual(nodes[0]?.problems, [{ reason: 'NoReport', error: null }]);
  });

  test('a drain in an episode is drainActive, and no problem', () => {
    const annotations = { [DRAIN_STATE_ANNOTATION]: 'drainActive' };
    assert.deepEqual(statusOf({ annotations, drain: 'Draining' }).problems, []);
  });
});

suite('slots', () => {
  test('belong to the node that holds them, in this life of its', () => {
    const leases = [lease('b', 'node-1'), lease('a', 'node-1'), lease('a', 'node-1', 'earlier'), lease('a', 'gone')];
    const { nodes, summary } = clusterStatus([observed({})], leases);
    assert.deepEqual(nodes[0]?.slots, ['a', 'b']);
    assert.ok(nodes[0] && !isQuiet(nodes[0]));
    assert.deepEqual(summary.slots, [
      { budget: 'a', held: 3, others: 2 },
      { budget: 'b', held: 1, others: 0 },
    ]);
  });

  test('that could not be read are unknown, not none', () => {
    const { nodes, summary } = clusterStatus([observed({})], null);
    assert.deepEqual([nodes[0]?.slots, summary.slots], [null, null]);
  });
});

test('the summary counts nodes, not effects, and puts the most frequent revision first', () => {
  const newer = { annotations: { [POLICY_ANNOTATION]: '{"revision":"b"}' } };
  const { summary, nodes } = clusterStatus(
    [
      observed({ name: 'n5', cordon: 'Ours', drain: 'Draining' }),
      observed({ name: 'n4', cordon: 'Ours', drain: 'GaveUp', ...newer }),
      observed({ name: 'n3', cordon: 'TakenAway', drain: 'Draining', ...newer }),
      observed({ name: 'n2', ...newer, annotations: { [POLICY_ANNOTATION]: '{"revision":"b","error":"x"}' } }),
      observed({ name: 'n1', annotations: { [POLICY_ANNOTATION]: 'x' } }),
    ],
    [],
  );
  assert.deepEqual(summary, {
    nodes: 5,
    held: 3,
    draining: 1,
    gaveUp: 1,
    takenAway: 1,
    withProblem: 2,
    revisions: [
      { revision: 'b', nodes: 3 },
      { revision: '0123456789ab', nodes: 1 },
    ],
    slots: [],
  });
  assert.deepEqual(
    nodes.map(({ name }) => name),
    ['n1', 'n2', 'n3', 'n4', 'n5'],
  );
});

/** Held as soon as it says anything but a name and annotations. */
type Sample = Partial<Ledger> & {
  name?: string;
  annotations?: Record<string, string>;
  cordon?: Owner;
  /** Of every policy that holds it. */
  drain?: DrainMemory['state'];
};

function observed({ name = 'node-1', annotations, cordon, drain, ...ledger }: Sample): ObservedNode {
  const isHeld = cordon !== undefined || drain !== undefined || Object.keys(ledger).length > 0;
  const memory = drain && { state: drain, since: SINCE, rules: null };
  const whole: Ledger = {
    nodeUid: 'uid-1',
    since: SINCE,
    ...ledger,
    policies: ledger.policies ?? {},
    marks: [...(cordon ? [{ effect: 'cordon', mark: {}, owner: cordon }] : []), ...(ledger.marks ?? [])],
  };
  return {
    name,
    uid: 'uid-1',
    annotations: {
      [POLICY_ANNOTATION]: REPORT,
      ...(isHeld && { [LEDGER_ANNOTATION]: writeLedger(memory ? withDrain(whole, memory) : whole) }),
      ...annotations,
    },
  };
}

function withDrain(ledger: Ledger, drain: DrainMemory): Ledger {
  const holds = Object.entries(ledger.policies).map(([name, hold]) => [name, { ...hold, drain }]);
  const alone = [['drains', { since: SINCE, marks: {}, drain }]];
  return { ...ledger, policies: Object.fromEntries(holds.length > 0 ? holds : alone) };
}

function statusOf(sample: Sample): NodeStatus {
  const [status] = clusterStatus([observed(sample)], []).nodes;
  assert.ok(status);
  return status;
}

function lease(budget: string, holder: string, ownerUid = 'uid-1'): SlotLease {
  const name = `nsc-${budget}-${holder}-${ownerUid}`;
  return { name, uid: name, resourceVersion: '1', createdAt: SINCE, budget, holder, ownerUid, topology: null };
}
