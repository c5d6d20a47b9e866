import assert from 'node:assert/strict';
import { createNamespace, createPod } from '../harness/pods.ts';
import { assertEvictionRefused, evict, eviction, isTerminating, OTHER_UID, PODS, runningPod } from './evict.ts';
import { assertRefused, type Rule } from './target.ts';

export const EVICTION_RULES: readonly Rule[] = [
  {
    rule: 'an eviction that no budget forbids is 201 with a Success Status, and the pod terminates with its own grace',
    async holds(target) {
      await runningPod(target, 'evicted');
      const { status, body } = await evict(target, 'evicted');
      assert.equal(status, 201);
      assert.deepEqual(body, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
      const { metadata } = await target.api.requestOk('GET', `${PODS}/evicted`);
      assert.equal(metadata.deletionGracePeriodSeconds, 30);
    },
  },
  {
    rule: 'an eviction can set the grace and guard by uid',
    async holds(target) {
      const { metadata } = await runningPod(target, 'guarded-pod');
      const options = { gracePeriodSeconds: 7, preconditions: { uid: metadata.uid } };
      assert.equal((await evict(target, 'guarded-pod', options)).status, 201);
      const after = await target.api.requestOk('GET', `${PODS}/guarded-pod`);
      assert.equal(after.metadata.deletionGracePeriodSeconds, 7);
    },
  },
  {
    rule: "an eviction with another pod's uid is 409 Conflict and the pod stays",
    async holds(target) {
      await runningPod(target, 'other-pod');
      const expected = { code: 409, reason: 'Conflict', details: { name: 'other-pod', kind: 'Pod' } };
      await assertEvictionRefused(target, 'other-pod', expected, { preconditions: { uid: OTHER_UID } });
      assert.equal(await isTerminating(target, 'other-pod'), false);
    },
  },
  {
    rule: 'an eviction of a pod that is not there is 404 NotFound',
    async holds(target) {
      const details = { name: 'nobody', kind: 'pods' };
      await assertEvictionRefused(target, 'nobody', { code: 404, reason: 'NotFound', details });
    },
  },
  {
    rule: 'an eviction whose name differs from the path is 400 BadRequest',
    async holds(target) {
      await runningPod(target, 'misnamed');
      const path = `${PODS}/misnamed/eviction`;
      await assertRefused(target, 'POST', path, eviction('another'), { code: 400, reason: 'BadRequest' });
    },
  },
  {
    rule: 'in a terminating namespace nothing is created or evicted: 403 with cause NamespaceTerminating',
    async holds(target) {
      const namespace = 'doomed';
      await createNamespace(target.api, namespace);
      await createPod(target.api, { namespace, name: 'last', nodeName: 'eviction-rules' });
      const path = `/api/v1/namespaces/${namespace}`;
      assert.equal((await target.api.requestOk('GET', path)).status?.phase, 'Active');
      const deleted = await target.api.requestOk('DELETE', path);
      assert.deepEqual([deleted.kind, deleted.status?.phase], ['Namespace', 'Terminating']);
      const again = await target.api.requestOk('DELETE', path);
      assert.equal(again.metadata.resourceVersion, deleted.metadata.resourceVersion);
      await target.api.requestOk('PATCH', path, { body: { metadata: { labels: { a: 'b' } } } });
      const causes = [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }];
      const pods = `/api/v1/namespaces/${namespace}/pods`;
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'last', namespace } };
      const refusal = { code: 403, reason: 'Forbidden', details: { name: 'last', kind: 'pods', causes } };
      await assertRefused(target, 'POST', `${pods}/last/eviction`, { body }, refusal);
      const lease = { metadata: { name: 'late' } };
      const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      await assertRefused(
        target,
        'POST',
        leases,
        { body: lease },
        { code: 403, reason: 'Forbidden', details: { causes } },
      );
      const ended = await target.api.requestOk('DELETE', `${pods}/last`);
      assert.ok(ended.metadata.deletionTimestamp);
    },
  },
];
