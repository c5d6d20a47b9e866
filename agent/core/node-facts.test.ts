import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { LedgerMark, MarkTurn, Owner } from './effects/mark.ts';
import { type DrainMemory, type Ledger, writeLedger } from './ledger.ts';
import { LEDGER_ANNOTATION, type NodeView } from './node.ts';
import { factsOf, nodeTransitions } from './node-facts.ts';
import { SAMPLE_NOW, SAMPLE_TAINT, sampleEnd, sampleNode } from './samples.ts';
import type { NodeTransition } from './transition.ts';

const LATER = '2026-01-01T01:00:00Z';

/** A Node whose ledger says so; null: it has none. */
function nodeWith(ledger: Partial<Ledger> | null, more: Partial<NodeView> = {}): NodeView {
  const whole = { nodeUid: more.uid ?? 'uid-1', since: SAMPLE_NOW, policies: {}, marks: [], ...ledger };
  return sampleNode({ ...more, ...(ledger && { annotations: { [LEDGER_ANNOTATION]: writeLedger(whole) } }) });
}

function told(before: NodeView, now: NodeView, ends = {}): NodeTransition[] {
  const [a, b] = [factsOf(before) ?? assert.fail(), factsOf(now) ?? assert.fail()];
  return nodeTransitions(a, b, now, ends);
}

suite('a mark', () => {
  const taint = (owner: Owner, value = 'true'): LedgerMark => ({
    effect: 'taint',
    mark: { ...SAMPLE_TAINT, value },
    owner,
  });
  const on = (value = 'true') => ({ taints: [{ ...SAMPLE_TAINT, value }] });
  const held = (mark: LedgerMark, node: Partial<NodeView> = on()) => nodeWith({ marks: [mark] }, node);
  const none = nodeWith({});

  const rows: [rule: string, before: NodeView, now: NodeView, turns: MarkTurn[]][] = [
    ['that we put there is told', none, held(taint('Ours')), ['Put']],
    ['that we gave another value is told', held(taint('Ours')), held(taint('Ours', 'x'), on('x')), ['Put']],
    ['that stays ours is not', held(taint('Ours')), held(taint('Ours')), []],
    ['that we took back is told', held(taint('Ours')), none, ['TakenBack']],
    [
      'that a person had changed before we recovered is not: it is still there',
      held(taint('Ours')),
      nodeWith({}, on('x')),
      [],
    ],
    ['that the ledger forgot and nobody took away is not', held(taint('Ours')), nodeWith({}, on()), []],
    ['that was found there is told', none, held(taint('Theirs')), ['Found']],
    ['that a person changed is told as found', held(taint('Ours')), held(taint('Theirs'), on('x')), ['Found']],
    ['of somebody else that is there no more at the end is not', held(taint('Theirs')), none, []],
    ['that a person took away is told', held(taint('Ours')), held(taint('TakenAway'), {}), ['TakenAway']],
    ['that was taken away is told once', held(taint('TakenAway'), {}), held(taint('TakenAway'), {}), []],
    ['that was taken away is not taken back at the end', held(taint('TakenAway'), {}), none, []],
    ['that a person put there again is told', held(taint('TakenAway'), {}), held(taint('Theirs')), ['Found']],
  ];
  for (const [rule, before, now, turns] of rows) {
    test(rule, () => {
      const turned = told(before, now);
      assert.deepEqual(
        turned.map((each) => (each.kind === 'MarkTurned' ? each.turn : each.kind)),
        turns,
      );
    });
  }

  test('is told with what it is', () => {
    assert.deepEqual(told(none, held(taint('Ours'))), [
      { kind: 'MarkTurned', turn: 'Put', effect: 'taint', mark: SAMPLE_TAINT },
    ]);
  });
});

suite('a drain', () => {
  const drain = (state: DrainMemory['state'], since = SAMPLE_NOW): DrainMemory => ({ state, since, rules: null });
  const draining = (drains: Readonly<Record<string, DrainMemory>>) =>
    nodeWith({
      policies: Object.fromEntries(
        Object.entries(drains).map(([name, each]) => [name, { since: SAMPLE_NOW, marks: {}, drain: each }]),
      ),
    });
  const of = (state: DrainMemory['state'], since?: string) => draining({ a: drain(state, since) });

  const rows: [rule: string, before: NodeView, now: NodeView, kinds: NodeTransition['kind'][]][] = [
    ['that begins is told', nodeWith({}), of('Draining'), ['DrainStarted']],
    ['that goes on is not', of('Draining'), of('Draining'), []],
    ['that ends well is told', of('Draining'), of('Drained'), ['DrainSucceeded']],
    ['that gives up is told', of('Draining'), of('GaveUp'), ['DrainFailed']],
    ['that gave up and ends well after all is told', of('GaveUp'), of('Drained'), ['DrainSucceeded']],
    ['that is done is not told again', of('Drained'), of('Drained'), []],
    ['that begins anew for wider rules is told', of('Drained'), of('Draining', LATER), ['DrainStarted']],
    ['that nsc release stopped is not: the release says so', of('Draining'), of('Stopped'), []],
    ['whose policy recovered is not: what is given back is', of('Draining'), nodeWith({}), []],
    [
      'that began and ended while nobody heard is told whole',
      nodeWith(null),
      of('Drained'),
      ['DrainStarted', 'DrainSucceeded'],
    ],
    [
      'that ended and began anew while nobody heard is told whole',
      of('Draining'),
      of('Drained', LATER),
      ['DrainStarted', 'DrainSucceeded'],
    ],
  ];
  for (const [rule, before, now, kinds] of rows) {
    test(rule, () =>
      assert.deepEqual(
        told(before, now).map(({ kind }) => kind),
        kinds,
      ),
    );
  }

  test('is told for each policy by itself', () => {
    const before = draining({ a: drain('Draining'), b: drain('Draining') });
    const now = draining({ a: drain('Drained'), b: drain('Draining'), c: drain('Draining', LATER) });
    assert.deepEqual(told(before, now), [
      { kind: 'DrainSucceeded', policy: 'a' },
      { kind: 'DrainStarted', policy: 'c' },
    ]);
  });

  test('that gave up says why, where the end is of this very drain', () => {
    const failed = (problems: readonly string[]) => [{ kind: 'DrainFailed', policy: 'a', problems }];
    assert.deepEqual(told(of('Draining'), of('GaveUp'), sampleEnd('a', 'GaveUp')), failed(['pod a/b: why']));
    assert.deepEqual(told(of('Draining'), of('GaveUp'), sampleEnd('a', 'GaveUp', LATER)), failed([]));
    assert.deepEqual(told(of('Draining'), of('GaveUp'), sampleEnd('b', 'GaveUp')), failed([]));
  });
});

suite('the node', () => {
  test('that is given back is told last', () => {
    const before = nodeWith({ marks: [{ effect: 'cordon', mark: {}, owner: 'Ours' }] }, { unschedulable: true });
    assert.deepEqual(told(before, nodeWith(null)), [
      { kind: 'MarkTurned', turn: 'TakenBack', effect: 'cordon', mark: {} },
      { kind: 'GivenBack' },
    ]);
  });

  test('that was never held is not given back', () => assert.deepEqual(told(nodeWith(null), nodeWith(null)), []));

  test('that is another one tells nothing of the first', () => {
    const before = nodeWith({ marks: [{ effect: 'cordon', mark: {}, owner: 'Ours' }] }, { unschedulable: true });
    assert.deepEqual(told(before, nodeWith(null, { uid: 'uid-2' })), []);
  });

  test('whose ledger cannot be read has no facts', () =>
    assert.equal(factsOf(sampleNode({ annotations: { [LEDGER_ANNOTATION]: '{' } })), null));
});
