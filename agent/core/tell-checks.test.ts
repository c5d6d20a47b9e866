import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clockedAgent, FAILED, HEALTHY, policySet } from '../../test/harness/step-samples.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { describeSaid } from './said.ts';
import { sampleNode, samplePolicy } from './samples.ts';

const policy = (check: Partial<NodeCheckPolicy['spec']['check']>, spec: Partial<NodeCheckPolicy['spec']> = {}) =>
  samplePolicy('a', { check: { failureThreshold: 2, ...check }, spec: { mode: 'Observe', ...spec } });

/** An agent of a node of storage, whose check has failed so often. @param before the policy by then */
function failedTimes(times: number, before = policy({})) {
  const agent = clockedAgent([before]);
  agent.see(sampleNode({ labels: { role: 'storage' } }));
  for (let n = 0; n < times; n++) agent.run('a', FAILED);
  const checks = (told: ReturnType<typeof agent.send>) =>
    told.flatMap((each) => {
      if (each.kind === 'CheckFailing') return [`${each.policy.metadata.name} fails: ${describeSaid(each.verdict)}`];
      return each.kind === 'CheckRecovered' ? [`${each.policy}: ${each.because}`] : [];
    });
  const reload = (...policies: NodeCheckPolicy[]) =>
    checks(agent.send({ kind: 'PoliciesRead', load: { valid: true, set: policySet(policies) }, errors: [] }));
  return { agent, reload, checks };
}

suite('that a check fails is told', () => {
  test('when a run makes it fail, once', () => {
    const { agent, checks } = failedTimes(1);
    assert.deepEqual(checks(agent.run('a', FAILED)), ['a fails: exit code 1']);
    assert.deepEqual(checks(agent.run('a', FAILED)), []);
  });

  test('when a reload lowers the threshold to what was counted', () => {
    const { reload } = failedTimes(1);
    assert.deepEqual(reload(policy({ failureThreshold: 1 })), ['a fails: exit code 1']);
    assert.deepEqual(reload(policy({ failureThreshold: 1 })), []);
  });

  test('not where an earlier life has told it', () => {
    const held = policy({}, { mode: 'Enforce' });
    const before = failedTimes(2, held).agent;
    before.landReport();
    before.land();
    const after = clockedAgent([held]);
    assert.deepEqual(after.see(before.node), []);
    assert.deepEqual([after.run('a', FAILED), after.run('a', FAILED)], [[], []]);
    const recovered = { kind: 'CheckRecovered', policy: 'a', because: 'Healthy', words: '' };
    assert.deepEqual(after.run('a', HEALTHY), [recovered]);
  });
});

suite('that a check has recovered is told', () => {
  const elsewhere = { nodeSelector: { matchLabels: { role: 'web' } } };
  const rows: [how: string, next: readonly NodeCheckPolicy[], because: string][] = [
    ['is gone', [], 'AppliesNoMore'],
    ['has another name', [samplePolicy('b')], 'AppliesNoMore'],
    ['selects other nodes', [policy({}, elsewhere)], 'AppliesNoMore'],
    ['has another command, and holds nothing', [policy({ command: ['/other'] })], 'CountsAnew'],
    ['has a threshold that was not reached, and holds nothing', [policy({ failureThreshold: 3 })], 'CountsAnew'],
  ];
  for (const [how, next, because] of rows) {
    test(`when its policy ${how}`, () => {
      const { reload } = failedTimes(2);
      assert.deepEqual(reload(...next), [`a: ${because}`]);
      assert.deepEqual(reload(...next), []);
    });
  }

  test('when a reload lowers the threshold to what was counted', () => {
    const { agent, reload } = failedTimes(2, policy({ successThreshold: 2 }));
    agent.run('a', HEALTHY);
    assert.deepEqual(reload(policy({ successThreshold: 1 })), ['a: Healthy']);
  });

  test('when the node is not one of those any more that its policy selects', () => {
    const { agent, checks } = failedTimes(2, policy({}, { nodeSelector: { matchLabels: { role: 'storage' } } }));
    assert.deepEqual(checks(agent.see(sampleNode({ resourceVersion: '2' }))), ['a: AppliesNoMore']);
  });

  test('not of a Node that was replaced, and another one begins anew', () => {
    const { agent, checks } = failedTimes(2);
    assert.deepEqual(checks(agent.see(sampleNode({ uid: 'uid-2', resourceVersion: '2' }))), []);
    agent.run('a', FAILED);
    assert.deepEqual(checks(agent.run('a', FAILED)), ['a fails: exit code 1']);
  });

  test('not when a Node comes after there was none, and another one begins anew', () => {
    const agent = clockedAgent([policy({})]);
    agent.send({ kind: 'NodeGone' });
    agent.run('a', FAILED);
    assert.equal(agent.run('a', FAILED).length, 1);
    assert.deepEqual(
      agent.see(sampleNode()).filter(({ kind }) => kind === 'CheckRecovered'),
      [],
    );
  });
});
