import assert from 'node:assert/strict';
import type { KubeStatus } from '../harness/api-client.ts';
import { createNode, NOT_READY_TAINT, readNode, type Taint } from '../harness/nodes.ts';
import { nodePath, THEIRS, taintsOf } from './node-samples.ts';
import { assertRefused, type Rule } from './target.ts';

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
      await assertRefused(target, 'GET', nodePath('nobody'), {}, refusal);
      await assertRefused(target, 'PATCH', nodePath('nobody'), { body: { spec: {} } }, refusal);
      await assertRefused(target, 'DELETE', nodePath('nobody'), {}, refusal);
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
    rule: 'a new Node keeps the status its kubelet registers it with',
    async holds({ api }) {
      const conditions = [{ type: 'Ready', status: 'False' }];
      const body = { metadata: { name: 'registered' }, status: { conditions } };
      const { status } = await api.requestOk('POST', '/api/v1/nodes', { body });
      assert.partialDeepStrictEqual(status, { conditions });
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
    rule: 'a PUT is guarded by its resourceVersion, and overwrites without one',
    async holds(target) {
      const { metadata } = await createNode(target.api, 'put');
      const body = { metadata, spec: { unschedulable: true } };
      const { resourceVersion, ...unguarded } = metadata;
      const put = await target.api.requestOk('PUT', nodePath('put'), { body });
      assert.ok(Number(put.metadata.resourceVersion) > Number(resourceVersion));
      await assertRefused(target, 'PUT', nodePath('put'), { body }, { code: 409, reason: 'Conflict' });
      const overwritten = await target.api.requestOk('PUT', nodePath('put'), {
        body: { metadata: unguarded, spec: {} },
      });
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
        await assertRefused(target, 'DELETE', nodePath('deleted'), { body: { preconditions } }, refusal);
      }
      const body = { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } };
      const answer = await target.api.request<KubeStatus>('DELETE', nodePath('deleted'), { body });
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
      const marked = await api.requestOk('DELETE', nodePath('held'));
      assert.equal(marked.kind, 'Node');
      assert.ok(marked.metadata.deletionTimestamp);
      assert.equal((await readNode(api, 'held')).metadata.uid, created.uid);
      await api.requestOk('PATCH', nodePath('held'), { body: { metadata: { finalizers: null } } });
      assert.equal((await api.request('GET', nodePath('held'))).status, 404);
    },
  },
];
