import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  type Claim,
  claimChange,
  claimOn,
  handOverChange,
  NEW_STANDING,
  predecessorOn,
  rivalOn,
  type Standing,
  standbyChange,
} from './claim.ts';
import { AGENT_ANNOTATION, changedNode, type NodeView } from './node.ts';
import { SAMPLE_NOW, sampleNode } from './samples.ts';

const claim = (id: string, more: Partial<Claim> = {}): Claim => ({
  id,
  pod: { namespace: 'agents', name: id },
  boot: 'boot-1',
  pid: 7,
  since: SAMPLE_NOW,
  hasStandby: false,
  ...more,
});
const [OURS, THEIRS] = [claim('ours'), claim('theirs')];
const claimed = (by: Claim, node = sampleNode()): NodeView => changedNode(node, claimChange(node, by));
const STOOD: Standing = { claimedUid: 'uid-1', looked: null };

suite('who acts', () => {
  const EARLIER = claim('theirs', { since: '2025-12-31T23:59:00Z' });
  const LATER = claim('theirs', { since: '2026-01-01T00:00:04Z' });
  const looked = (id: string, isGone: boolean) => ({ ...STOOD, looked: { id, isGone } });

  const rows: [rule: string, node: NodeView, standing: Standing, rival: Claim | null][] = [
    ['we do where nobody has claimed the Node', sampleNode(), NEW_STANDING, null],
    ['we do where the claim is ours', claimed(OURS), STOOD, null],
    ['we do where the other agent started earlier', claimed(EARLIER), NEW_STANDING, null],
    ['we do where it started at the same time as far as clocks can tell', claimed(THEIRS), NEW_STANDING, null],
    ['we do where nobody can tell when it started', claimed(claim('theirs', { since: '' })), NEW_STANDING, null],
    ['another agent does that started later, also before ours was ever written', claimed(LATER), NEW_STANDING, LATER],
    [
      'another agent does whose claim came after ours, whenever it says that it started',
      claimed(EARLIER),
      STOOD,
      EARLIER,
    ],
    ['we do where the one that came later is gone', claimed(LATER), looked('theirs', true), null],
    ['another agent does that was looked for and is there', claimed(THEIRS), looked('theirs', false), THEIRS],
    ['another agent does where a third one is gone', claimed(THEIRS), looked('third', true), THEIRS],
    [
      'we do on a Node with another UID, where ours never stood',
      claimed(THEIRS, sampleNode({ uid: 'uid-2' })),
      STOOD,
      null,
    ],
    ['we do where a person took our claim away', sampleNode(), STOOD, null],
    ['we do where the claim cannot be read', sampleNode({ annotations: { [AGENT_ANNOTATION]: '{' } }), STOOD, null],
  ];
  for (const [rule, node, standing, rival] of rows) {
    test(rule, () => assert.deepEqual(rivalOn(node, OURS, standing), rival));
  }

  const before: [rule: string, node: NodeView, standing: Standing, expected: ReturnType<typeof predecessorOn>][] = [
    ['nobody was there where there is no claim', sampleNode(), NEW_STANDING, 'None'],
    ['nobody was there where the claim is ours', claimed(OURS), STOOD, 'None'],
    ['one that acts instead of us is none that was there before', claimed(LATER), NEW_STANDING, 'None'],
    ['one that started earlier has to be looked for', claimed(EARLIER), NEW_STANDING, 'Unknown'],
    [
      'another one than was looked for has to be looked for',
      claimed(EARLIER),
      { ...NEW_STANDING, looked: { id: 'x', isGone: true } },
      'Unknown',
    ],
    [
      'one that was found is there',
      claimed(EARLIER),
      { ...NEW_STANDING, looked: { id: 'theirs', isGone: false } },
      'There',
    ],
    [
      'one that was not found is gone',
      claimed(EARLIER),
      { ...NEW_STANDING, looked: { id: 'theirs', isGone: true } },
      'Gone',
    ],
  ];
  for (const [rule, node, standing, expected] of before) {
    test(rule, () => assert.equal(predecessorOn(node, OURS, standing), expected));
  }
});

suite('a claim', () => {
  test('is read as it was written', () => {
    for (const written of [OURS, claim('x', { pod: null }), claim('y', { hasStandby: true })]) {
      assert.deepEqual(claimOn(claimed(written)), written);
    }
  });

  const NOBODY = [
    '{"id":"x"}',
    '{"id":"x","pod":null,"boot":"","pid":0}',
    '{"id":"x","boot":"b"}',
    '{"id":"x","pid":7}',
    '{"id":"x","boot":"b","pid":-1}',
    '{"id":"x","boot":"b","pid":"7"}',
    '{"id":"x","pod":{"name":"a"}}',
    '{"id":"x","pod":{"namespace":"","name":"a"}}',
  ];
  for (const text of ['', 'null', '[]', '7', '{}', '{"id":7}', ...NOBODY]) {
    test(`that is ${text || 'empty'} claims nothing`, () =>
      assert.equal(claimOn(sampleNode({ annotations: { [AGENT_ANNOTATION]: text } })), null));
  }

  test('without a pod that can be named is that of its process', () => {
    const text = '{"id":"x","pod":{"name":7},"boot":"b","pid":7}';
    const read = claimOn(sampleNode({ annotations: { [AGENT_ANNOTATION]: text } }));
    assert.deepEqual(read, { id: 'x', pod: null, boot: 'b', pid: 7, since: '', hasStandby: false });
  });

  test('that stands is not written again', () => {
    assert.deepEqual(claimChange(claimed(OURS), OURS), {});
    assert.deepEqual(claimOn(changedNode(claimed(THEIRS), claimChange(claimed(THEIRS), OURS))), OURS);
  });

  test('says that somebody stands by once it was told, and once only', () => {
    const told = changedNode(claimed(THEIRS), standbyChange(THEIRS));
    assert.deepEqual(claimOn(told), { ...THEIRS, hasStandby: true });
    assert.deepEqual(standbyChange({ ...THEIRS, hasStandby: true }), {});
  });

  test('is handed over only where it is ours and somebody stands by', () => {
    assert.deepEqual(handOverChange(claimed(OURS), OURS), {});
    assert.deepEqual(handOverChange(claimed({ ...THEIRS, hasStandby: true }), OURS), {});
    const node = claimed({ ...OURS, hasStandby: true });
    assert.equal(claimOn(changedNode(node, handOverChange(node, OURS))), null);
  });

  const handedOver: [rule: string, by: Partial<Claim>, is: boolean][] = [
    ['of an earlier life in our own pod is', {}, true],
    ['of one that started in our pod after us is not: it is there', { since: '2026-01-01T00:00:04Z' }, false],
    ['of another pod is not', { pod: THEIRS.pod }, false],
    ['of no pod is not', { pod: null }, false],
    ['of an earlier life that nobody waits for is not', { hasStandby: false }, false],
  ];
  for (const [rule, by, is] of handedOver) {
    test(`${rule} handed over by us`, () => {
      const earlier = claim('earlier', { pod: OURS.pod, hasStandby: true, since: '2025-12-31T23:59:00Z', ...by });
      const node = claimed(earlier);
      assert.deepEqual(claimOn(changedNode(node, handOverChange(node, OURS))), is ? null : earlier);
    });
  }

  test('of nothing in a pod is handed over by none but its own life', () => {
    const node = claimed(claim('earlier', { pod: null, hasStandby: true }));
    assert.deepEqual(handOverChange(node, { ...OURS, pod: null }), {});
  });
});
