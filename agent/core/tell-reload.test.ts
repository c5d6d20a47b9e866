import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clockedAgent, policySet } from '../../test/harness/step-samples.ts';
import { POLICY_ANNOTATION } from './node.ts';
import { sampleNode } from './samples.ts';

const REVISION = policySet([]).revision;
const OTHER = 'ba9876543210';

/** A Node on which an earlier life of the agent has said this. */
function nodeSaying(report: object | string) {
  const text = typeof report === 'string' ? report : JSON.stringify(report);
  return sampleNode({ annotations: { [POLICY_ANNOTATION]: text } });
}

const kinds = (told: ReturnType<ReturnType<typeof clockedAgent>['send']>) =>
  told.flatMap((each) => (each.kind === 'PolicyReloaded' ? [each.revision] : []));
const read = (revision: string) =>
  ({ kind: 'PoliciesRead', load: { valid: true, set: { ...policySet([]), revision } }, errors: [] }) as const;
const readInvalid = {
  kind: 'PoliciesRead',
  load: { valid: false, revision: null, errors: [] },
  errors: ['no'],
} as const;

suite('at the start of an agent a reload is told once the Node was read', () => {
  const rows: [rule: string, node: ReturnType<typeof sampleNode>, told: readonly string[]][] = [
    ['not where the Node says that this revision was in force', nodeSaying({ revision: REVISION }), []],
    ['where another one was', nodeSaying({ revision: OTHER }), [REVISION]],
    ['where none was', nodeSaying({ revision: null, error: 'a.yaml:1:1: no' }), [REVISION]],
    [
      'where the last word was that newer files are invalid',
      nodeSaying({ revision: REVISION, error: 'no' }),
      [REVISION],
    ],
    ['not where the agent only had a defect', nodeSaying({ revision: REVISION, error: 'internal error: x' }), []],
    ['where no agent was before', sampleNode(), [REVISION]],
    ['where nobody can tell what was', nodeSaying('?'), [REVISION]],
  ];
  for (const [rule, node, told] of rows) {
    test(rule, () => {
      const agent = clockedAgent([]);
      assert.deepEqual(kinds(agent.pass(1_000)), []);
      assert.deepEqual(kinds(agent.see(node)), told);
      assert.deepEqual(kinds(agent.pass(1_000)), []);
    });
  }

  test('also when the Node is read before the directory', () => {
    const agent = clockedAgent([]);
    agent.send(readInvalid);
    agent.see(nodeSaying({ revision: OTHER }));
    assert.deepEqual(kinds(agent.send(read(OTHER))), [OTHER], 'that it was invalid is not the last word any more');
  });

  test('not of a Node that is gone', () => {
    const agent = clockedAgent([]);
    assert.deepEqual(kinds(agent.send({ kind: 'NodeGone' })), []);
    assert.deepEqual(kinds(agent.see(sampleNode())), [REVISION]);
  });
});

suite('later a reload is told', () => {
  const running = () => {
    const agent = clockedAgent([]);
    agent.see(nodeSaying({ revision: REVISION }));
    return agent;
  };

  test('when another revision comes into force, each time', () => {
    const agent = running();
    assert.deepEqual(kinds(agent.send(read(OTHER))), [OTHER]);
    assert.deepEqual(kinds(agent.send(read(REVISION))), [REVISION], 'the report may say so still');
    assert.deepEqual(kinds(agent.send(read(REVISION))), []);
  });

  test('when the same one is valid again, after it was told that it is not', () => {
    const agent = running();
    assert.deepEqual(kinds(agent.send(readInvalid)), []);
    assert.deepEqual(kinds(agent.send(read(REVISION))), [REVISION]);
  });

  test('with a line in the log at once, whatever the Node says', () => {
    const agent = running();
    assert.deepEqual(
      agent.send(read(REVISION)).map(({ kind }) => kind),
      ['PolicyInForce'],
    );
  });
});
