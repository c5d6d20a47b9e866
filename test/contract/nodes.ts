import assert from 'node:assert/strict';
import type { KubeObject, KubeStatus } from '../harness/api-client.ts';
import { createNode, NOT_READY_TAINT, readNode, type Taint } from '../harness/nodes.ts';
import { assertRefused, type Rule } from './target.ts';

const OURS: Taint = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' };
const THEIRS: Taint = { key: 'example.com/theirs', effect: 'NoExecute' };

const MAX_ANNOTATION_BYTES = 256 * 1024;

const at = (name: string): string => `/api/v1/nodes/${name}`;

const taintsOf = (node: KubeObject): unknown => node.spec?.taints;

export const NODE_RULES: readonly Rule[] = [
  {
    rule: 'a Node that is not there is 404 NotFound, for reads, patches and deletions',
    async holds(target) {
      const refusal = {
        code: 404,
        reason: 'NotFound',
        details: { name: 'nobody', kind: 'nodes' },
        message: /^nodes "nobody" not found$/,
      };
      await assertRefused(target, 'GET', at('nobody'), {}, refusal);
      await assertRefused(target, 'PATCH', at('nobody'), { body: { spec: {} } }, refusal);
      await assertRefused(target, 'DELETE', at('nobody'), {}, refusal);
    },
  },
  {
    rule: 'a new Node has kind, uid, versions and the not-ready taint of admission',
    async holds({ api }) {
      const node = await createNode(api, 'fresh', { taints: [THEIRS], ready: 'none' });
      assert.equal(node.kind, 'Node');
      assert.equal(node.apiVersion, 'v1');
      assert.match(node.metadata.uid, /^[0-9a-f-]{36}$/);
      assert.match(node.metadata.resourceVersion, /^[1-9][0-9]*$/);
      assert.match(node.metadata.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.deepEqual(taintsOf(node), [THEIRS, { key: NOT_READY_TAINT, effect: 'NoSchedule' }]);
    },
  },
  {
    rule: 'the not-ready taint is not doubled, and one of that key with another effect does not count',
    async holds({ api }) {
      const taint = (key: string, effect: Taint['effect']): Taint => ({ key, effect });
      const notReady = taint(NOT_READY_TAINT, 'NoSchedule');
      const cases: [string, Taint[], Taint[]][] = [
        ['not-ready-given', [notReady], [notReady]],
        ['not-ready-execute', [taint(NOT_READY_TAINT, 'NoExecute')], [taint(NOT_READY_TAINT, 'NoExecute'), notReady]],
        ['not-ready-other', [taint('a', 'NoSchedule')], [taint('a', 'NoSchedule'), notReady]],
      ];
      for (const [name, taints, expected] of cases) {
        assert.deepEqual(taintsOf(await createNode(api, name, { taints, ready: 'none' })), expected, name);
      }
    },
  },
  {
    rule: 'creating a Node that is there is 409 AlreadyExists',
    async holds(target) {
      await createNode(target.api, 'twice');
      const body = { metadata: { name: 'twice' } };
      const details = { name: 'twice', kind: 'nodes' };
      await assertRefused(target, 'POST', '/api/v1/nodes', { body }, { code: 409, reason: 'AlreadyExists', details });
    },
  },
  {
    rule: 'a name that is no DNS subdomain is 422 Invalid and says which field',
    async holds(target) {
      const details = {
        name: 'Bad_Name',
        kind: 'Node',
        causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }],
      };
      const body = { metadata: { name: 'Bad_Name' } };
      await assertRefused(target, 'POST', '/api/v1/nodes', { body }, { code: 422, reason: 'Invalid', details });
    },
  },
  {
    rule: 'a merge patch with the current resourceVersion lands and gives a greater one',
    async holds({ api }) {
      const { metadata } = await createNode(api, 'guarded');
      const { resourceVersion } = metadata;
      const body = { metadata: { resourceVersion, annotations: { a: '1' } }, spec: { unschedulable: true } };
      const patched = await api.requestOk('PATCH', at('guarded'), { body });
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
      await target.api.requestOk('PATCH', at('stale'), { body: { metadata: { labels: { by: 'another' } } } });
      const before = await readNode(target.api, 'stale');
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { unschedulable: true } };
      const details = { name: 'stale', kind: 'nodes' };
      const message = /^Operation cannot be fulfilled on nodes "stale": the object has been modified/;
      const refusal = { code: 409, reason: 'Conflict', details, message };
      await assertRefused(target, 'PATCH', at('stale'), { body }, refusal);
      assert.deepEqual(await readNode(target.api, 'stale'), before);
    },
  },
  {
    rule: 'a stale resourceVersion is 409 Conflict even when the patch would change nothing',
    async holds(target) {
      const { metadata } = await createNode(target.api, 'stale-noop');
      await target.api.requestOk('PATCH', at('stale-noop'), { body: { spec: { unschedulable: true } } });
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { unschedulable: true } };
      await assertRefused(target, 'PATCH', at('stale-noop'), { body }, { code: 409, reason: 'Conflict' });
    },
  },
  {
    rule: 'a merge patch without a resourceVersion lands whatever happened before',
    async holds({ api }) {
      await createNode(api, 'unguarded');
      await api.requestOk('PATCH', at('unguarded'), { body: { spec: { unschedulable: true } } });
      const patched = await api.requestOk('PATCH', at('unguarded'), { body: { metadata: { labels: { a: 'b' } } } });
      assert.equal(patched.spec?.unschedulable, true);
      assert.equal(patched.metadata.labels?.a, 'b');
    },
  },
  {
    rule: 'a patch that changes nothing keeps the resourceVersion',
    async holds({ api }) {
      const body = { metadata: { annotations: { a: '1' } }, spec: { unschedulable: true, taints: [OURS, THEIRS] } };
      await createNode(api, 'noop');
      const first = await api.requestOk('PATCH', at('noop'), { body });
      const second = await api.requestOk('PATCH', at('noop'), { body });
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const { resourceVersion } = first.metadata;
      const guarded = { ...body, metadata: { ...body.metadata, resourceVersion } };
      const third = await api.requestOk('PATCH', at('noop'), { body: guarded });
      assert.equal(third.metadata.resourceVersion, resourceVersion);
      const empty = await api.requestOk('PATCH', at('noop'), { body: { metadata: { annotations: { other: null } } } });
      assert.equal(empty.metadata.resourceVersion, resourceVersion);
    },
  },
  {
    rule: 'null removes an annotation and unschedulable, and what is empty then is absent',
    async holds({ api }) {
      await createNode(api, 'nulls', { annotations: { mine: '1' }, unschedulable: true, taints: [OURS] });
      const body = { metadata: { annotations: { mine: null } }, spec: { unschedulable: null, taints: null } };
      const { metadata, spec } = await api.requestOk('PATCH', at('nulls'), { body });
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
      const patched = await api.requestOk('PATCH', at('null-fields'), { body: { spec: { taints } } });
      assert.deepEqual(patched.spec, { taints: [{ key: 'a', effect: 'NoSchedule' }] });
    },
  },
  {
    rule: 'unschedulable false and an empty list of taints are the same as absent',
    async holds({ api }) {
      await createNode(api, 'omitted', { unschedulable: true, taints: [OURS] });
      const body = { spec: { unschedulable: false, taints: [] } };
      const { spec, metadata } = await api.requestOk('PATCH', at('omitted'), { body });
      assert.deepEqual(spec, {});
      const again = await api.requestOk('PATCH', at('omitted'), {
        body: { spec: { unschedulable: null, taints: null } },
      });
      assert.equal(again.metadata.resourceVersion, metadata.resourceVersion);
    },
  },
  {
    rule: 'taints are replaced as a whole list, in order, by a merge patch and by a strategic one',
    async holds({ api }) {
      await createNode(api, 'tainted', { taints: [OURS] });
      const merged = await api.requestOk('PATCH', at('tainted'), { body: { spec: { taints: [THEIRS, OURS] } } });
      assert.deepEqual(taintsOf(merged), [THEIRS, OURS]);
      const contentType = 'application/strategic-merge-patch+json';
      const body = { spec: { taints: [OURS] } };
      assert.deepEqual(taintsOf(await api.requestOk('PATCH', at('tainted'), { body, contentType })), [OURS]);
    },
  },
  {
    rule: 'two taints of one key and effect, an unknown effect and a taint without a key are 422 Invalid',
    async holds(target) {
      await createNode(target.api, 'bad-taints');
      const refusal = {
        code: 422,
        reason: 'Invalid',
        details: { name: 'bad-taints', kind: 'Node' },
        message: /^Node "bad-taints" is invalid: /,
      };
      const lists = [[OURS, { ...OURS, value: 'other' }], [{ ...OURS, effect: 'Never' }], [{ effect: 'NoSchedule' }]];
      for (const taints of lists) {
        await assertRefused(target, 'PATCH', at('bad-taints'), { body: { spec: { taints } } }, refusal);
      }
    },
  },
  {
    rule: "a patch with another object's uid is 422 Invalid, a PUT with one is 409 Conflict",
    async holds(target) {
      await createNode(target.api, 'other-uid');
      const body = { metadata: { name: 'other-uid', uid: '11111111-2222-3333-4444-555555555555' } };
      const details = { name: 'other-uid', kind: 'Node', causes: [{ field: 'metadata.uid' }] };
      await assertRefused(target, 'PATCH', at('other-uid'), { body }, { code: 422, reason: 'Invalid', details });
      await assertRefused(target, 'PUT', at('other-uid'), { body }, { code: 409, reason: 'Conflict' });
    },
  },
  {
    rule: 'an annotation or label that is malformed or too long is 422 Invalid',
    async holds(target) {
      await createNode(target.api, 'malformed');
      const cases: [string, object][] = [
        ['metadata.annotations', { annotations: { 'a b': '1' } }],
        ['metadata.annotations', { annotations: { a: 'x'.repeat(MAX_ANNOTATION_BYTES) } }],
        ['metadata.labels', { labels: { 'a b': '1' } }],
        ['metadata.labels', { labels: { a: 'b c' } }],
      ];
      for (const [field, metadata] of cases) {
        const answer = await assertRefused(
          target,
          'PATCH',
          at('malformed'),
          { body: { metadata } },
          { code: 422, reason: 'Invalid' },
        );
        assert.equal(answer.body.details?.causes?.[0]?.field, field);
      }
    },
  },
  {
    rule: 'annotations can be as long as is allowed, their keys included',
    async holds({ api }) {
      await createNode(api, 'lengthy');
      const annotations = { 'Example.com/A': 'x'.repeat(MAX_ANNOTATION_BYTES - 'Example.com/A'.length) };
      await api.requestOk('PATCH', at('lengthy'), { body: { metadata: { annotations } } });
    },
  },
  {
    rule: 'a patch cannot rename',
    async holds(target) {
      await createNode(target.api, 'renamed');
      const body = { metadata: { name: 'other-name' } };
      await assertRefused(target, 'PATCH', at('renamed'), { body }, { code: 400, reason: 'BadRequest' });
    },
  },
  {
    rule: 'a patch of the status leaves the spec alone, and a patch of the Node its status',
    async holds({ api }) {
      await createNode(api, 'parts');
      const body = { spec: { unschedulable: true }, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
      const viaStatus = await api.requestOk('PATCH', `${at('parts')}/status`, { body });
      assert.deepEqual(viaStatus.spec, {});
      assert.partialDeepStrictEqual(viaStatus.status, { conditions: [{ type: 'Ready', status: 'Unknown' }] });
      const other = { spec: { unschedulable: true }, status: { conditions: [] } };
      const viaNode = await api.requestOk('PATCH', at('parts'), { body: other });
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
      const path = `${at('conditions')}/status`;
      const body = { status: { conditions: [{ type: 'DiskPressure', status: 'False' }] } };
      const contentType = 'application/strategic-merge-patch+json';
      assert.deepEqual(types(await api.requestOk('PATCH', path, { body, contentType })), ['DiskPressure', 'Ready']);
      assert.deepEqual(types(await api.requestOk('PATCH', path, { body })), ['DiskPressure']);
    },
  },
  {
    rule: 'a JSON patch adds, tests, replaces and removes; a test that fails is 422',
    async holds(target) {
      await createNode(target.api, 'json-patch', { labels: { a: '1' } });
      const patch = (...body: object[]) => ({ body, contentType: 'application/json-patch+json' });
      const add = { op: 'add', path: '/spec/unschedulable', value: true };
      const added = await target.api.requestOk('PATCH', at('json-patch'), patch(add));
      assert.equal(added.spec?.unschedulable, true);
      const failing = patch(
        { op: 'test', path: '/metadata/labels/a', value: '2' },
        { op: 'remove', path: '/spec/unschedulable' },
      );
      await assertRefused(target, 'PATCH', at('json-patch'), failing, { code: 422, reason: 'Invalid' });
      const passing = patch(
        { op: 'test', path: '/metadata/labels/a', value: '1' },
        { op: 'remove', path: '/spec/unschedulable' },
        { op: 'replace', path: '/metadata/labels/a', value: '3' },
      );
      const { spec, metadata } = await target.api.requestOk('PATCH', at('json-patch'), passing);
      assert.deepEqual(spec, {});
      assert.equal(metadata.labels?.a, '3');
    },
  },
  {
    rule: 'a PUT is guarded by its resourceVersion, and overwrites without one',
    async holds(target) {
      const { metadata } = await createNode(target.api, 'put');
      const body = { metadata, spec: { unschedulable: true } };
      const { resourceVersion, ...unguarded } = metadata;
      const put = await target.api.requestOk('PUT', at('put'), { body });
      assert.ok(Number(put.metadata.resourceVersion) > Number(resourceVersion));
      await assertRefused(target, 'PUT', at('put'), { body }, { code: 409, reason: 'Conflict' });
      const overwritten = await target.api.requestOk('PUT', at('put'), { body: { metadata: unguarded, spec: {} } });
      assert.deepEqual(overwritten.spec, {});
    },
  },
  {
    rule: 'a deletion answers a Success Status with the uid, and guards by uid and resourceVersion',
    async holds(target) {
      const { metadata } = await createNode(target.api, 'deleted');
      const details = { name: 'deleted', kind: 'Node' };
      const message = /^Operation cannot be fulfilled on Node "deleted": the (UID|ResourceVersion) in the precondition/;
      const refusal = { code: 409, reason: 'Conflict', details, message };
      for (const preconditions of [{ uid: '11111111-2222-3333-4444-555555555555' }, { resourceVersion: '1' }]) {
        await assertRefused(target, 'DELETE', at('deleted'), { body: { preconditions } }, refusal);
      }
      const body = { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } };
      const answer = await target.api.request<KubeStatus>('DELETE', at('deleted'), { body });
      assert.equal(answer.status, 200);
      const deleted = { name: 'deleted', kind: 'nodes', uid: metadata.uid };
      const expected = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: deleted };
      assert.deepEqual(answer.body, expected);
      const again = await createNode(target.api, 'deleted');
      assert.notEqual(again.metadata.uid, metadata.uid);
      assert.ok(Number(again.metadata.resourceVersion) > Number(metadata.resourceVersion));
    },
  },
  {
    rule: 'a finalizer keeps a deleted object until it is taken off',
    async holds({ api }) {
      const metadata = { name: 'held', finalizers: ['example.com/hold'] };
      const { metadata: created } = await api.requestOk('POST', '/api/v1/nodes', { body: { metadata } });
      const marked = await api.requestOk('DELETE', at('held'));
      assert.equal(marked.kind, 'Node');
      assert.ok(marked.metadata.deletionTimestamp);
      assert.equal((await readNode(api, 'held')).metadata.uid, created.uid);
      await api.requestOk('PATCH', at('held'), { body: { metadata: { finalizers: null } } });
      assert.equal((await api.request('GET', at('held'))).status, 404);
    },
  },
];
