import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  compareReadable,
  condition,
  FAILING,
  HEALTHY,
  listOf,
  nodeWith,
  rosterWith,
  settleConditions,
  toldBy,
} from '../../test/harness/condition-samples.ts';
import type { Owner } from './effects/mark.ts';
import { type DrainMemory, type Ledger, writeLedger } from './ledger.ts';
import { LEDGER_ANNOTATION, type NodeView } from './node.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { SAMPLE_DRAIN, SAMPLE_NOW, samplePolicy } from './samples.ts';

suite('the lifecycle conditions', () => {
  const draining = (spec: Partial<NodeCheckPolicy['spec']> = {}) =>
    samplePolicy('a', { spec: { lifecycleConditions: true, ...spec }, actions: { drain: SAMPLE_DRAIN } });
  const ledgerOf = (state: DrainMemory['state'], cordon: Owner = 'Ours', drain = true): Ledger => ({
    nodeUid: 'uid-1',
    since: SAMPLE_NOW,
    policies: {
      a: { since: SAMPLE_NOW, marks: { cordon: {} }, drain: drain ? { state, since: SAMPLE_NOW, rules: null } : null },
    },
    marks: [{ effect: 'cordon', mark: {}, owner: cordon }],
  });
  const held = (ledger: Ledger | null, node = nodeWith([])): NodeView => ({
    ...node,
    annotations: { ...node.annotations, ...(ledger && { [LEDGER_ANNOTATION]: writeLedger(ledger) }) },
  });
  const pair = (inProgress: string, drained: string, reason: string) => [
    `DrainInProgress=${inProgress} ${reason}`,
    `Drained=${drained} ${reason}`,
  ];
  const underWay = nodeWith([
    condition('True', 'DrainStarted', 'DrainInProgress'),
    condition('False', 'DrainStarted', 'Drained'),
  ]);

  const rows: [rule: string, ledger: Ledger, policy: NodeCheckPolicy, after: string[]][] = [
    ['tell of a drain under way', ledgerOf('Draining'), draining(), pair('True', 'False', 'DrainStarted')],
    ['tell of a drain that is done', ledgerOf('Drained'), draining(), pair('False', 'True', 'DrainCompleted')],
    ['tell of a drain that gave up', ledgerOf('GaveUp'), draining(), pair('False', 'False', 'DrainGaveUp')],
    ['are gone when nsc release took the drain back', ledgerOf('Stopped', 'TakenAway'), draining(), []],
    ['are gone when a person uncordoned the node', ledgerOf('Drained', 'TakenAway'), draining(), []],
    [
      'are gone when the policy does not ask for them',
      ledgerOf('Draining'),
      draining({ lifecycleConditions: false }),
      [],
    ],
    ['are gone when the policy does not hold the drain', ledgerOf('Draining', 'Ours', false), draining(), []],
    ['are frozen while paused', ledgerOf('Drained'), draining({ paused: true }), pair('True', 'False', 'DrainStarted')],
  ];
  for (const [rule, ledger, policy, after] of rows) {
    test(rule, () => {
      const { node } = settleConditions(held(ledger, underWay), rosterWith(policy, FAILING));
      assert.deepEqual(toldBy(node), after);
      assert.deepEqual(listOf(node), after.length > 0 ? ['DrainInProgress', 'Drained'] : null);
    });
  }

  test('are gone once the node is given back', () => {
    const { node } = settleConditions(held(null, underWay), rosterWith(draining(), HEALTHY));
    assert.deepEqual([toldBy(node), node.annotations], [[], {}]);
  });

  test("are written both or not at all, where one is somebody else's", () => {
    const foreign = condition('False', 'KubectlUncordoned', 'Drained');
    const comparison = compareReadable(
      held(ledgerOf('Draining'), nodeWith([foreign], [])),
      rosterWith(draining(), FAILING),
    );
    assert.deepEqual([comparison.step, comparison.foreign], [null, [foreign]]);
  });

  test('of ours go when somebody else takes one of them over', () => {
    const taken = nodeWith([
      condition('True', 'DrainStarted', 'DrainInProgress'),
      condition('True', 'KubectlDrainCompleted', 'Drained'),
    ]);
    const { node } = settleConditions(held(ledgerOf('Draining'), taken), rosterWith(draining(), FAILING));
    assert.deepEqual([toldBy(node), listOf(node)], [['Drained=True KubectlDrainCompleted'], null]);
  });
});
