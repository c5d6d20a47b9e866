import assert from 'node:assert/strict';
import { createNode, readNode } from '../harness/nodes.ts';
import { nodePath, OURS, THEIRS, taintsOf } from './node-samples.ts';
import { assertRefused, type Rule } from './target.ts';

export const JSON_PATCH_RULES: readonly Rule[] = [
  {
    rule: 'a JSON patch adds, tests, replaces and removes; a test that fails is 422',
    async holds(target) {
      await createNode(target.api, 'json-patch', { labels: { a: '1' } });
      const patch = (...body: object[]) => ({ body, contentType: 'application/json-patch+json' });
      const add = { op: 'add', path: '/spec/unschedulable', value: true };
      const added = await target.api.requestOk('PATCH', nodePath('json-patch'), patch(add));
      assert.equal(added.spec?.unschedulable, true);
      const failing = patch(
        { op: 'test', path: '/metadata/labels/a', value: '2' },
        { op: 'remove', path: '/spec/unschedulable' },
      );
      await assertRefused(target, 'PATCH', nodePath('json-patch'), failing, { code: 422, reason: 'Invalid' });
      const passing = patch(
        { op: 'test', path: '/metadata/labels/a', value: '1' },
        { op: 'remove', path: '/spec/unschedulable' },
        { op: 'replace', path: '/metadata/labels/a', value: '3' },
      );
      const { spec, metadata } = await target.api.requestOk('PATCH', nodePath('json-patch'), passing);
      assert.deepEqual(spec, {});
      assert.equal(metadata.labels?.a, '3');
    },
  },
  {
    rule: 'a JSON patch reaches into lists, and into keys with slashes',
    async holds(target) {
      await createNode(target.api, 'json-list', { annotations: { 'example.com/a': '1' }, taints: [THEIRS] });
      const patch = (...body: object[]) =>
        target.api.requestOk('PATCH', nodePath('json-list'), { body, contentType: 'application/json-patch+json' });
      const key = '/metadata/annotations/example.com~1a';
      const { metadata } = await patch({ op: 'test', path: key, value: '1' }, { op: 'replace', path: key, value: '2' });
      assert.deepEqual(metadata.annotations, { 'example.com/a': '2' });
      const last = { key: 'last', effect: 'NoSchedule' };
      await patch(
        { op: 'add', path: '/spec/taints/0', value: OURS },
        { op: 'add', path: '/spec/taints/-', value: last },
      );
      const tested = { op: 'test', path: '/spec/taints/1/key', value: THEIRS.key };
      const replaced = { op: 'replace', path: '/spec/taints/0/value', value: 'new' };
      const node = await patch(tested, replaced, { op: 'remove', path: '/spec/taints/1' });
      assert.deepEqual(taintsOf(node), [{ ...OURS, value: 'new' }, last]);
    },
  },
  {
    rule: 'a JSON patch that misses its place is 422 Invalid and changes nothing',
    async holds(target) {
      const before = await createNode(target.api, 'json-missing', { taints: [OURS] });
      const contentType = 'application/json-patch+json';
      const operations = [
        { op: 'remove', path: '/spec/unschedulable' },
        { op: 'replace', path: '/spec/nothing/here', value: 1 },
        { op: 'remove', path: '/spec/taints/1' },
        { op: 'remove', path: '/spec/taints/first' },
        { op: 'add', path: '/spec/taints/2', value: THEIRS },
        { op: 'test', path: '/spec/taints/0', value: THEIRS },
      ];
      for (const operation of operations) {
        const options = { body: [operation], contentType };
        await assertRefused(target, 'PATCH', nodePath('json-missing'), options, { code: 422, reason: 'Invalid' });
      }
      assert.deepEqual(await readNode(target.api, 'json-missing'), before);
    },
  },
];
