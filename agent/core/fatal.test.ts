import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clockedAgent, FAILED, HEALTHY, policySet, UNKNOWN } from '../../test/harness/step-samples.ts';
import { claimChange } from './claim.ts';
import { changedNode, type NodeView } from './node.ts';
import { applyStep, sampleNode, samplePolicy } from './samples.ts';
import type { RunOutcome } from './verdict.ts';

const TYPE = 'DiskHealthy';
const NOISY: RunOutcome = { ...HEALTHY, stderr: '\u001b[31mdf: not found\nx', stderrBytes: 20 };
const CONDITIONED = samplePolicy('a', { check: { failureThreshold: 1 }, spec: { nodeCondition: TYPE } });
const RIVAL = { namespace: 'agents', name: 'rival' };

type Clocked = ReturnType<typeof clockedAgent>;

/** What is ordered of the conditions reaches the Node, and the agent hears of it; what of it said something of the check. */
function landConditions(agent: Clocked): string[] {
  const said: string[] = [];
  for (let order = agent.orders.conditions; order !== null; order = agent.orders.conditions) {
    const { step } = order;
    if (step.kind === 'Write') said.push(...step.patch.set.map(({ status, message }) => `${status}: ${message}`));
    agent.see(applyStep(agent.node, step));
  }
  return said;
}

const kindsOf = (told: readonly { readonly kind: string }[]) => told.map(({ kind }) => kind);
const WORDS = 'Policy a: the check wrote to stderr (df: not found), and onStderr is Fatal, so the agent ended';

suite('an agent whose check writes to stderr under onStderr: Fatal', () => {
  test('tells it with what was written, and ends', () => {
    const agent = clockedAgent([samplePolicy('a')]);
    agent.see(sampleNode());
    assert.equal(agent.orders.end, null);
    const [told] = agent.run('a', NOISY);
    assert.ok(told?.kind === 'CheckFatal');
    assert.deepEqual([told.complaint, told.policy.metadata.name], ['df: not found', 'a']);
    const { byMs, complaint } = agent.orders.end ?? assert.fail();
    assert.deepEqual([byMs - agent.now.ms, complaint], [2_000, 'df: not found']);
    assert.deepEqual(kindsOf(agent.pass(100)), [], 'once');
  });

  test('makes its condition Unknown before that', () => {
    const agent = clockedAgent([CONDITIONED]);
    agent.see(sampleNode());
    agent.run('a', HEALTHY);
    landConditions(agent);
    agent.run('a', NOISY);
    assert.equal(agent.orders.end, null);
    assert.deepEqual(landConditions(agent), [`Unknown: ${WORDS}`]);
    assert.ok(agent.orders.end);
  });

  test('ends when the condition is not written in time', () => {
    const agent = clockedAgent([CONDITIONED]);
    agent.see(sampleNode());
    agent.run('a', NOISY);
    agent.pass(1_499);
    assert.equal(agent.orders.end, null);
    assert.equal(agent.last.wakeAtMs, agent.now.ms + 1);
    agent.pass(1);
    assert.equal((agent.last.orders.end?.byMs ?? 0) - agent.now.ms, 500);
  });

  test('waits for the Node until then, and tells it when it knows who acts there', () => {
    const agent = clockedAgent([CONDITIONED]);
    assert.deepEqual(agent.run('a', NOISY), []);
    assert.deepEqual([agent.pass(500), agent.orders.end], [[], null]);
    assert.equal(kindsOf(agent.see(sampleNode())).filter((kind) => kind === 'CheckFatal').length, 1);
    assert.equal(landConditions(agent).length, 1);
    assert.ok(agent.orders.end);
  });

  test('without ever having read the Node tells it when the time is over', () => {
    const agent = clockedAgent([CONDITIONED]);
    agent.run('a', NOISY);
    assert.deepEqual(kindsOf(agent.pass(1_500)), ['CheckFatal']);
    assert.ok(agent.orders.end);
  });

  test('does not wait where there is no Node', () => {
    const agent = clockedAgent([CONDITIONED]);
    agent.send({ kind: 'NodeGone' });
    assert.deepEqual(kindsOf(agent.run('a', NOISY)), ['CheckFatal']);
    assert.ok(agent.orders.end);
  });

  test('writes nothing while another agent acts, and ends', () => {
    const agent = clockedAgent([CONDITIONED]);
    agent.see(sampleNode());
    const rival = { ...agent.state.own, id: 'rival', pod: RIVAL, since: '2027-01-01T00:00:00Z', hasStandby: true };
    agent.see({ ...changedNode(agent.node, claimChange(agent.node, rival)), resourceVersion: '50' });
    agent.run('a', NOISY);
    assert.equal(agent.orders.conditions, null);
    assert.ok(agent.orders.end);
  });

  /** An agent that has seen the claim of one that started earlier, and whose check complains. */
  function afterAnother() {
    const agent = clockedAgent([CONDITIONED]);
    const before = { ...agent.state.own, id: 'rival', pod: RIVAL, since: '2025-12-31T00:00:00Z' };
    agent.see(changedNode(sampleNode(), claimChange(sampleNode(), before)));
    const told = kindsOf(agent.run('a', NOISY));
    assert.ok(told.includes('CheckFatal'));
    return agent;
  }

  test('waits until it knows whether one that started earlier is there still, and writes nothing until then', () => {
    const agent = afterAnother();
    assert.deepEqual([agent.orders.conditions, agent.orders.end, agent.orders.lookFor?.id], [null, null, 'rival']);
    agent.pass(1_500);
    assert.equal(agent.orders.conditions, null);
    assert.ok(agent.orders.end);
  });

  test('writes nothing where one that started earlier is there and acts until it hears of this one, and ends', () => {
    const agent = afterAnother();
    agent.send({ kind: 'RivalLooked', id: 'rival', isGone: false });
    assert.equal(agent.orders.conditions, null);
    assert.ok(agent.orders.end);
  });

  test('writes its condition where one that started earlier is gone', () => {
    const agent = afterAnother();
    agent.send({ kind: 'RivalLooked', id: 'rival', isGone: true });
    assert.equal(agent.orders.end, null);
    assert.deepEqual(landConditions(agent), [`Unknown: ${WORDS}`]);
    assert.ok(agent.orders.end);
  });

  test('tells of no reload, since the report by which the next life knows of it does not go out any more', () => {
    const agent = clockedAgent([CONDITIONED]);
    agent.run('a', NOISY);
    assert.deepEqual(kindsOf(agent.see(sampleNode())), ['CheckFatal']);
    const other = { ...policySet([CONDITIONED]), revision: 'ba9876543210' };
    const told = agent.send({ kind: 'PoliciesRead', load: { valid: true, set: other }, errors: [] });
    assert.deepEqual(kindsOf(told), ['PolicyInForce']);
  });

  test('does nothing to the node any more, and runs no check', () => {
    const agent = clockedAgent([CONDITIONED]);
    agent.see(sampleNode());
    agent.run('a', FAILED);
    assert.ok(agent.orders.effects);
    agent.run('a', NOISY);
    const { effects, report, drains, checks, slots } = agent.orders;
    assert.deepEqual([effects, report, drains, checks, slots?.need], [null, null, [], [], 'Leave']);
  });
});

suite('the condition that says so', () => {
  /** The agent that is started anew, on the Node as the one that ended has left it. */
  function restarted(before: (agent: Clocked) => void = () => {}, failureThreshold = 1) {
    const policy = samplePolicy('a', { check: { failureThreshold }, spec: { nodeCondition: TYPE } });
    const agent = clockedAgent([policy]);
    agent.see(sampleNode());
    before(agent);
    agent.run('a', NOISY);
    landConditions(agent);
    const next = clockedAgent([policy]);
    next.see(agent.node);
    return next;
  }
  const conditionOn = ({ conditions }: NodeView) => {
    const { status, reason, message } = conditions.find(({ type }) => type === TYPE) ?? assert.fail('no condition');
    return [status, reason, message];
  };
  /** Of a reason that every version of this program knows for its own. */
  const FATAL = ['Unknown', 'CheckUnknown', WORDS];
  const foreignTo = ({ last: { decision } }: Clocked) =>
    decision.conditions?.kind === 'Compared' ? decision.conditions.foreign : assert.fail('it cannot be read');

  test('is ours after the restart, and stays until a run has said something', () => {
    const agent = restarted();
    assert.deepEqual(landConditions(agent), []);
    assert.deepEqual(foreignTo(agent), []);
    assert.deepEqual(conditionOn(agent.node), FATAL);
    agent.run('a', HEALTHY);
    landConditions(agent);
    assert.deepEqual(conditionOn(agent.node).slice(0, 2), ['True', 'CheckHealthy']);
  });

  test('stays also where the node is held for a check that failed before', () => {
    const agent = restarted((before) => {
      before.run('a', FAILED);
      before.land();
    });
    assert.ok(agent.state.roster.get('a')?.health.failing);
    assert.deepEqual(landConditions(agent), []);
    agent.run('a', FAILED);
    landConditions(agent);
    assert.deepEqual(conditionOn(agent.node).slice(0, 2), ['False', 'CheckFailing']);
  });

  test('is written over one that says that nothing is known yet, which has the same reason', () => {
    const agent = restarted((before) => {
      before.run('a', UNKNOWN);
      assert.match(landConditions(before).join(), /^Unknown: Policy a: check has not said yet how it is/);
    });
    assert.deepEqual(conditionOn(agent.node), FATAL);
  });

  test('stays when a run says nothing', () => {
    const agent = restarted();
    agent.run('a', UNKNOWN);
    assert.deepEqual(landConditions(agent), []);
    assert.deepEqual(conditionOn(agent.node), FATAL);
  });

  test('gives way to that nothing is known yet when a run fails below the threshold', () => {
    const agent = restarted(undefined, 2);
    agent.run('a', FAILED);
    assert.equal(landConditions(agent).length, 1);
    assert.match(conditionOn(agent.node).join(), /^Unknown,CheckUnknown,Policy a: check has not said yet how it is/);
    agent.run('a', UNKNOWN);
    assert.deepEqual(landConditions(agent), []);
  });

  test('has what a later life was ended by, where that is another, and is not written again where it is the same', () => {
    const same = restarted();
    same.run('a', NOISY);
    assert.deepEqual(landConditions(same), []);
    assert.ok(same.orders.end);
    const other = restarted();
    other.run('a', { ...NOISY, stderr: 'jq: not found\n' });
    assert.deepEqual(landConditions(other), [`Unknown: ${WORDS.replace('df', 'jq')}`]);
    assert.ok(other.orders.end);
  });

  for (const message of ['Policy a: check has not said yet how it is, last: timed out: onStderr is Fatal', 'by hand']) {
    test(`is known by its message, and not taken for one that says "${message}"`, () => {
      const agent = restarted();
      const conditions = agent.node.conditions.map((each) => ({ ...each, message }));
      agent.see({ ...agent.node, conditions, resourceVersion: '90' });
      agent.run('a', NOISY);
      assert.equal(landConditions(agent).length, 1);
      assert.deepEqual(conditionOn(agent.node), FATAL);
    });
  }
});
