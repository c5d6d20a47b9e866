import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockedAgent, FAILED, HEALTHY, OWN_CLAIM, policySet, UNKNOWN } from '../../test/harness/step-samples.ts';
import { claimChange } from '../core/claim.ts';
import { changedNode, type NodeView } from '../core/node.ts';
import { sampleNode, samplePolicy } from '../core/samples.ts';
import { createTelling } from './telling.ts';

/** Two agents of one node: only the one that acts writes Events. */

const ONCE = { failureThreshold: 1 };
const POLICIES = [samplePolicy('a', { check: ONCE }), samplePolicy('b', { check: ONCE })];
const RIVAL = { ...OWN_CLAIM, id: 'rival', pod: { namespace: 'agents', name: 'rival' } };

const claimedBy = (claim: typeof OWN_CLAIM, node: NodeView): NodeView => ({
  ...changedNode(node, claimChange(node, claim)),
  resourceVersion: String(Number(node.resourceVersion) + 1),
});

/** An agent that acted and stands by now, and what of it becomes Events and lines from then on. */
function standingBy() {
  const events: string[] = [];
  const lines: string[] = [];
  const counts: string[] = [];
  const counted = {
    checkEnded: () => void counts.push('checkEnded'),
    checkSkipped() {},
    nodeWritten() {},
    slotDenied() {},
    policiesLoaded: () => void counts.push('policiesLoaded'),
    internalError() {},
  };
  const recorder = {
    record: ({ reason, policy }: { reason: string; policy?: string }) =>
      void events.push(policy === undefined ? reason : `${reason} ${policy}`),
    wake() {},
  };
  const log = ({ text, message }: { text?: string; message: string }) => void lines.push(text ?? message);
  const tell = createTelling({ nodeName: 'node-1', log, recorder, counted });
  const agent = clockedAgent(POLICIES, [], tell);
  agent.see(claimedBy(OWN_CLAIM, sampleNode()));
  events.length = 0;
  agent.see(claimedBy(RIVAL, agent.node));
  const said = events.splice(0);
  lines.length = 0;
  counts.length = 0;
  const takeOver = () => agent.send({ kind: 'RivalLooked', id: 'rival', isGone: true });
  return { agent, said, events, lines, counts, takeOver };
}

test('one that stands by says so, and writes no other Event; its log and metrics go on', () => {
  const { agent, said, events, lines, counts } = standingBy();
  assert.deepEqual(said, ['AgentStandsBy']);
  agent.run('a', FAILED);
  agent.send({ kind: 'PoliciesRead', load: { valid: true, set: policySet(POLICIES) }, errors: [] });
  agent.send({ kind: 'BugMet', text: 'TypeError: x', stack: '' });
  agent.send({ kind: 'NodeGone' });
  agent.run('b', FAILED);
  assert.deepEqual(events, []);
  assert.equal(lines.filter((line) => /service is down/.test(line)).length, 2);
  assert.deepEqual(counts, ['checkEnded', 'policiesLoaded', 'checkEnded']);
});

test('on taking over it says once what is still so', () => {
  const { agent, events, takeOver } = standingBy();
  agent.run('a', FAILED);
  agent.run('b', FAILED);
  agent.run('b', HEALTHY);
  agent.send({ kind: 'PoliciesRead', load: { valid: false, revision: null, errors: [] }, errors: ['no'] });
  agent.send({ kind: 'PoliciesRead', load: { valid: true, set: policySet(POLICIES) }, errors: [] });
  takeOver();
  assert.deepEqual(events.splice(0), ['CheckFailing a', 'CheckRecovered b', 'PolicyReloaded']);
  agent.run('a', FAILED);
  agent.pass(1_000);
  assert.deepEqual(events, []);
});

test('on taking over it says of which checks nothing is known', () => {
  const { agent, events, takeOver } = standingBy();
  for (let n = 0; n < 3; n++) agent.run('a', UNKNOWN);
  takeOver();
  assert.deepEqual(events, ['CheckUnknown a']);
});

test('on taking over it does not say that a check has recovered which has to recover anew', () => {
  const { agent, events, takeOver } = standingBy();
  const other = clockedAgent(POLICIES);
  other.see(agent.node);
  other.run('a', FAILED);
  other.land();
  agent.see(claimedBy(RIVAL, other.node));
  agent.run('a', FAILED);
  agent.run('a', HEALTHY);
  takeOver();
  assert.deepEqual(events, []);
});
