import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clockedAgent, FAILED, HEALTHY, OWN_CLAIM, policySet } from '../../test/harness/step-samples.ts';
import { claimChange } from './claim.ts';
import { ledgerOf } from './ledger.ts';
import { changedNode, LEDGER_ANNOTATION } from './node.ts';
import { SAMPLE_DRAIN, SAMPLE_TAINT, sampleBudget, sampleNode, samplePolicy } from './samples.ts';
import { nodeOf } from './state.ts';

const ONCE = samplePolicy('a', { check: { failureThreshold: 1 }, actions: { cordon: true, taint: SAMPLE_TAINT } });
const DRAINS = samplePolicy('a', { check: { failureThreshold: 1 }, actions: { drain: SAMPLE_DRAIN } });

suite('what is seen of the Node', () => {
  test('is ignored where it is older than what is known', () => {
    const agent = clockedAgent([ONCE]);
    agent.see(sampleNode({ resourceVersion: '10', unschedulable: true }));
    agent.see(sampleNode({ resourceVersion: '9' }));
    assert.equal(nodeOf(agent.state)?.resourceVersion, '10');
    agent.see(sampleNode({ resourceVersion: '100' }));
    assert.equal(nodeOf(agent.state)?.resourceVersion, '100', 'as numbers, not as text');
  });

  test('is read once more where it is older than what is known, and taken where the API server itself has gone back', () => {
    const agent = clockedAgent([ONCE]);
    agent.see(sampleNode({ resourceVersion: '10', unschedulable: true }));
    assert.equal(agent.orders.readNode, false);
    agent.see(sampleNode({ resourceVersion: '9' }));
    assert.equal(agent.orders.readNode, true);
    agent.send({ kind: 'LookFailed' });
    assert.equal(agent.orders.readNode, false, 'not at once');
    agent.pass(30_000);
    assert.equal(agent.orders.readNode, true);
    agent.send({ kind: 'NodeSeen', node: sampleNode({ resourceVersion: '8' }), knownBefore: '7' });
    assert.equal(nodeOf(agent.state)?.resourceVersion, '10', 'something newer was seen since that read began');
    agent.send({ kind: 'NodeSeen', node: sampleNode({ resourceVersion: '9' }), knownBefore: '10' });
    assert.equal(nodeOf(agent.state)?.resourceVersion, '9');
    assert.equal(agent.orders.readNode, false);
  });

  test('that is gone and back with its UID was never gone: what was counted and granted goes on', () => {
    const agent = clockedAgent([samplePolicy('a', { check: { failureThreshold: 2 } })], [sampleBudget('cluster')]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    const before = agent.state;
    agent.send({ kind: 'NodeGone' });
    assert.deepEqual([agent.orders.effects, agent.orders.slots?.need], [null, 'Leave']);
    agent.see(sampleNode({ resourceVersion: '2' }));
    assert.deepEqual(agent.state.roster, before.roster);
    agent.run('a', FAILED);
    assert.equal(agent.orders.slots?.need, 'Want');
  });

  test('that is said to be gone is read again within 30 s, and again, should it be there all the same', () => {
    const agent = clockedAgent([ONCE]);
    agent.see(sampleNode({ resourceVersion: '10' }));
    for (let n = 0; n < 2; n++) {
      agent.send({ kind: 'NodeGone' });
      assert.deepEqual([agent.orders.readNode, agent.last.wakeAtMs - agent.now.ms], [false, 30_000]);
      agent.pass(30_000);
      assert.equal(agent.orders.readNode, true);
    }
    agent.send({ kind: 'LookFailed' });
    assert.equal(agent.orders.readNode, false);
    agent.pass(30_000);
    assert.equal(agent.orders.readNode, true);
    agent.send({ kind: 'NodeSeen', node: sampleNode({ resourceVersion: '11' }), knownBefore: '10' });
    assert.deepEqual([agent.orders.readNode, agent.last.wakeAtMs], [false, Number.POSITIVE_INFINITY]);
  });

  test('that is back at the version it had is read once more: what was seen may be from before it was gone', () => {
    const agent = clockedAgent([ONCE]);
    const node = sampleNode({ resourceVersion: '10' });
    agent.see(node);
    agent.send({ kind: 'NodeGone' });
    agent.send({ kind: 'NodeSeen', node, knownBefore: '10' });
    assert.equal(agent.orders.readNode, true);
    agent.send({ kind: 'NodeSeen', node, knownBefore: '10' });
    assert.equal(agent.orders.readNode, false);
  });

  test('that is back at an earlier version is taken where it was read after all that is known', () => {
    const agent = clockedAgent([ONCE]);
    agent.see(sampleNode({ resourceVersion: '10' }));
    agent.send({ kind: 'NodeGone' });
    agent.see(sampleNode({ resourceVersion: '9' }));
    assert.deepEqual([nodeOf(agent.state), agent.orders.readNode], [null, true]);
    agent.send({ kind: 'NodeSeen', node: sampleNode({ resourceVersion: '9' }), knownBefore: '10' });
    assert.equal(nodeOf(agent.state)?.resourceVersion, '9');
  });

  test('that is another one starts at zero: neither counters nor slots nor ends of drains count any more', () => {
    const agent = clockedAgent([DRAINS]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    agent.land();
    agent.endDrain('a', 'Drained');
    const told = agent.see(sampleNode({ uid: 'uid-2', resourceVersion: '50' }));
    assert.ok(told.some(({ kind }) => kind === 'NodeReplaced'));
    assert.deepEqual(agent.state.roster.get('a')?.health.failing, false);
    assert.deepEqual([agent.state.drainEnds, agent.state.slots.nodeUid], [{}, null]);
    assert.deepEqual([agent.orders.effects, agent.orders.drains], [null, []]);
    agent.run('a', FAILED);
    assert.equal(agent.orders.effects?.patch.resourceVersion, '50');
  });

  test('that comes where there was none starts at zero, also for an agent that knew none before', () => {
    const twice = samplePolicy('a', { check: { failureThreshold: 2 } });
    const agent = clockedAgent([twice]);
    agent.send({ kind: 'NodeGone' });
    agent.run('a', FAILED);
    agent.run('a', FAILED);
    agent.see(sampleNode());
    assert.equal(agent.orders.effects, null);
    agent.run('a', FAILED);
    assert.equal(agent.orders.effects, null);
    agent.run('a', FAILED);
    assert.notEqual(agent.orders.effects, null);
  });

  test('that is another one is held for what another agent did to it, though our claim stood on the one before', () => {
    const agent = clockedAgent([ONCE]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    agent.land();
    const text = agent.node.annotations[LEDGER_ANNOTATION] ?? '';
    const ledger = { ...JSON.parse(text), nodeUid: 'uid-2' };
    const taken = { ...agent.node, uid: 'uid-2', resourceVersion: '99' };
    const other = { ...OWN_CLAIM, id: 'other', since: '2025-12-31T00:00:00Z' };
    const claimed = changedNode(taken, claimChange(taken, other));
    agent.see({ ...claimed, annotations: { ...claimed.annotations, [LEDGER_ANNOTATION]: JSON.stringify(ledger) } });
    assert.equal(agent.orders.effects, null);
    assert.equal(agent.state.roster.get('a')?.health.failing, true);
  });

  test('that is another one is not held for a run that began before it was seen', () => {
    const agent = clockedAgent([ONCE]);
    agent.see(sampleNode());
    agent.begin('a');
    agent.see(sampleNode({ uid: 'uid-2', resourceVersion: '50' }));
    agent.end('a', FAILED);
    assert.equal(agent.orders.effects, null);
    agent.run('a', FAILED);
    assert.notEqual(agent.orders.effects, null);
  });

  test('with a kubelet that is NotReady is asked for again within 30 s, as long as anything waits for it', () => {
    const agent = clockedAgent([ONCE]);
    agent.see(sampleNode({ ready: false }));
    assert.equal(agent.last.wakeAtMs, Number.POSITIVE_INFINITY, 'nothing fails');
    agent.run('a', FAILED);
    assert.equal(agent.orders.effects, null);
    assert.equal(agent.last.wakeAtMs - agent.now.ms, 30_000);
    agent.pass(29_999);
    assert.equal(agent.orders.readNode, false);
    agent.pass(1);
    assert.equal(agent.orders.readNode, true);
    agent.send({ kind: 'LookFailed' });
    assert.equal(agent.orders.readNode, false);
    agent.pass(30_000);
    assert.equal(agent.orders.readNode, true);
    agent.see(sampleNode({ resourceVersion: '2' }));
    assert.equal(agent.orders.readNode, false);
    assert.notEqual(agent.orders.effects, null);
  });
});

suite('a Node that is drained', () => {
  const DELETES = samplePolicy('a', {
    check: { failureThreshold: 1 },
    actions: { drain: { ...SAMPLE_DRAIN, timeoutSeconds: 100, onTimeout: 'Delete' } },
  });

  function draining(policy = DELETES) {
    const agent = clockedAgent([policy]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    agent.pass(8_000);
    agent.land();
    return agent;
  }

  test('is so from when its cordon was seen to land, whatever is seen of it later', () => {
    const agent = draining();
    const landedMs = agent.now.ms;
    assert.equal(agent.orders.drains[0]?.landedMs, landedMs);
    agent.pass(5_000);
    agent.see({ ...agent.node, resourceVersion: '50' });
    assert.equal(agent.orders.drains[0]?.landedMs, landedMs);
  });

  test('is so from then also when its ledger could not be read for a while', () => {
    const agent = draining();
    const { node } = agent;
    const landedMs = agent.orders.drains[0]?.landedMs;
    agent.pass(60_000);
    agent.see({ ...node, resourceVersion: '50', annotations: { ...node.annotations, [LEDGER_ANNOTATION]: '{' } });
    agent.see({ ...node, resourceVersion: '51' });
    assert.equal(agent.orders.drains[0]?.landedMs, landedMs);
  });

  test('is so since a time that an agent cannot know that was restarted', () => {
    const after = clockedAgent([DELETES]);
    after.see(draining().node);
    after.run('a', FAILED);
    assert.deepEqual(
      after.orders.drains.map(({ landedMs }) => landedMs),
      [undefined],
    );
  });

  test('is read again within 30 s, and shortly before what is left is deleted', () => {
    const agent = draining();
    const readAgain = () => agent.send({ kind: 'NodeSeen', node: agent.node, knownBefore: agent.node.resourceVersion });
    for (const ms of [30_000, 30_000, 30_000, 7_000, 30_000]) {
      assert.deepEqual([agent.orders.readNode, agent.last.wakeAtMs - agent.now.ms], [false, ms]);
      agent.pass(ms);
      assert.equal(agent.orders.readNode, true);
      readAgain();
    }
    agent.endDrain('a', 'Drained');
    agent.land();
    assert.deepEqual([agent.orders.readNode, agent.last.wakeAtMs], [false, Number.POSITIVE_INFINITY]);
  });

  test('is not read before a deadline that deletes nothing', () => {
    const agent = draining(DRAINS);
    assert.equal(agent.last.wakeAtMs - agent.now.ms, 30_000);
    agent.pass(29_999);
    assert.equal(agent.orders.readNode, false);
  });
});

test('an undo that a restarted agent wants is wanted still when the Node is seen again before it lands', () => {
  const twice = samplePolicy('a', { check: { failureThreshold: 2 } });
  const before = clockedAgent([twice]);
  before.see(sampleNode());
  before.run('a', FAILED);
  before.run('a', FAILED);
  before.land();
  const after = clockedAgent([twice]);
  const node = changedNode(before.node, claimChange(before.node, { ...OWN_CLAIM, id: 'earlier' }));
  after.see(node);
  after.run('a', HEALTHY);
  assert.notEqual(after.orders.effects, null);
  after.run('a', FAILED);
  after.see({ ...node, resourceVersion: '50' });
  assert.notEqual(after.orders.effects, null);
});

suite('a NoExecute taint that could not come at the end of the drain, since the kubelet was not ready', () => {
  const NO_EXECUTE = { ...SAMPLE_TAINT, effect: 'NoExecute' } as const;
  const EVICTS = samplePolicy('a', {
    check: { failureThreshold: 1 },
    actions: { drain: SAMPLE_DRAIN, taint: NO_EXECUTE },
  });

  /** A drain that has ended, of a node that a person had cordoned or not. */
  function drained(isCordoned: boolean) {
    const agent = clockedAgent([EVICTS], [sampleBudget('cluster')]);
    const answer = (...granted: string[]) =>
      agent.send({ kind: 'SlotsAnswered', answer: { nodeUid: 'uid-1', held: granted, granted, denial: null } });
    agent.send({ kind: 'TolerationsRead', tolerations: [{ operator: 'Exists' }] });
    agent.see(sampleNode({ unschedulable: isCordoned }));
    agent.run('a', FAILED);
    answer('cluster');
    agent.land();
    agent.see({ ...agent.node, resourceVersion: '20', ready: false });
    agent.endDrain('a', 'Drained');
    const told = agent.land();
    return { agent, told, answer };
  }
  const isTainted = (agent: ReturnType<typeof clockedAgent>) =>
    (agent.orders.effects?.patch.change.spec?.taints ?? []).some(({ effect }) => effect === 'NoExecute');

  for (const isCordoned of [true, false]) {
    test(`is told to be withheld, and looked for within 30 s${isCordoned ? ', also where a person had cordoned' : ''}`, () => {
      const { agent } = drained(isCordoned);
      assert.deepEqual(agent.node.taints, []);
      assert.deepEqual(agent.state.told.withheld, ['a KubeletNotReady']);
      assert.equal(agent.orders.effects, null, 'one write was enough');
      assert.equal(agent.last.wakeAtMs - agent.now.ms, 30_000);
    });
  }

  test('waits for a slot of its own where nothing of ours is on the node', () => {
    const { agent, answer } = drained(true);
    assert.equal(agent.orders.slots?.need, 'None');
    answer();
    agent.see({ ...agent.node, resourceVersion: '30', ready: true });
    assert.deepEqual([agent.orders.effects, agent.orders.slots?.need], [null, 'Want']);
    answer('cluster');
    assert.equal(isTainted(agent), true);
    agent.land();
    assert.deepEqual([agent.orders.effects, agent.orders.slots?.need], [null, 'Keep']);
  });

  test('comes at once where the node is disrupted by us anyway', () => {
    const { agent } = drained(false);
    assert.equal(agent.orders.slots?.need, 'Keep');
    agent.see({ ...agent.node, resourceVersion: '30', ready: true });
    assert.equal(isTainted(agent), true);
  });

  test('is no more heard of after a person has uncordoned the node', () => {
    const { agent, answer } = drained(false);
    agent.see({ ...agent.node, resourceVersion: '30', unschedulable: false });
    agent.land();
    answer();
    agent.see({ ...agent.node, resourceVersion: '40', ready: true });
    assert.deepEqual([agent.orders.effects, agent.orders.slots?.need], [null, 'None']);
  });
});

suite('what is told', () => {
  test('of a drain that gave up names its problems, until it is over', () => {
    const agent = clockedAgent([DRAINS]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    agent.land();
    agent.endDrain('a', 'GaveUp', ['pod web/1: its budget allows no disruption']);
    const told = agent.land();
    assert.deepEqual(told, [
      { kind: 'DrainFailed', policy: 'a', problems: ['pod web/1: its budget allows no disruption'] },
    ]);
    agent.run('a', HEALTHY);
    agent.land();
    assert.deepEqual(agent.state.drainEnds, {}, 'it is over');
  });

  test('of a drain that gives up again is what is other than before, and not how long something took', () => {
    const agent = clockedAgent([DRAINS]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    agent.land();
    agent.endDrain('a', 'GaveUp', ['pod web/1: the API server has not answered for 3 s']);
    agent.land();
    const again = (...problems: string[]) => agent.endDrain('a', 'GaveUp', problems);
    assert.deepEqual(again('pod web/1: the API server has not answered for 20 s'), []);
    const anew = (...problems: string[]) => [{ kind: 'DrainFailsAnew', policy: 'a', problems }];
    assert.deepEqual(again('pod web/1: its budget'), anew('pod web/1: its budget'));
    assert.deepEqual(again('pod web/2: its budget'), anew('pod web/2: its budget'), 'another pod');
    assert.deepEqual(again('pod web/2: its budget'), []);
    assert.deepEqual(again('pod b/1: x', 'pod web/2: its budget'), anew('pod b/1: x', 'pod web/2: its budget'));
    assert.deepEqual(again('pod web/2: its budget', 'pod b/1: x'), [], 'in another order');
    agent.endDrain('a', 'Drained');
    assert.deepEqual(agent.land(), [{ kind: 'DrainSucceeded', policy: 'a' }]);
  });

  test('by an agent that was restarted is why the drain gives up now, once', () => {
    const first = clockedAgent([DRAINS]);
    first.see(sampleNode());
    first.run('a', FAILED);
    first.land();
    first.endDrain('a', 'GaveUp', ['pod web/1: its budget']);
    first.land();
    const next = clockedAgent([DRAINS]);
    next.see(first.node);
    const problems = ['pod web/1: its budget'];
    assert.deepEqual(next.endDrain('a', 'GaveUp', problems), [{ kind: 'DrainFailsAnew', policy: 'a', problems }]);
    assert.deepEqual(next.endDrain('a', 'GaveUp', problems), []);
  });

  test('is the same whether the answer to a write comes or is lost and the watch shows it', () => {
    const [answered, lost] = [clockedAgent([DRAINS]), clockedAgent([DRAINS])];
    for (const agent of [answered, lost]) {
      agent.see(sampleNode());
      agent.run('a', FAILED);
    }
    const told = answered.land();
    lost.send({ kind: 'Failed', message: 'no answer', loop: 'effects' });
    assert.deepEqual(lost.land(), told);
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['MarkTurned', 'DrainStarted'],
    );
    assert.deepEqual(lost.see(lost.node), [], 'and once');
  });

  test('of a write that failed is what it would have done', () => {
    const agent = clockedAgent([ONCE]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    const [trouble] = agent.send({ kind: 'Failed', message: 'no answer', loop: 'effects' });
    assert.deepEqual(trouble, {
      kind: 'Trouble',
      message: 'no answer',
      attempted: [
        { kind: 'MarkTurned', turn: 'Put', effect: 'cordon', mark: {} },
        { kind: 'MarkTurned', turn: 'Put', effect: 'taint', mark: SAMPLE_TAINT },
      ],
    });
  });

  test('of what an earlier life did is nothing', () => {
    const before = clockedAgent([ONCE]);
    before.see(sampleNode());
    before.landReport();
    before.run('a', FAILED);
    before.land();
    const after = clockedAgent([ONCE]);
    assert.deepEqual(after.see(before.node), []);
    assert.equal(ledgerOf(after.node)?.policies.a !== undefined && after.state.roster.get('a')?.health.failing, true);
    after.run('a', HEALTHY);
    assert.deepEqual(
      after.land().map(({ kind }) => kind),
      ['MarkTurned', 'MarkTurned', 'GivenBack'],
    );
  });

  test('of a budget that denies begins once, and again when it denies for another reason', () => {
    const agent = clockedAgent([ONCE], [sampleBudget('cluster')]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    const answer = (used: number) =>
      agent.send({
        kind: 'SlotsAnswered',
        answer: {
          nodeUid: 'uid-1',
          held: [],
          granted: [],
          denial: { budget: 'cluster', answer: { kind: 'Full', used, limit: 1 } },
        },
      });
    assert.deepEqual(
      answer(1).map(({ kind }) => kind),
      ['SlotDenied', 'Withheld'],
    );
    assert.deepEqual(answer(2), []);
    const uncountable = { kind: 'Uncountable', problem: 'no zone' } as const;
    const told = agent.send({
      kind: 'SlotsAnswered',
      answer: { nodeUid: 'uid-1', held: [], granted: [], denial: { budget: 'cluster', answer: uncountable } },
    });
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['SlotDenied', 'Withheld'],
    );
  });
});

test('policies that are read put the set in force, or keep the one before and say what is wrong', () => {
  const agent = clockedAgent([ONCE]);
  agent.see(sampleNode());
  const errors = ['a.yaml:1:1: no'];
  const told = agent.send({ kind: 'PoliciesRead', load: { valid: false, revision: null, errors: [] }, errors });
  const { revision } = policySet([ONCE]);
  assert.deepEqual(told, [{ kind: 'PolicyInvalid', errors, inForce: revision }]);
  assert.deepEqual(agent.orders.checks, [ONCE]);
  assert.match(Object.values(agent.orders.report?.annotations ?? {}).join(), /a\.yaml:1:1: no/);
});
