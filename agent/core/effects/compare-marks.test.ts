import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { DrainMemory, Hold, Ledger } from '../ledger.ts';
import { changedNode, type NodeView } from '../node.ts';
import type { Taint } from '../policy.ts';
import { SAMPLE_NOW, SAMPLE_TAINT, sampleNode } from '../samples.ts';
import { compareMarks } from './compare-marks.ts';
import type { LedgerMark, Owner } from './mark.ts';

const NO_EXECUTE: Taint = { ...SAMPLE_TAINT, effect: 'NoExecute' };
const drain = (state: DrainMemory['state']): DrainMemory => ({ state, since: SAMPLE_NOW, rules: null });
const hold = (marks: Hold['marks'], state: DrainMemory['state'] | null = null): Hold => ({
  since: SAMPLE_NOW,
  marks,
  drain: state && drain(state),
});
const ledgerMark = (mark: Taint, owner: Owner): LedgerMark => ({ effect: 'taint', mark, owner });
const remembering = (...marks: LedgerMark[]): Ledger => ({ nodeUid: 'uid-1', since: SAMPLE_NOW, policies: {}, marks });

function compare(
  holds: Readonly<Record<string, Hold>>,
  {
    node = sampleNode(),
    before = null,
    frozen = [],
  }: { node?: NodeView; before?: Ledger | null; frozen?: string[] } = {},
) {
  const { marks, change } = compareMarks(node, before, holds, new Set(frozen));
  const { taints, unschedulable } = changedNode(node, change);
  return { taints, unschedulable, owners: marks.map(({ effect, owner }) => `${effect} ${owner}`) };
}

suite('a NoExecute taint waits for the drain of its own policy', () => {
  const marks = { taint: NO_EXECUTE };
  const cordoned = sampleNode({ unschedulable: true });
  for (const state of ['Draining', 'GaveUp', 'Stopped'] as const) {
    test(`while that is ${state}`, () =>
      assert.deepEqual(compare({ a: hold(marks, state) }, { node: cordoned }).taints, []));
  }
  test('until that is done', () =>
    assert.deepEqual(compare({ a: hold(marks, 'Drained') }, { node: cordoned }).taints, [NO_EXECUTE]));

  test("and does not come after a person's uncordon", () => {
    const before = remembering({ effect: 'cordon', mark: {}, owner: 'TakenAway' });
    const holds = { a: hold({ cordon: {}, ...marks }, 'Drained') };
    assert.deepEqual(compare(holds, { node: sampleNode(), before }).taints, []);
    assert.deepEqual(compare(holds, { node: cordoned, before }).taints, [], 'nor when somebody cordons it again');
    const ours = remembering({ effect: 'cordon', mark: {}, owner: 'Ours' });
    assert.deepEqual(compare(holds, { node: sampleNode(), before: ours }).taints, [], 'nor with it');
  });

  test('and then for a kubelet that is ready; one that is there stays', () => {
    const node = { ...cordoned, ready: false };
    assert.deepEqual(compare({ a: hold(marks, 'Drained') }, { node }).taints, []);
    const tainted = { ...node, taints: [NO_EXECUTE] };
    const before = remembering(ledgerMark(NO_EXECUTE, 'Ours'));
    assert.deepEqual(compare({ a: hold(marks, 'Drained') }, { node: tainted, before }).taints, [NO_EXECUTE]);
  });

  test('and for that of no other policy', () => {
    const holds = { a: hold({ taint: SAMPLE_TAINT }, 'Draining'), b: hold(marks), c: hold(marks, 'Draining') };
    assert.deepEqual(compare(holds).taints, [SAMPLE_TAINT, NO_EXECUTE]);
  });

  test('though another one with the same taint waits still', () => {
    const holds = { a: hold(marks, 'Draining'), b: hold(marks, 'Drained') };
    assert.deepEqual(compare(holds, { node: cordoned }).taints, [NO_EXECUTE]);
  });

  test('and stays where it is already, though its policy drains anew', () => {
    const node = sampleNode({ taints: [NO_EXECUTE] });
    const before = remembering(ledgerMark(NO_EXECUTE, 'Ours'));
    const { taints, owners } = compare({ a: hold(marks, 'Draining') }, { node, before });
    assert.deepEqual([taints, owners], [[NO_EXECUTE], ['taint Ours']]);
  });

  test('but no other taint does', () =>
    assert.deepEqual(compare({ a: hold({ taint: SAMPLE_TAINT }, 'Draining') }).taints, [SAMPLE_TAINT]));
});

suite('for a policy that is paused', () => {
  const holds = { a: hold({ cordon: {}, taint: SAMPLE_TAINT }) };
  const ours = remembering({ effect: 'cordon', mark: {}, owner: 'Ours' }, ledgerMark(SAMPLE_TAINT, 'Ours'));

  test('nothing new is put on the node', () =>
    assert.deepEqual(compare(holds, { frozen: ['a'] }), { taints: [], unschedulable: false, owners: [] }));

  test('what is there stays, and keeps the value it has', () => {
    const node = sampleNode({ unschedulable: true, taints: [SAMPLE_TAINT] });
    const edited = { a: hold({ cordon: {}, taint: { ...SAMPLE_TAINT, value: 'new' } }) };
    const { taints, unschedulable, owners } = compare(edited, { node, before: ours, frozen: ['a'] });
    assert.deepEqual([taints, unschedulable, owners], [[SAMPLE_TAINT], true, ['cordon Ours', 'taint Ours']]);
  });

  test('what a person takes away stays away', () => {
    const { taints, unschedulable, owners } = compare(holds, { before: ours, frozen: ['a'] });
    assert.deepEqual([taints, unschedulable, owners], [[], false, ['cordon TakenAway', 'taint TakenAway']]);
  });

  test('another policy puts what it wants itself', () => {
    const both = { ...holds, b: hold({ cordon: {} }) };
    assert.deepEqual(compare(both, { frozen: ['a'] }).owners, ['cordon Ours']);
  });
});

suite('whose a mark is', () => {
  const wants = { a: hold({ cordon: {}, taint: SAMPLE_TAINT }) };
  const marked = sampleNode({ unschedulable: true, taints: [SAMPLE_TAINT] });
  const known = (owner: Owner) => remembering({ effect: 'cordon', mark: {}, owner }, ledgerMark(SAMPLE_TAINT, owner));

  const rows: [rule: string, before: Ledger | null, node: NodeView, cordon: Owner, taint: Owner][] = [
    ['nobody knows and is not there: ours', null, sampleNode(), 'Ours', 'Ours'],
    ['nobody knows and is there: theirs', null, marked, 'Theirs', 'Theirs'],
    ['was ours and is there: ours', known('Ours'), marked, 'Ours', 'Ours'],
    ['was ours and is there no more: taken away', known('Ours'), sampleNode(), 'TakenAway', 'TakenAway'],
    ['was theirs and is there no more: taken away', known('Theirs'), sampleNode(), 'TakenAway', 'TakenAway'],
    [
      'was taken away and is there again: an uncordon holds for the episode',
      known('TakenAway'),
      marked,
      'TakenAway',
      'Theirs',
    ],
    ['was taken away: still so', known('TakenAway'), sampleNode(), 'TakenAway', 'TakenAway'],
  ];
  for (const [rule, before, node, cordon, taint] of rows) {
    test(`that ${rule}`, () =>
      assert.deepEqual(compare(wants, { before, node }).owners, [`cordon ${cordon}`, `taint ${taint}`]));
  }

  for (const owner of ['Theirs', 'TakenAway'] as const) {
    test(`nothing that is ${owner} is taken from the node at the end`, () =>
      assert.deepEqual(compare({}, { before: known(owner), node: marked }).taints, [SAMPLE_TAINT]));
  }
});
