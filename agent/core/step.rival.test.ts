import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockedAgent, FAILED, HEALTHY, OWN_CLAIM } from '../../test/harness/step-samples.ts';
import { type Claim, claimChange, claimOn } from './claim.ts';
import { AGENT_ANNOTATION, changedNode, LEDGER_ANNOTATION, type NodeView } from './node.ts';
import { SAMPLE_TAINT, sampleNode, samplePolicy, sampleVerdict } from './samples.ts';

/** Two agents of one node: the one that started last acts. */

const RIVAL: Claim = { ...OWN_CLAIM, id: 'rival', pod: { namespace: 'agents', name: 'rival' } };
const POLICY = samplePolicy('a', {
  check: { failureThreshold: 1 },
  actions: { cordon: true, taint: SAMPLE_TAINT },
  spec: { nodeCondition: 'AHealthy' },
});

let version = 1;
const next = (node: NodeView): NodeView => ({ ...node, resourceVersion: String(++version) });
const claimedBy = (claim: Claim, node: NodeView) => next(changedNode(node, claimChange(node, claim)));

/** What an agent says of its policies. */
function reportOf(): Readonly<Record<string, string>> {
  const agent = clockedAgent([POLICY]);
  agent.see(sampleNode());
  const { [AGENT_ANNOTATION]: _, ...report } = agent.orders.report?.annotations ?? {};
  return report as Record<string, string>;
}

/** Our claim has stood, and then that of another agent. */
function standingBy() {
  const agent = clockedAgent([POLICY]);
  agent.see(claimedBy(OWN_CLAIM, sampleNode()));
  const told = agent.see(claimedBy(RIVAL, agent.node));
  return { agent, told };
}

test('an agent claims the Node with its first write, once', () => {
  const agent = clockedAgent([POLICY]);
  agent.see(sampleNode());
  assert.ok(AGENT_ANNOTATION in (agent.orders.report?.annotations ?? {}));
  agent.run('a', FAILED);
  assert.equal(claimOn(changedNode(agent.node, agent.orders.effects?.patch.change ?? {}))?.id, OWN_CLAIM.id);
  agent.land();
  assert.equal(agent.orders.report?.annotations[AGENT_ANNOTATION], undefined);
});

test('of one that was there before it asks at once, and claims the Node for that alone unless it was an earlier life', () => {
  const agent = clockedAgent([POLICY]);
  const report = () => agent.orders.report?.annotations ?? {};
  const earlier = { ...RIVAL, pod: OWN_CLAIM.pod };
  agent.see(claimedBy(earlier, next(changedNode(sampleNode(), { metadata: { annotations: reportOf() } }))));
  assert.deepEqual([agent.orders.lookFor?.id, report()], ['rival', {}]);
  agent.send({ kind: 'RivalLooked', id: 'rival', isGone: true });
  assert.deepEqual([agent.orders.lookFor, report()], [null, {}], 'an earlier life needs no write');
  agent.send({ kind: 'RivalLooked', id: 'rival', isGone: false });
  assert.deepEqual([agent.orders.lookFor, Object.keys(report())], [null, [AGENT_ANNOTATION]]);
});

test('one that is gone from a pod of its own is claimed over: who comes next looks for whoever stands on the Node', () => {
  const agent = clockedAgent([POLICY]);
  agent.see(claimedBy(RIVAL, next(changedNode(sampleNode(), { metadata: { annotations: reportOf() } }))));
  agent.send({ kind: 'RivalLooked', id: 'rival', isGone: true });
  assert.deepEqual(Object.keys(agent.orders.report?.annotations ?? {}), [AGENT_ANNOTATION]);
});

test('one that stands by says so, runs its checks, and wants nothing but that the other one knows', () => {
  const { agent, told } = standingBy();
  assert.deepEqual(told, [{ kind: 'StandingBy', rival: 'agents/rival' }]);
  const verdict = sampleVerdict('Failed', 'exit code 1');
  assert.deepEqual(agent.run('a', FAILED), [{ kind: 'CheckFailing', policy: POLICY, verdict }]);
  const { effects, conditions, drains, slots, checks, report } = agent.orders;
  assert.deepEqual([effects, conditions, drains, slots?.need], [null, null, [], 'Leave']);
  assert.deepEqual(checks, [POLICY]);
  assert.deepEqual(Object.keys(report?.annotations ?? {}), [AGENT_ANNOTATION]);
  assert.equal(report?.resourceVersion, agent.node.resourceVersion, 'it may not write over a claim that is newer');
  const written = next(changedNode(agent.node, { metadata: { annotations: report?.annotations ?? {} } }));
  assert.deepEqual(claimOn(written), { ...RIVAL, hasStandby: true });
  assert.deepEqual(agent.see(written), [], 'once');
  assert.equal(agent.orders.report, null);
});

for (const [what, pod, needs] of [
  ['of another namespace, gives its own Leases back once nothing of anybody disrupts it', 'others', ['Leave', 'None']],
  ['of its own, leaves the Leases, which are the same', 'agents', ['Leave', 'Leave']],
  ['in no pod, leaves the Leases, which may be the same', null, ['Leave', 'Leave']],
] as const) {
  test(`one that stands by for an agent ${what}`, () => {
    const agent = clockedAgent([POLICY]);
    agent.see(claimedBy(OWN_CLAIM, sampleNode()));
    agent.run('a', FAILED);
    agent.land();
    const held = agent.node;
    agent.see(claimedBy({ ...RIVAL, pod: pod === null ? null : { namespace: pod, name: 'rival' } }, held));
    const needWith = (ledger: string | null) => {
      agent.see(next(changedNode(agent.node, { metadata: { annotations: { [LEDGER_ANNOTATION]: ledger } } })));
      return agent.orders.slots?.need;
    };
    const text = held.annotations[LEDGER_ANNOTATION] ?? '';
    assert.deepEqual([agent.orders.slots?.need, needWith(null)], needs);
    assert.deepEqual([needWith('unreadable'), needWith(text), needWith(null)], ['Leave', ...needs]);
  });
}

test('what the other one does to the node is its to tell', () => {
  const { agent } = standingBy();
  const other = clockedAgent([POLICY]);
  other.see(agent.node);
  other.run('a', FAILED);
  other.land();
  assert.deepEqual(agent.see(next(changedNode(other.node, claimChange(other.node, RIVAL)))), []);
});

test('within 30 s it looks whether the pod of the other one is there still, and again', () => {
  const { agent } = standingBy();
  const looksFor = () => agent.orders.lookFor?.id ?? null;
  for (let n = 0; n < 3; n++) {
    agent.pass(29_999);
    assert.equal(looksFor(), null);
    agent.pass(1);
    assert.equal(looksFor(), 'rival');
    assert.deepEqual(agent.send({ kind: 'RivalLooked', id: 'rival', isGone: false }), []);
    assert.equal(looksFor(), null);
  }
});

for (const [how, end] of [
  [
    'its pod is gone',
    (agent: ReturnType<typeof clockedAgent>) => agent.send({ kind: 'RivalLooked', id: 'rival', isGone: true }),
  ],
  [
    'it hands over',
    (agent: ReturnType<typeof clockedAgent>) =>
      agent.see(next(changedNode(agent.node, { metadata: { annotations: { [AGENT_ANNOTATION]: null } } }))),
  ],
] as const) {
  test(`it takes over once ${how}, with all that it has counted, and claims the Node`, () => {
    const { agent } = standingBy();
    agent.run('a', FAILED);
    assert.deepEqual(end(agent), [{ kind: 'TookOver' }]);
    assert.equal(claimOn(changedNode(agent.node, agent.orders.effects?.patch.change ?? {}))?.id, OWN_CLAIM.id);
    assert.equal(agent.land().length, 2, 'cordoned and tainted');
    agent.run('a', HEALTHY);
    assert.notEqual(agent.orders.effects, null);
  });
}

test('it claims a Node that was handed over until that has landed, though it has nothing else to write', () => {
  const { agent } = standingBy();
  const handedOver = { ...reportOf(), [AGENT_ANNOTATION]: null };
  agent.see(next(changedNode(agent.node, { metadata: { annotations: handedOver } })));
  for (const round of ['at once', 'after the fresh look before the write']) {
    const claimed = changedNode(agent.node, { metadata: { annotations: agent.orders.report?.annotations ?? {} } });
    assert.equal(claimOn(claimed)?.id, OWN_CLAIM.id, round);
    agent.see(next(agent.node));
  }
});

test("a third one's claim is of one that started later still, though the second is gone", () => {
  const { agent } = standingBy();
  agent.send({ kind: 'RivalLooked', id: 'rival', isGone: true });
  const told = agent.see(claimedBy({ ...RIVAL, id: 'third', pod: null }, agent.node));
  assert.deepEqual(told, [{ kind: 'StandingBy', rival: 'in no pod' }]);
});

test("of conditions that are somebody else's it tells when it takes over, if not before", () => {
  const { agent } = standingBy();
  const theirs = { type: 'AHealthy', status: 'True', reason: 'TheirReason', message: '' };
  assert.deepEqual(agent.see(next({ ...agent.node, conditions: [theirs] })), []);
  const told = agent.send({ kind: 'RivalLooked', id: 'rival', isGone: true });
  assert.deepEqual(told, [{ kind: 'TookOver' }, { kind: 'ConditionForeign', condition: theirs }]);
});
