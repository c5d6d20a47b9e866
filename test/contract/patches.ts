import assert from 'node:assert/strict';
import type { KubeObject } from '../harness/api-client.ts';
import { createNode, readNode } from '../harness/nodes.ts';
import { nodePath, OURS, THEIRS, taintsOf } from './node-samples.ts';
import { assertRefused, type Rule } from './target.ts';

export const PATCH_RULES: readonly Rule[] = [
  {
    rule: 'a merge patch with the current resourceVersion lands and gives a greater one',
    async holds({ api }) {
      const { metadata } = await createNode(api, 'guarded');
      const { resourceVersion } = metadata;
      const body = { metadata: { resourceVersion, annotations: { a: '1' } }, spec: { unschedulable: true } };
      const patched = await api.requestOk('PATCH', nodePath('guarded'), { body });
      assert.equal(patched.spec?.unschedulable, true);
      assert.deepEqual(patched.metadata.annotations, { a: '1' });
      assert.ok(Number(patched.metadata.resourceVersion) > Number(resourceVersion));
      assert.equal(patched.metadata.uid, metadata.uid);
    },
  },
  {
    rule: 'a merge patch with a stale resourceVersion is 409 Conflict and changes nothing',
    async holds(target) {
      const { metadata } = await createNode(target.api, 'stale');
      await target.api.requestOk('PATCH', nodePath('stale'), { body: { metadata: { labels: { by: 'another' } } } });
      const before = await readNode(target.api, 'stale');
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { unschedulable: true } };
      const details = { name: 'stale', kind: 'nodes' };
      const message = /^Operation cannot be fulfilled on nodes "stale": the object has been modified/;
      const refusal = { code: 409, reason: 'Conflict', details, message };
      await assertRefused(target, 'PATCH', nodePath('stale'), { body }, refusal);
      assert.deepEqual(await readNode(target.api, 'stale'), before);
    },
  },
  {
    rule: 'a stale resourceVersion is 409 Conflict even when the patch would change nothing',
    async holds(target) {
      const { metadata } = await createNode(target.api, 'stale-noop');
      await target.api.requestOk('PATCH', nodePath('stale-noop'), { body: { spec: { unschedulable: true } } });
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { unschedulable: true } };
      await assertRefused(target, 'PATCH', nodePath('stale-noop'), { body }, { code: 409, reason: 'Conflict' });
    },
  },
  {
    rule: 'a merge patch without a resourceVersion lands whatever happened before',
    async holds({ api }) {
      await createNode(api, 'unguarded');
      await api.requestOk('PATCH', nodePath('unguarded'), { body: { spec: { unschedulable: true } } });
      const patched = await api.requestOk('PATCH', nodePath('unguarded'), {
        body: { metadata: { labels: { a: 'b' } } },
      });
      assert.equal(patched.spec?.unschedulable, true);
      assert.equal(patched.metadata.labels?.a, 'b');
    },
  },
  {
    rule: 'a patch that changes nothing keeps the resourceVersion',
    async holds({ api }) {
      const body = { metadata: { annotations: { a: '1' } }, spec: { unschedulable: true, taints: [OURS, THEIRS] } };
      await createNode(api, 'noop');
      const first = await api.requestOk('PATCH', nodePath('noop'), { body });
      const second = await api.requestOk('PATCH', nodePath('noop'), { body });
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const { resourceVersion } = first.metadata;
      const guarded = { ...body, metadata: { ...body.metadata, resourceVersion } };
      const third = await api.requestOk('PATCH', nodePath('noop'), { body: guarded });
      assert.equal(third.metadata.resourceVersion, resourceVersion);
      const empty = await api.requestOk('PATCH', nodePath('noop'), {
        body: { metadata: { annotations: { other: null } } },
      });
      assert.equal(empty.metadata.resourceVersion, resourceVersion);
    },
  },
  {
    rule: 'null removes an annotation and unschedulable, and what is empty then is absent',
    async holds({ api }) {
      await createNode(api, 'nulls', { annotations: { mine: '1' }, unschedulable: true, taints: [OURS] });
      const body = { metadata: { annotations: { mine: null } }, spec: { unschedulable: null, taints: null } };
      const { metadata, spec } = await api.requestOk('PATCH', nodePath('nulls'), { body });
      assert.equal('annotations' in metadata, false);
      assert.deepEqual(spec, {});
    },
  },
  {
    rule: 'null in a new object, or in an entry of a list, is the same as absent',
    async holds({ api }) {
      const metadata = { name: 'null-fields', annotations: null, labels: { a: 'b' } };
      const created = await api.requestOk('POST', '/api/v1/nodes', {
        body: { metadata, spec: { unschedulable: null } },
      });
      assert.equal('annotations' in created.metadata, false);
      assert.deepEqual(created.metadata.labels, { a: 'b' });
      const taints = [{ key: 'a', value: null, effect: 'NoSchedule' }];
      const patched = await api.requestOk('PATCH', nodePath('null-fields'), { body: { spec: { taints } } });
      assert.deepEqual(patched.spec, { taints: [{ key: 'a', effect: 'NoSchedule' }] });
    },
  },
  {
    rule: 'unschedulable false and an empty list of taints are the same as absent',
    async holds({ api }) {
      await createNode(api, 'omitted', { unschedulable: true, taints: [OURS] });
      const body = { spec: { unschedulable: false, taints: [] } };
      const { spec, metadata } = await api.requestOk('PATCH', nodePath('omitted'), { body });
      assert.deepEqual(spec, {});
      const again = await api.requestOk('PATCH', nodePath('omitted'), {
        body: { spec: { unschedulable: null, taints: null } },
      });
      assert.equal(again.metadata.resourceVersion, metadata.resourceVersion);
    },
  },
  {
    rule: 'taints are replaced as a whole list, in order, by a merge patch and by a strategic one',
    async holds({ api }) {
      await createNode(api, 'tainted', { taints: [OURS] });
      const merged = await api.requestOk('PATCH', nodePath('tainted'), { body: { spec: { taints: [THEIRS, OURS] } } });
      assert.deepEqual(taintsOf(merged), [THEIRS, OURS]);
      const contentType = 'application/strategic-merge-patch+json';
      const body = { spec: { taints: [OURS] } };
      assert.deepEqual(taintsOf(await api.requestOk('PATCH', nodePath('tainted'), { body, contentType })), [OURS]);
    },
  },
  {
    rule: "a patch with another object's uid is 422 Invalid, a PUT with one is 409 Conflict",
    async holds(target) {
      await createNode(target.api, 'other-uid');
      const body = { metadata: { name: 'other-uid', uid: '11111111-2222-3333-4444-555555555555' } };
      const details = { name: 'other-uid', kind: 'Node', causes: [{ field: 'metadata.uid' }] };
      await assertRefused(target, 'PATCH', nodePath('other-uid'), { body }, { code: 422, reason: 'Invalid', details });
      await assertRefused(target, 'PUT', nodePath('other-uid'), { body }, { code: 409, reason: 'Conflict' });
    },
  },
  {
    rule: 'a patch cannot rename',
    async holds(target) {
      await createNode(target.api, 'renamed');
      const body = { metadata: { name: 'other-name' } };
      await assertRefused(target, 'PATCH', nodePath('renamed'), { body }, { code: 400, reason: 'BadRequest' });
    },
  },
  {
    rule: 'a patch of the status leaves the spec alone, and a patch of the Node its status',
    async holds({ api }) {
      await createNode(api, 'parts');
      const body = { spec: { unschedulable: true }, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
      const viaStatus = await api.requestOk('PATCH', `${nodePath('parts')}/status`, { body });
      assert.deepEqual(viaStatus.spec, {});
      assert.partialDeepStrictEqual(viaStatus.status, { conditions: [{ type: 'Ready', status: 'Unknown' }] });
      const other = { spec: { unschedulable: true }, status: { conditions: [] } };
      const viaNode = await api.requestOk('PATCH', nodePath('parts'), { body: other });
      assert.equal(viaNode.spec?.unschedulable, true);
      assert.partialDeepStrictEqual(viaNode.status, { conditions: [{ type: 'Ready', status: 'Unknown' }] });
    },
  },
  {
    rule: 'a strategic patch merges conditions by type, a merge patch replaces their list',
    async holds({ api }) {
      await createNode(api, 'conditions');
      const types = (node: KubeObject) =>
        ((node.status?.conditions ?? []) as { type: string }[]).map(({ type }) => type).sort();
      const path = `${nodePath('conditions')}/status`;
      const body = { status: { conditions: [{ type: 'DiskPressure', status: 'False' }] } };
      const contentType = 'application/strategic-merge-patch+json';
      assert.deepEqual(types(await api.requestOk('PATCH', path, { body, contentType })), ['DiskPressure', 'Ready']);
      assert.deepEqual(types(await api.requestOk('PATCH', path, { body })), ['DiskPressure']);
    },
  },
];
