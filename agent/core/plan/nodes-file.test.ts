import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { writeLedger } from '../ledger.ts';
import { LEDGER_ANNOTATION, type NodeView } from '../node.ts';
import { SAMPLE_NOW, SAMPLE_TAINT, sampleNode, samplePolicy } from '../samples.ts';
import { nodesChange } from './nodes-change.ts';
import { readNodesFile, redacted, toNodesFile } from './nodes-file.ts';

const HELD: NodeView = sampleNode({
  name: 'ip-10-0-0-7.example.com',
  uid: 'secret-uid',
  labels: { 'kubernetes.io/hostname': 'ip-10-0-0-7', role: 'storage', 'example.com/id': 'x-ip-10-0-0-7.example.com' },
  unschedulable: true,
  taints: [{ ...SAMPLE_TAINT, value: 'ip-10-0-0-7.example.com' }],
  annotations: {
    somebody: 'elses',
    [LEDGER_ANNOTATION]: writeLedger({
      nodeUid: 'secret-uid',
      since: SAMPLE_NOW,
      policies: { a: { since: SAMPLE_NOW, marks: { cordon: {} }, drain: null, words: 'disk sda of ip-10-0-0-7' } },
      marks: [{ effect: 'cordon', mark: {}, owner: 'Ours' }],
    }),
  },
});
const WELL = sampleNode({ name: 'b', uid: 'b', labels: { role: 'storage' } });
const SETS = [{ mode: 'Enforce' as const }, { mode: 'Observe' as const }].map((spec) => ({
  revision: '',
  policies: [samplePolicy('a', { spec: { ...spec, nodeSelector: { matchLabels: { role: 'storage' } } } })],
  budgets: [],
}));

suite('a file of nodes', () => {
  test('has all that a plan depends on', () => {
    const [before, after] = SETS;
    assert.ok(before && after);
    const read = readNodesFile(JSON.stringify(toNodesFile([HELD, WELL])));
    const planned = nodesChange(before, after, read);
    assert.deepEqual(planned, nodesChange(before, after, [WELL, HELD]));
    assert.equal(planned.held.length, 1);
  });

  test('that is redacted tells nothing of a node but what a plan needs, and the plan is the same', () => {
    const [before, after] = SETS;
    assert.ok(before && after);
    const file = redacted(toNodesFile([HELD, WELL]));
    assert.doesNotMatch(JSON.stringify(file), /ip-10|example\.com"|secret|sda|elses/);
    const withoutNames = (nodes: readonly NodeView[]) =>
      JSON.stringify(nodesChange(before, after, nodes)).replaceAll(/"name":"[^"]*"/g, '');
    assert.equal(withoutNames(readNodesFile(JSON.stringify(file))), withoutNames([HELD, WELL]));
  });

  const node = toNodesFile([WELL]).nodes[0];
  const refused: Record<string, [text: string, message: string]> = {
    'that is no JSON': ['{', 'must be JSON as nsc nodes writes it'],
    'of another kind': ['{"kind":"List"}', '$.kind must be "NodeSnapshot", found "List"'],
    'without nodes': ['{"kind":"NodeSnapshot"}', '$.nodes must be a list, found nothing'],
    'with a node twice': [file(node, node), '$.nodes[1].name must be unique, found "b"'],
    'with a node without a name': [file({ ...node, name: '' }), '$.nodes[0].name must be the name of a node, found ""'],
    'with labels of another kind': [
      file({ ...node, labels: { a: 1 } }),
      '$.nodes[0].labels["a"] must be text, found 1',
    ],
    'with a taint without a key': [
      file({ ...node, taints: [{}] }),
      '$.nodes[0].taints[0].key must be text, found nothing',
    ],
    'with a ledger that cannot be read': [
      file({ ...node, ledger: '{' }),
      '$.nodes[0].ledger: annotation node-svc-checker/ledger cannot be read',
    ],
  };
  for (const [name, [text, message]] of Object.entries(refused)) {
    test(`${name} is refused, with what is wrong and where`, () =>
      assert.throws(
        () => readNodesFile(text),
        (error) => error instanceof Error && error.message.startsWith(message),
      ));
  }
});

function file(...nodes: unknown[]): string {
  return JSON.stringify({ kind: 'NodeSnapshot', nodes });
}
