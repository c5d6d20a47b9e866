import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { DrainEnd } from './compare.ts';
import { NEW_HEALTH } from './health.ts';
import { type Ledger, type Owner, readLedger } from './ledger.ts';
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
  SAMPLE_NOW,
  SAMPLE_TAINT,
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
      { kind: 'Uncordon' },
      { kind: 'RemoveTaint', taint: SAMPLE_TAINT },
      { kind: 'EndDrain' },
    ]);
    assert.equal(release.patch.resourceVersion, held.resourceVersion);
    const node = applyPatch(held, release.patch);
    assert.equal(node.unschedulable, false);
    assert.deepEqual(node.taints, [FOREIGN]);
    assert.equal(node.annotations[DRAIN_STATE_ANNOTATION], 'drainNotActive');
    const { cordon, taints, policies } = ledgerOf(node);
    assert.deepEqual([cordon, taints], ['Released', [{ ...SAMPLE_TAINT, owner: 'Released' }]]);
    assert.deepEqual(policies, ledgerOf(held).policies);
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
    const release = releaseNode(sampleNode({ annotations: { [LEDGER_ANNOTATION]: '{"version":2}' } }));
    assert.ok(release.kind === 'Unreadable');
    assert.match(release.problem, /version must be 1, found 2/);
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
    assert.equal(compared(node, [ALL]).drain, null);
  });

  test('a taint of ours that a person gave another value stays', () => {
    const held = taken(sampleNode(), [samplePolicy('a', { actions: { cordon: false, taint: SAMPLE_TAINT } })]);
    const changed = { ...held, taints: [{ ...SAMPLE_TAINT, value: 'by-hand' }] };
    const release = releaseNode(changed);
    assert.ok(release.kind === 'Release');
    assert.deepEqual(release.steps, []);
    assert.deepEqual(release.patch.taints, undefined);
    assert.equal(ledgerOf(applyPatch(changed, release.patch)).taints[0]?.owner, 'Theirs');
  });

  test('a NoExecute taint that waits for the end of the drain does not come, though the drain ends just now', () => {
    const policy = samplePolicy('a', { actions: { cordon: true, taint: EVICTS, drain: SAMPLE_DRAIN } });
    const node = released(taken(sampleNode(), [policy]));
    const end: DrainEnd = { since: SAMPLE_NOW, state: 'Drained', problems: [] };
    assert.equal(compared(node, [policy], end).patch?.taints, undefined);
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
      steps: ['Uncordon', 'RemoveTaint', 'EndDrain'],
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
    const theirs = { type: 'KernelDeadlock', status: 'False', reason: 'KernelHasNoDeadlock' };
    const ours = { type: 'StorageHealthy', status: 'True', reason: 'CheckHealthy' };
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
    const annotations = { ...OWN, [LEDGER_ANNOTATION]: '{"version":2}' };
    const forgotten = forgetNode(sampleNode({ annotations }));
    assert.ok(forgotten.kind === 'Unreadable');
    assert.match(forgotten.problem, /found 2; undo by hand .*kubectl annotate node node-1 node-svc-checker\/ledger-\)/);
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
    const state = drainState === null ? null : { since: SAMPLE_NOW, state: drainState, problems: [] };
    const { patch } = compared(node, policies, state);
    return { ...(patch === null ? node : applyPatch(node, patch)), ...edit };
  };

  test('is not taken again in the same episode', () => {
    fc.assert(
      fc.property(anyHeld, (held) => {
        const node = released(hold(held));
        const end = held.drainEnd && { since: SAMPLE_NOW, state: held.drainEnd, problems: [] };
        const { patch, drain, ledger } = compared(node, held.policies, end);
        // The ledger may still learn of a taint that a person has put there meanwhile.
        assert.equal(patch?.unschedulable, undefined);
        assert.equal(patch?.taints, undefined);
        assert.equal(patch?.annotations[DRAIN_STATE_ANNOTATION], undefined);
        assert.equal(drain, null);
        assert.ok(owners(ledger).every((owner) => owner !== 'Ours'));
      }),
      { numRuns: 2000 },
    );
  });

  test('is as people left it when the checks recover, and nothing remembers the episode', () => {
    fc.assert(
      fc.property(anyHeld, fc.boolean(), (held, agentLooksBefore) => {
        let node = released(hold(held));
        const { patch: look } = compared(node, held.policies);
        if (look !== null && agentLooksBefore) node = applyPatch(node, look);
        const { patch } = compared(node, []);
        assert.ok(patch);
        const after = applyPatch(node, patch);
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
        assert.equal(after.unschedulable, node.unschedulable && ledger.cordon !== 'Ours');
        const isOurs = (taint: NodeTaint) =>
          ledger.taints.some(
            ({ key, value, owner }) => owner === 'Ours' && key === taint.key && value === (taint.value ?? ''),
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
  const { patch } = compared(node, policies);
  assert.ok(patch);
  return applyPatch(node, patch);
}

function released(node: NodeView): NodeView {
  const release = releaseNode(node);
  assert.ok(release.kind === 'Release' || release.kind === 'NothingOurs', release.kind);
  return release.kind === 'Release' ? applyPatch(node, release.patch) : node;
}

/** What an agent wants whose checks, of these policies, all fail. */
function compared(node: NodeView, policies: readonly NodeCheckPolicy[], drainEnd: DrainEnd | null = null) {
  const roster: Roster = new Map(
    [...rosterOf(policies, {}, new Map(), null)].map(([name, { policy }]) => [
      name,
      { policy, health: { ...NEW_HEALTH, failing: true } },
    ]),
  );
  return compareSample(node, roster, { drainEnd });
}

function ledgerOf(node: NodeView): Ledger {
  const reading = readLedger(node);
  assert.ok(reading.readable && reading.ledger);
  return reading.ledger;
}

function owners(ledger: Ledger | null): (Owner | null)[] {
  return ledger === null ? [] : [ledger.cordon, ...ledger.taints.map(({ owner }) => owner)];
}
