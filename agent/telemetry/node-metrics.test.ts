import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { readSamples, samplesOf } from '../../test/harness/metrics-text.ts';
import { MARK_EFFECTS } from '../core/effects/list.ts';
import type { MarkTurn, Owner } from '../core/effects/mark.ts';
import { type DrainMemory, type Ledger, writeLedger } from '../core/ledger.ts';
import { LEDGER_ANNOTATION, type NodeView } from '../core/node.ts';
import { SAMPLE_NOW, SAMPLE_TAINT, sampleNode } from '../core/samples.ts';
import { createNodeMetrics } from './node-metrics.ts';

const START = Date.parse(SAMPLE_NOW) / 1000;

function setUp() {
  const registry = new Registry();
  const read = async (name: string) => samplesOf(readSamples(await registry.metrics()), name);
  return { node: createNodeMetrics(registry), read };
}

const draining: DrainMemory = { state: 'Draining', since: SAMPLE_NOW, rules: null };
const drained: DrainMemory = { ...draining, state: 'Drained' };

/** Of one policy, by whom its cordon and its taint are owned; and how far its drain is. */
type Held = { cordon?: Owner; taint?: Owner; drain?: DrainMemory; others?: readonly DrainMemory[] } & Partial<Ledger>;

function textOf({ cordon, taint, drain = undefined, others = [], ...more }: Held): string {
  const hold = { since: SAMPLE_NOW, marks: {} };
  const drains = [...(drain ? [drain] : []), ...others];
  return writeLedger({
    nodeUid: 'uid-1',
    since: SAMPLE_NOW,
    policies: Object.fromEntries(drains.map((each, i) => [`p${i}`, { ...hold, drain: each }])),
    marks: [
      ...(cordon ? [{ effect: 'cordon', mark: {}, owner: cordon }] : []),
      ...(taint ? [{ effect: 'taint', mark: SAMPLE_TAINT, owner: taint }] : []),
    ],
    ...more,
  });
}
const nodeWith = (ledger: string) => sampleNode({ annotations: { [LEDGER_ANNOTATION]: ledger } });

const effects: [what: string, ledger: string, effects: string, state: string | null][] = [
  ['our cordon', textOf({ cordon: 'Ours' }), 'cordon', null],
  ["somebody else's cordon and taint", textOf({ cordon: 'Theirs', taint: 'Theirs' }), '', null],
  ['what a person took away', textOf({ cordon: 'TakenAway', taint: 'TakenAway' }), '', null],
  ['our taint alone', textOf({ cordon: 'Theirs', taint: 'Ours' }), 'taint', null],
  ['our drain under way', textOf({ cordon: 'Ours', drain: draining }), 'cordon drain', 'Draining'],
  ['our drain that ended well', textOf({ cordon: 'Ours', drain: drained }), 'cordon drain', 'Drained'],
  [
    'our drain that gave up',
    textOf({ cordon: 'Ours', drain: { ...draining, state: 'GaveUp' } }),
    'cordon drain',
    'GaveUp',
  ],
  [
    'a drain that ended well beside one under way',
    textOf({ cordon: 'Ours', drain: drained, others: [draining] }),
    'cordon drain',
    'Draining',
  ],
  // A person's uncordon stops the drain; it is undone only on recovery.
  ['our drain that a person stopped', textOf({ cordon: 'TakenAway', drain: draining }), 'drain', null],
  ['what nsc release took back', textOf({ cordon: 'TakenAway', drain: { ...draining, state: 'Stopped' } }), '', null],
  ['the ledger of another Node', textOf({ nodeUid: 'another', cordon: 'Ours', drain: draining }), '', null],
  ['no JSON', 'not JSON', '', null],
  ['another version', '{"version":3}', '', null],
];
for (const [what, ledger, expected, state] of effects) {
  test(`of ${what} in the ledger, ours is: ${expected || 'nothing'}`, async () => {
    const { node, read } = setUp();
    node.seen(nodeWith(ledger));
    const names = expected.split(' ');
    const ours = (effect: string) => [`effect="${effect}"`, names.includes(effect) ? 1 : 0];
    const expectedEffects = Object.fromEntries(['cordon', 'taint', 'drain'].map(ours));
    assert.deepEqual(await read('nsc_node_effect'), expectedEffects);
    const states = (['Draining', 'Drained', 'GaveUp'] as const satisfies readonly DrainMemory['state'][]).map(
      (each) => [`state="${each}"`, each === state ? 1 : 0] as const,
    );
    assert.deepEqual(await read('nsc_drain_state'), Object.fromEntries(states));
    const started = names.includes('drain') ? { '': START } : {};
    assert.deepEqual(await read('nsc_drain_started_timestamp_seconds'), started);
    node.seen(null);
    assert.deepEqual(Object.values(await read('nsc_node_effect')), [0, 0, 0]);
    assert.deepEqual(await read('nsc_drain_started_timestamp_seconds'), {});
  });
}

const HELD = {
  unschedulable: true,
  taints: [SAMPLE_TAINT],
  annotations: { [LEDGER_ANNOTATION]: textOf({ cordon: 'Ours', taint: 'Ours', drain: draining }) },
};
const GARBLED = { ...HELD, annotations: { [LEDGER_ANNOTATION]: '{' } };
const unreadable: [what: string, node: Partial<NodeView>, effects: string][] = [
  ['stays ours', GARBLED, 'cordon taint drain'],
  ['is not ours where it is gone', { ...GARBLED, unschedulable: false }, 'taint drain'],
  [
    'is not ours where a person has changed it',
    { ...GARBLED, taints: [{ ...SAMPLE_TAINT, value: 'other' }] },
    'cordon drain',
  ],
  ['is not ours on another Node', { ...GARBLED, uid: 'uid-2' }, ''],
];
for (const [what, node, expected] of unreadable) {
  test(`while the ledger cannot be read, what it last said to be ours ${what}`, async () => {
    const { node: metrics, read } = setUp();
    const ours = async () =>
      Object.entries(await read('nsc_node_effect')).flatMap(([label, value]) =>
        value === 1 ? [label.slice('effect="'.length, -1)] : [],
      );
    metrics.seen(sampleNode(HELD));
    for (let n = 0; n < 2; n++) metrics.seen(sampleNode(node));
    assert.deepEqual(await ours(), expected === '' ? [] : expected.split(' '));
    assert.deepEqual(
      await read('nsc_drain_started_timestamp_seconds'),
      expected.includes('drain') ? { '': START } : {},
    );
    metrics.seen(sampleNode({ ...HELD, annotations: {} }));
    assert.deepEqual(await ours(), [], 'it can be read again, and says nothing');
  });
}

test('a drain whose time cannot be read has none', async () => {
  const { node, read } = setUp();
  node.seen(nodeWith(textOf({ drain: { ...draining, since: 'yesterday' } })));
  assert.deepEqual(await read('nsc_drain_started_timestamp_seconds'), {});
});

test('whatever can become of a node is counted under a name of its own, which is there with 0 before', async () => {
  const { node, read } = setUp();
  const before = await read('nsc_node_actions_total');
  assert.ok(Object.values(before).every((count) => count === 0));
  const turns: readonly MarkTurn[] = ['Put', 'TakenBack', 'Found', 'TakenAway'];
  const marks = MARK_EFFECTS.flatMap(({ name }) =>
    turns.map((turn) => ({ kind: 'MarkTurned' as const, turn, effect: name, mark: {} })),
  );
  const policy = 'a';
  const all = [
    ...marks,
    { kind: 'DrainStarted', policy },
    { kind: 'DrainSucceeded', policy },
    { kind: 'DrainFailed', policy, problems: [] },
    { kind: 'GivenBack' },
  ] as const;
  node.wrote(all, 'Success');
  node.wrote(all, 'Error');
  const after = await read('nsc_node_actions_total');
  assert.deepEqual(Object.keys(after), Object.keys(before));
  assert.equal(Object.keys(after).length, 2 * all.length);
  assert.ok(Object.values(after).every((count) => count === 1));
});
