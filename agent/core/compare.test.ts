import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareNode, type Situation } from './compare.ts';
import { markEffect } from './effects/list.ts';
import { NEW_HEALTH } from './health.ts';
import { cordonOwner, readLedger } from './ledger.ts';
import { DRAIN_STATE_ANNOTATION, LEDGER_ANNOTATION, type NodeView } from './node.ts';
import { drainRules } from './orders/drain-rules.ts';
import type { NodeCheckPolicy, Taint } from './policy.ts';
import type { Roster } from './roster.ts';
import {
  compareSample as compare,
  SAMPLE_DRAIN,
  SAMPLE_NOW,
  SAMPLE_SLOTS,
  SAMPLE_TAINT,
  sampleEnd,
  sampleNode,
  samplePolicy,
  settleSample as settle,
  transitionsOf,
} from './samples.ts';

const NOW = SAMPLE_NOW;
const DRAIN = SAMPLE_DRAIN;
const NO_EXECUTE: Taint = { ...SAMPLE_TAINT, effect: 'NoExecute' };

const failing = (...policies: NodeCheckPolicy[]): Roster => rosterWith(true, policies);
const healthy = (...policies: NodeCheckPolicy[]): Roster => rosterWith(false, policies);
function rosterWith(isFailing: boolean, policies: NodeCheckPolicy[]): Roster {
  return new Map(
    policies.map((policy) => [policy.metadata.name, { policy, health: { ...NEW_HEALTH, failing: isFailing } }]),
  );
}

const kinds = (node: NodeView, roster: Roster, overrides: Partial<Situation> = {}) =>
  transitionsOf(node, compare(node, roster, overrides).change, overrides.drainEnds).map((told) =>
    told.kind === 'MarkTurned' ? markEffect(told.effect).words[told.turn].action : told.kind,
  );
const withheld = (node: NodeView, roster: Roster, overrides: Partial<Situation> = {}) =>
  compare(node, roster, overrides).withheld.map(({ policy, why }) => `${policy}: ${why}`);
const ledgerOf = (node: NodeView) => {
  const reading = readLedger(node);
  return reading.readable ? reading.ledger : assert.fail(reading.problem);
};

const both = samplePolicy('a', { actions: { cordon: true, taint: SAMPLE_TAINT } });
const drains = samplePolicy('a', { actions: { cordon: false, taint: SAMPLE_TAINT, drain: DRAIN } });
const foreignTaint = { key: 'x', effect: 'NoSchedule', timeAdded: '2025-01-01T00:00:00Z' };

test('a healthy policy touches nothing', () => {
  assert.equal(compare(sampleNode(), healthy(both)).change, null);
});

test('cordon, taint, drain state and ledger are one change', () => {
  const { change } = compare(sampleNode({ taints: [foreignTaint] }), failing(drains));
  const { [LEDGER_ANNOTATION]: ledger, ...otherAnnotations } = change?.metadata?.annotations ?? {};
  assert.deepEqual(
    { ...change, metadata: { annotations: otherAnnotations } },
    {
      spec: { unschedulable: true, taints: [foreignTaint, SAMPLE_TAINT] },
      metadata: { annotations: { [DRAIN_STATE_ANNOTATION]: 'drainActive' } },
    },
  );
  const drain = { state: 'Draining', since: NOW, rules: drainRules(DRAIN) };
  assert.deepEqual(JSON.parse(ledger ?? ''), {
    version: 2,
    nodeUid: 'uid-1',
    since: NOW,
    policies: { a: { since: NOW, marks: { cordon: {}, taint: SAMPLE_TAINT }, drain } },
    marks: [
      { effect: 'cordon', mark: {}, owner: 'Ours' },
      { effect: 'taint', mark: SAMPLE_TAINT, owner: 'Ours' },
    ],
  });
});

test('recovery undoes everything we did in one patch and says that no drain is active', () => {
  const disrupted = settle(sampleNode({ taints: [foreignTaint] }), failing(drains));
  assert.deepEqual(kinds(disrupted, healthy(drains)), ['Uncordoned', 'Untainted', 'GivenBack']);
  const after = settle(disrupted, healthy(drains));
  assert.equal(after.unschedulable, false);
  assert.deepEqual(after.taints, [foreignTaint]);
  assert.deepEqual(after.annotations, { [DRAIN_STATE_ANNOTATION]: 'drainNotActive' });
});

test('an episode without a drain leaves the drain state absent until it ends', () => {
  const disrupted = settle(sampleNode(), failing(both));
  assert.equal(disrupted.annotations[DRAIN_STATE_ANNOTATION], undefined);
  assert.equal(settle(disrupted, healthy(both)).annotations[DRAIN_STATE_ANNOTATION], 'drainNotActive');
});

test('a policy without actions writes nothing, not even a ledger', () => {
  assert.equal(compare(sampleNode(), failing(samplePolicy('a', { actions: { cordon: false } }))).change, null);
});

test("a person's cordon is not ours to undo", () => {
  const cordoned = sampleNode({ unschedulable: true });
  assert.deepEqual(kinds(cordoned, failing(both)), ['CordonFound', 'Tainted']);
  const disrupted = settle(cordoned, failing(both));
  assert.deepEqual(kinds(disrupted, healthy(both)), ['Untainted', 'GivenBack']);
  assert.equal(settle(disrupted, healthy(both)).unschedulable, true);
});

test("a person's uncordon is respected until the episode ends, and the next episode cordons again", () => {
  const uncordoned = { ...settle(sampleNode(), failing(both)), unschedulable: false };
  assert.deepEqual(kinds(uncordoned, failing(both)), ['CordonTakenAway']);
  const respected = settle(uncordoned, failing(both));
  assert.equal(respected.unschedulable, false);
  assert.deepEqual(respected.taints, [SAMPLE_TAINT]);
  const recovered = settle(respected, healthy(both));
  assert.deepEqual(recovered.taints, []);
  assert.equal(settle(recovered, failing(both)).unschedulable, true);
});

test("a person's cordon after a person's uncordon stays when we recover", () => {
  const respected = settle({ ...settle(sampleNode(), failing(both)), unschedulable: false }, failing(both));
  const recordoned = { ...respected, unschedulable: true };
  assert.equal(settle(settle(recordoned, failing(both)), healthy(both)).unschedulable, true);
});

test("a person's uncordon stops the drains of policies that fail later in the episode, too", () => {
  const uncordoned = settle({ ...settle(sampleNode(), failing(drains)), unschedulable: false }, failing(drains));
  const roster = failing(drains, samplePolicy('later', { actions: { drain: DRAIN } }));
  const after = settle(uncordoned, roster);
  assert.equal(ledgerOf(after)?.policies.later?.drain?.state, 'Stopped');
  assert.deepEqual(compare(after, roster).drains, []);
});

test("a person's uncordon stops the drain for the whole episode, though somebody cordons the node again", () => {
  const uncordoned = settle({ ...settle(sampleNode(), failing(drains)), unschedulable: false }, failing(drains));
  const recordoned = { ...uncordoned, unschedulable: true };
  assert.deepEqual(compare(recordoned, failing(drains)).drains, []);
  assert.deepEqual(compare(settle(recordoned, failing(drains)), failing(drains)).drains, []);
});

test('a taint of our key that was there before stays, with its value', () => {
  const theirs = { ...SAMPLE_TAINT, value: 'by-hand' };
  const disrupted = settle(sampleNode({ taints: [theirs] }), failing(both));
  assert.deepEqual(disrupted.taints, [theirs]);
  assert.deepEqual(settle(disrupted, healthy(both)).taints, [theirs]);
});

test("a person's removal of our taint is respected until the episode ends", () => {
  const untainted = { ...settle(sampleNode(), failing(both)), taints: [] };
  assert.deepEqual(kinds(untainted, failing(both)), ['TaintTakenAway']);
  assert.deepEqual(settle(untainted, failing(both)).taints, []);
});

test('a taint of ours that a person gave another value is theirs and stays', () => {
  const theirs = { ...SAMPLE_TAINT, value: 'by-hand' };
  const changed = { ...settle(sampleNode(), failing(both)), taints: [theirs] };
  assert.deepEqual(settle(settle(changed, failing(both)), healthy(both)).taints, [theirs]);
});

test('a person who removes the ledger takes the node over: nothing is undone', () => {
  const { annotations: _, ...rest } = settle(sampleNode(), failing(both));
  const taken = { ...rest, annotations: {} };
  assert.equal(compare(taken, healthy(both)).change, null);
});

test('an unreadable ledger stops everything', () => {
  const node = sampleNode({ annotations: { [LEDGER_ANNOTATION]: '{' } });
  const comparison = compareNode({
    node,
    roster: failing(both),
    ...SAMPLE_SLOTS.Granted,
    ownTolerations: null,
    drainEnds: {},
    now: NOW,
  });
  assert.equal(comparison.kind, 'Unreadable');
});

test('a ledger of another Node of that name counts as none', () => {
  const reborn = { ...settle(sampleNode(), failing(both)), uid: 'uid-2' };
  assert.equal(compare(reborn, healthy(both)).change, null);
  const again = settle(reborn, failing(both));
  assert.equal(cordonOwner(ledgerOf(again)), 'Theirs');
});

test('effects are the union over failing policies, each with its own end', () => {
  const taintB = { key: 'b', value: '', effect: 'PreferNoSchedule' } as const;
  const b = samplePolicy('b', { actions: { cordon: true, taint: taintB } });
  const disrupted = settle(sampleNode(), failing(both, b));
  assert.deepEqual(disrupted.taints, [SAMPLE_TAINT, taintB]);
  const half = settle(disrupted, new Map([...healthy(both), ...failing(b)]));
  assert.equal(half.unschedulable, true);
  assert.deepEqual(half.taints, [taintB]);
});

test('of two policies with one taint the first gives the value, and it goes with the last', () => {
  const b = samplePolicy('b', { actions: { taint: { ...SAMPLE_TAINT, value: 'b' } } });
  const disrupted = settle(sampleNode(), failing(both, b));
  assert.deepEqual(disrupted.taints, [SAMPLE_TAINT]);
  const half = settle(disrupted, new Map([...healthy(both), ...failing(b)]));
  assert.deepEqual(half.taints, [{ ...SAMPLE_TAINT, value: 'b' }]);
  assert.deepEqual(settle(half, healthy(both, b)).taints, []);
});

test('since when is kept for as long as the episode and each of its policies last', () => {
  const b = samplePolicy('b', { actions: { taint: { ...SAMPLE_TAINT, key: 'b' } } });
  const later = { now: '2026-01-01T01:00:00Z' };
  const joined = ledgerOf(settle(settle(sampleNode(), failing(both)), failing(both, b), later));
  assert.equal(joined?.since, NOW);
  assert.equal(joined?.policies.a?.since, NOW);
  assert.equal(joined?.policies.b?.since, later.now);
  const widened = ledgerOf(settle(settle(sampleNode(), failing(both)), failing(drains), later));
  assert.equal(widened?.policies.a?.since, NOW);
});

test('Observe does nothing and says what it would do', () => {
  const observed = samplePolicy('a', { actions: { cordon: true }, spec: { mode: 'Observe' } });
  assert.equal(compare(sampleNode(), failing(observed)).change, null);
  assert.deepEqual(withheld(sampleNode(), failing(observed)), ['a: Observe']);
});

test('paused freezes: nothing is done, nothing is undone', () => {
  const paused = samplePolicy('a', { actions: { cordon: true, taint: SAMPLE_TAINT }, spec: { paused: true } });
  assert.equal(compare(sampleNode(), failing(paused)).change, null);
  assert.deepEqual(withheld(sampleNode(), failing(paused)), ['a: Paused']);
  const disrupted = settle(sampleNode(), failing(both));
  assert.equal(compare(disrupted, failing(paused)).change, null);
  assert.equal(compare(disrupted, healthy(paused)).change, null);
});

test('a NotReady kubelet means hands off, but undoing is always allowed', () => {
  const unready = sampleNode({ ready: false });
  assert.equal(compare(unready, failing(both)).change, null);
  assert.deepEqual(withheld(unready, failing(both)), ['a: KubeletNotReady']);
  const disrupted = { ...settle(sampleNode(), failing(both)), ready: false };
  assert.equal(compare(disrupted, failing(both)).change, null);
  assert.deepEqual(withheld(disrupted, failing(both)), []);
  assert.equal(settle(disrupted, healthy(both)).unschedulable, false);
});

test('what is held stays while the kubelet is NotReady, and nothing joins it', () => {
  const b = samplePolicy('b', { actions: { taint: { ...SAMPLE_TAINT, key: 'b' } } });
  const disrupted = { ...settle(sampleNode(), failing(both)), ready: false };
  assert.equal(compare(disrupted, failing(both, b)).change, null);
  assert.deepEqual(withheld(disrupted, failing(both, b)), ['b: KubeletNotReady']);
});

test('a denied budget stops new episodes and never blocks an undo', () => {
  const denied = SAMPLE_SLOTS.Denied;
  assert.equal(compare(sampleNode(), failing(both), denied).change, null);
  assert.deepEqual(withheld(sampleNode(), failing(both), denied), ['a: BudgetDenied']);
  const disrupted = settle(sampleNode(), failing(both));
  assert.equal(compare(disrupted, failing(both), denied).change, null);
  assert.equal(settle(disrupted, healthy(both), denied).unschedulable, false);
});

test('NoExecute is refused where it would evict the agent, and the other effects go on', () => {
  const policy = samplePolicy('a', { actions: { cordon: true, taint: NO_EXECUTE } });
  const refused = { ownTolerations: [] };
  const after = settle(sampleNode(), failing(policy), refused);
  assert.equal(after.unschedulable, true);
  assert.deepEqual(after.taints, []);
  assert.deepEqual(withheld(sampleNode(), failing(policy), refused), ['a: WouldEvictAgent']);
  const tolerated = { ownTolerations: [{ operator: 'Exists' }] };
  assert.deepEqual(settle(sampleNode(), failing(policy), tolerated).taints, [NO_EXECUTE]);
});

test('what is left when NoExecute is refused still needs a slot', () => {
  const policy = samplePolicy('a', { actions: { cordon: true, taint: NO_EXECUTE } });
  for (const [slot, why] of [
    ['Denied', 'BudgetDenied'],
    ['Pending', 'SlotPending'],
  ] as const) {
    const situation = { ...SAMPLE_SLOTS[slot], ownTolerations: [] };
    assert.equal(compare(sampleNode(), failing(policy), situation).change, null);
    assert.deepEqual(withheld(sampleNode(), failing(policy), situation), [`a: ${why}`]);
  }
  const granted = { ...SAMPLE_SLOTS.Granted, ownTolerations: [] };
  assert.equal(settle(sampleNode(), failing(policy), granted).unschedulable, true);
});

test('a refused NoExecute as the only effect asks for no slot', () => {
  const policy = samplePolicy('a', { actions: { cordon: false, taint: NO_EXECUTE } });
  const situation = { ...SAMPLE_SLOTS.Pending, ownTolerations: [] };
  assert.deepEqual(withheld(sampleNode(), failing(policy), situation), ['a: WouldEvictAgent']);
});

test('a refused NoExecute as the only effect leaves the node untouched', () => {
  const policy = samplePolicy('a', { actions: { cordon: false, taint: NO_EXECUTE } });
  assert.equal(compare(sampleNode(), failing(policy), { ownTolerations: [] }).change, null);
});

const ordersOf = (node: NodeView, roster: Roster, overrides: Partial<Situation> = {}) =>
  compare(node, roster, overrides).drains;
const ended = (state: 'Drained' | 'GaveUp', since = NOW) => ({ drainEnds: sampleEnd('a', state, since) });

test('NoExecute goes out with the end of the drain, in one patch', () => {
  const policy = samplePolicy('a', { actions: { taint: NO_EXECUTE, drain: DRAIN } });
  const draining = settle(sampleNode(), failing(policy));
  assert.equal(draining.unschedulable, true);
  assert.deepEqual(draining.taints, []);
  assert.deepEqual(kinds(draining, failing(policy), ended('Drained')), ['Tainted', 'DrainSucceeded']);
  const drained = settle(draining, failing(policy), ended('Drained'));
  assert.deepEqual(drained.taints, [NO_EXECUTE]);
  assert.equal(ledgerOf(drained)?.policies.a?.drain?.state, 'Drained');
});

test('a drain that gave up applies no NoExecute, and stays ordered', () => {
  const policy = samplePolicy('a', { actions: { taint: NO_EXECUTE, drain: DRAIN } });
  const gaveUp = settle(settle(sampleNode(), failing(policy)), failing(policy), ended('GaveUp'));
  assert.deepEqual(gaveUp.taints, []);
  assert.equal(gaveUp.unschedulable, true);
  assert.deepEqual(
    ordersOf(gaveUp, failing(policy), ended('GaveUp')).map(({ isRetry }) => isRetry),
    [true],
  );
  assert.deepEqual(settle(gaveUp, failing(policy), ended('Drained')).taints, [NO_EXECUTE]);
});

test('a finished drain is not ordered again, and its state is kept until the episode ends', () => {
  const drained = settle(settle(sampleNode(), failing(drains)), failing(drains), ended('Drained'));
  assert.deepEqual(ordersOf(drained, failing(drains)), []);
  assert.equal(drained.annotations[DRAIN_STATE_ANNOTATION], 'drainActive');
  assert.equal(settle(drained, healthy(drains)).annotations[DRAIN_STATE_ANNOTATION], 'drainNotActive');
});

test("the end of another episode's drain means nothing", () => {
  const draining = settle(sampleNode(), failing(drains));
  assert.equal(compare(draining, failing(drains), ended('Drained', '2025-12-31T00:00:00Z')).change, null);
});

test('a drain is ordered for each policy that wants one, with its own rules', () => {
  const b = samplePolicy('b', { actions: { drain: { ...DRAIN, timeoutSeconds: 1 } } });
  const orders = ordersOf(settle(sampleNode(), failing(drains, b)), failing(drains, b));
  assert.deepEqual(orders, [
    { policy: 'a', since: NOW, isRetry: false, rules: DRAIN },
    { policy: 'b', since: NOW, isRetry: false, rules: { ...DRAIN, timeoutSeconds: 1 } },
  ]);
});

const draining = settle(sampleNode(), failing(drains));
const paused = samplePolicy('a', { actions: drains.spec.actions, spec: { paused: true } });
const stops: [when: string, node: NodeView, roster: Roster][] = [
  ['the check recovers', draining, healthy(drains)],
  ['a person uncordons the node', { ...draining, unschedulable: false }, failing(drains)],
  ['the kubelet is NotReady', { ...draining, ready: false }, failing(drains)],
  ['the policy is paused', draining, failing(paused)],
  ['the Node is another one', { ...draining, uid: 'uid-2' }, healthy(drains)],
  ['the policy wants no drain any more', draining, failing(both)],
];
for (const [when, node, roster] of stops) {
  test(`a drain stops when ${when}`, () => {
    assert.equal(ordersOf(draining, failing(drains)).length, 1);
    assert.deepEqual(ordersOf(node, roster), []);
  });
}
