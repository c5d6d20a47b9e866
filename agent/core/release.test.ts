import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { DrainEnds } from './effects/drain.ts';
import type { Owner } from './effects/mark.ts';
import { NEW_HEALTH } from './health.ts';
import { cordonOwner, type Ledger, marksOf, readLedger } from './ledger.ts';
import {
  CONDITIONS_ANNOTATION,
  DRAIN_STATE_ANNOTATION,
  LEDGER_ANNOTATION,
  type NodeView,
  ownAnnotations,
  POLICY_ANNOTATION,
} from './node.ts';
import type { NodeCheckPolicy, Taint } from './policy.ts';
import { forgetNode, releaseNode } from './release.ts';
import { type Roster, rosterOf } from './roster.ts';
import {
  applyPatch,
  compareSample,
  SAMPLE_DRAIN,
  SAMPLE_TAINT,
  sampleEnd,
  sampleNode,
  samplePolicy,
} from './samples.ts';
import type { NodeTaint } from './taint.ts';

const EVICTS: Taint = { key: 'evicts', value: '', effect: 'NoExecute' };
const FOREIGN: NodeTaint = { key: 'person', effect: 'NoSchedule', timeAdded: '2025-01-01T00:00:00Z' };
const ALL = samplePolicy('all', { actions: { cordon: true, taint: SAMPLE_TAINT, drain: SAMPLE_DRAIN } });

suite('releasing a node', () => {
  test('takes back the cordon, the taint and the drain in one guarded write, and keeps the ledger', () => {
    const held = taken(sampleNode({ taints: [FOREIGN] }), [ALL]);
    const release = releaseNode(held);
    assert.ok(release.kind === 'Release');
    assert.deepEqual(release.steps, [
      { kind: 'TakeBack', effect: 'cordon', mark: {} },
      { kind: 'TakeBack', effect: 'taint', mark: SAMPLE_TAINT },
      { kind: 'EndDrain' },
    ]);
    assert.equal(release.patch.resourceVersion, held.resourceVersion);
    const node = applyPatch(held, release.patch);
    assert.equal(node.unschedulable, false);
    assert.deepEqual(node.taints, [FOREIGN]);
    assert.equal(node.annotations[DRAIN_STATE_ANNOTATION], 'drainNotActive');
    const { marks, policies } = ledgerOf(node);
    assert.deepEqual(marks, [
      { effect: 'cordon', mark: {}, owner: 'TakenAway' },
      { effect: 'taint', mark: SAMPLE_TAINT, owner: 'TakenAway' },
    ]);
    const hold = ledgerOf(held).policies.all ?? assert.fail();
    assert.deepEqual(policies, { all: { ...hold, drain: { ...hold.drain, state: 'Stopped' } } });
  });

  test('a second time finds nothing of ours', () => {
    const held = taken(sampleNode(), [ALL]);
    assert.deepEqual(releaseNode(released(held)), { kind: 'NothingOurs' });
  });

  test('does nothing where there is no ledger, or that of another Node of this name', () => {
    assert.deepEqual(releaseNode(sampleNode({ unschedulable: true })), { kind: 'NotHeld' });
    const held = taken(sampleNode(), [ALL]);
    assert.deepEqual(releaseNode({ ...held, uid: 'another' }), { kind: 'NotHeld' });
  });

  test('touches nothing when the ledger cannot be read', () => {
    const release = releaseNode(sampleNode({ annotations: { [LEDGER_ANNOTATION]: '{"version":3}' } }));
    assert.ok(release.kind === 'Unreadable');
    assert.match(release.problem, /version must be 1 or 2, found 3/);
  });

  test("a person's cordon and taint stay, and the drain stops all the same", () => {
    const byHand = { ...SAMPLE_TAINT, value: 'by-hand' };
    const held = taken(sampleNode({ unschedulable: true, taints: [byHand] }), [ALL]);
    const release = releaseNode(held);
    assert.ok(release.kind === 'Release');
    assert.deepEqual(release.steps, [{ kind: 'EndDrain' }]);
    const node = applyPatch(held, release.patch);
    assert.equal(node.unschedulable, true);
    assert.deepEqual(node.taints, [byHand]);
    assert.deepEqual(compared(node, [ALL]).drains, []);
  });

  test('a taint of ours that a person gave another value stays', () => {
    const held = taken(sampleNode(), [samplePolicy('a', { actions: { cordon: false, taint: SAMPLE_TAINT } })]);
    const changed = { ...held, taints: [{ ...SAMPLE_TAINT, value: 'by-hand' }] };
    const release = releaseNode(changed);
    assert.ok(release.kind === 'Release');
    assert.deepEqual(release.steps, []);
    assert.equal(release.patch.change.spec, undefined);
    assert.equal(marksOf(ledgerOf(applyPatch(changed, release.patch)), 'taint')[0]?.owner, 'Theirs');
  });

  test('a NoExecute taint that waits for the end of the drain does not come, though the drain ends just now', () => {
    const policy = samplePolicy('a', { actions: { cordon: true, taint: EVICTS, drain: SAMPLE_DRAIN } });
    const node = released(taken(sampleNode(), [policy]));
    assert.equal(compared(node, [policy], sampleEnd('a', 'Drained')).change?.spec, undefined);
  });
});

suite('forgetting a node', () => {
  const OWN = { [POLICY_ANNOTATION]: '{}', [DRAIN_STATE_ANNOTATION]: 'drainNotActive', 'node-svc-checker/later': 'x' };
  const THEIRS = { 'example.com/node-svc-checker': 'x', 'node-svc-checker': 'x', 'not-node-svc-checker/policy': 'x' };
  const held = taken(sampleNode({ taints: [FOREIGN] }), [ALL]);
  const sameBut = (changes: Partial<NodeView>) => ({ ...held, ...changes });
  const names = (annotations: object) => Object.keys(annotations).sort();
  const remembered = names(held.annotations);
  const undone = { unschedulable: false, taints: [FOREIGN] };
  const kept = { unschedulable: true, taints: held.taints };

  const CASES: Readonly<Record<string, { node: NodeView; steps: string[]; removes: string[]; after: object }>> = {
    'takes back what is ours, and removes what says so': {
      node: held,
      steps: ['TakeBack', 'TakeBack', 'EndDrain'],
      removes: remembered,
      after: undone,
    },
    'leaves what a person took away, and put there': {
      node: sameBut({ unschedulable: false, taints: [{ ...SAMPLE_TAINT, value: 'by-hand' }] }),
      steps: ['EndDrain'],
      removes: remembered,
      after: { unschedulable: false, taints: [{ ...SAMPLE_TAINT, value: 'by-hand' }] },
    },
    "takes nothing back for another Node's ledger": {
      node: sameBut({ uid: 'another' }),
      steps: [],
      removes: remembered,
      after: kept,
    },
    'removes every annotation of ours, those of other versions too, and no other': {
      node: sampleNode({ unschedulable: true, annotations: { ...OWN, ...THEIRS } }),
      steps: [],
      removes: names(OWN),
      after: { unschedulable: true, annotations: THEIRS },
    },
    'after a release removes the ledger that it kept': {
      node: released(held),
      steps: [],
      removes: remembered,
      after: undone,
    },
  };
  for (const [rule, { node, steps, removes, after }] of Object.entries(CASES)) {
    test(`${rule}, in one guarded write`, () => {
      const forgotten = forgetNode(node);
      assert.ok(forgotten.kind === 'Release');
      assert.deepEqual(
        forgotten.steps.map(({ kind }) => kind),
        [...steps, 'RemoveAnnotations'],
      );
      assert.deepEqual(forgotten.steps.at(-1), { kind: 'RemoveAnnotations', names: removes });
      const left = applyPatch(node, forgotten.patch);
      assert.deepEqual(left, { ...node, annotations: {}, ...after, resourceVersion: left.resourceVersion });
      assert.deepEqual(forgetNode(left), { kind: 'NothingOurs' });
    });
  }

  test('removes our conditions first, as long as something says that they are ours', () => {
    const theirs = { type: 'KernelDeadlock', status: 'False', reason: 'KernelHasNoDeadlock', message: '' };
    const ours = { type: 'StorageHealthy', status: 'True', reason: 'CheckHealthy', message: '' };
    const annotations = { [CONDITIONS_ANNOTATION]: JSON.stringify([ours.type, 'Gone']) };
    const node = sampleNode({ conditions: [theirs, ours], annotations });
    const forgotten = forgetNode(node);
    assert.ok(forgotten.kind === 'Release');
    assert.deepEqual(forgotten.conditions, {
      uid: node.uid,
      resourceVersion: node.resourceVersion,
      set: [],
      remove: [ours.type],
    });
    assert.deepEqual(forgotten.steps, [
      { kind: 'RemoveConditions', types: [ours.type] },
      { kind: 'RemoveAnnotations', names: [CONDITIONS_ANNOTATION] },
    ]);
  });

  test('removes nothing while nobody can tell which conditions are ours', () => {
    const forgotten = forgetNode(sampleNode({ annotations: { ...OWN, [CONDITIONS_ANNOTATION]: 'Ready' } }));
    assert.ok(forgotten.kind === 'Unreadable');
    assert.match(forgotten.problem, /node-svc-checker\/conditions must be a JSON list of condition types, found Ready/);
  });

  test('discards no ledger that cannot be read, and says how to go on', () => {
    const annotations = { ...OWN, [LEDGER_ANNOTATION]: '{"version":3}' };
    const forgotten = forgetNode(sampleNode({ annotations }));
    assert.ok(forgotten.kind === 'Unreadable');
    assert.match(forgotten.problem, /found 3; undo by hand .*kubectl annotate node node-1 node-svc-checker\/ledger-\)/);
  });
});

suite('whatever is held and whatever a person did to it, a released node', () => {
  const anyPolicy = fc
    .record({
      cordon: fc.boolean(),
      taint: fc.option(fc.constantFrom(SAMPLE_TAINT, EVICTS), { nil: undefined }),
      drain: fc.option(fc.constant(SAMPLE_DRAIN), { nil: undefined }),
    })
    .filter(({ cordon, taint, drain }) => cordon || taint !== undefined || drain !== undefined)
    .map(({ cordon, taint, drain }) => ({ cordon, ...(taint && { taint }), ...(drain && { drain }) }));
  const anyPolicies = fc
    .array(anyPolicy, { minLength: 1, maxLength: 3 })
    .map((list) => list.map((actions, index) => samplePolicy(`p${index}`, { actions })));
  const anyTaints = fc.uniqueArray(
    fc.constantFrom<NodeTaint>(FOREIGN, { ...SAMPLE_TAINT, value: 'by-hand' }, SAMPLE_TAINT, EVICTS),
    { selector: ({ key }) => key },
  );
  const anyEnd = fc.option(fc.constantFrom('Drained' as const, 'GaveUp' as const), { nil: null });
  /** A node that is held, and then edited by a person behind the agent's back. */
  const anyHeld = fc.record({
    policies: anyPolicies,
    before: fc.record({ unschedulable: fc.boolean(), taints: anyTaints }),
    drainState: anyEnd,
    edit: fc.record({ unschedulable: fc.boolean(), taints: anyTaints }, { requiredKeys: [] }),
    drainEnd: anyEnd,
  });

  const hold = ({ policies, before, drainState, edit }: typeof anyHeld extends fc.Arbitrary<infer T> ? T : never) => {
    const node = taken(sampleNode(before), policies);
    return { ...changed(node, compared(node, policies, endsOf(policies, drainState))), ...edit };
  };

  test('is not taken again in the same episode', () => {
    fc.assert(
      fc.property(anyHeld, (held) => {
        const node = released(hold(held));
        const { change, drains, ledger } = compared(node, held.policies, endsOf(held.policies, held.drainEnd));
        // The ledger may still learn of a taint that a person has put there meanwhile.
        assert.equal(change?.spec, undefined);
        assert.equal(change?.metadata?.annotations?.[DRAIN_STATE_ANNOTATION], undefined);
        assert.deepEqual(drains, []);
        assert.ok(owners(ledger).every((owner) => owner !== 'Ours'));
      }),
      { numRuns: 2000 },
    );
  });

  test('is as people left it when the checks recover, and nothing remembers the episode', () => {
    fc.assert(
      fc.property(anyHeld, fc.boolean(), (held, agentLooksBefore) => {
        let node = released(hold(held));
        if (agentLooksBefore) node = changed(node, compared(node, held.policies));
        const recovered = compared(node, []);
        assert.ok(recovered.change);
        const after = changed(node, recovered);
        assert.equal(after.unschedulable, node.unschedulable);
        assert.deepEqual(after.taints, node.taints);
        assert.deepEqual(after.annotations, { [DRAIN_STATE_ANNOTATION]: 'drainNotActive' });
      }),
      { numRuns: 1000 },
    );
  });

  test('is the same when it is forgotten as well, but for our annotations', () => {
    fc.assert(
      fc.property(anyHeld, (held) => {
        const node = hold(held);
        const [forgotten, after] = [forgetNode(node), released(node)];
        assert.ok(forgotten.kind === 'Release');
        const left = applyPatch(node, forgotten.patch);
        assert.deepEqual([left.unschedulable, left.taints], [after.unschedulable, after.taints]);
        assert.deepEqual(ownAnnotations(left), []);
      }),
      { numRuns: 1000 },
    );
  });

  test('has nothing left that only we put there, and everything that a person put there', () => {
    fc.assert(
      fc.property(anyHeld, (held) => {
        const node = hold(held);
        const ledger = ledgerOf(node);
        const after = released(node);
        assert.equal(after.unschedulable, node.unschedulable && cordonOwner(ledger) !== 'Ours');
        const isOurs = (taint: NodeTaint) =>
          marksOf(ledger, 'taint').some(
            ({ mark, owner }) => owner === 'Ours' && mark.key === taint.key && mark.value === (taint.value ?? ''),
          );
        assert.deepEqual(
          after.taints,
          node.taints.filter((taint) => !isOurs(taint)),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

/** The node once an agent whose checks all fail has taken it. */
function taken(node: NodeView, policies: readonly NodeCheckPolicy[]): NodeView {
  const comparison = compared(node, policies);
  assert.ok(comparison.change);
  return changed(node, comparison);
}

function changed(node: NodeView, { change }: ReturnType<typeof compared>): NodeView {
  return change === null ? node : applyPatch(node, { resourceVersion: node.resourceVersion, change });
}

/** Of every policy, that its drain ended so. */
function endsOf(policies: readonly NodeCheckPolicy[], state: 'Drained' | 'GaveUp' | null): DrainEnds {
  return Object.assign({}, ...(state === null ? [] : policies.map(({ metadata }) => sampleEnd(metadata.name, state))));
}

function released(node: NodeView): NodeView {
  const release = releaseNode(node);
  assert.ok(release.kind === 'Release' || release.kind === 'NothingOurs', release.kind);
  return release.kind === 'Release' ? applyPatch(node, release.patch) : node;
}

/** What an agent wants whose checks, of these policies, all fail. */
function compared(node: NodeView, policies: readonly NodeCheckPolicy[], drainEnds: DrainEnds = {}) {
  const roster: Roster = new Map(
    [...rosterOf(policies, {}, new Map(), null)].map(([name, { policy }]) => [
      name,
      { policy, health: { ...NEW_HEALTH, failing: true } },
    ]),
  );
  return compareSample(node, roster, { drainEnds });
}

function ledgerOf(node: NodeView): Ledger {
  const reading = readLedger(node);
  assert.ok(reading.readable && reading.ledger);
  return reading.ledger;
}

function owners(ledger: Ledger | null): Owner[] {
  return (ledger?.marks ?? []).map(({ owner }) => owner);
}
