import assert from 'node:assert/strict';
import type { KubeList, KubeStatus } from '../harness/api-client.ts';
import { createNode } from '../harness/nodes.ts';
import { assertRefused, type Rule } from './target.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

const DETAILS = { group: 'coordination.k8s.io', kind: 'leases' };

export const LEASE_RULES: readonly Rule[] = [
  {
    rule: 'Leases are found by label, with owner and holder, and versions in the order of their creation',
    async holds({ api }) {
      const { metadata } = await createNode(api, 'slot-owner');
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'slot-owner', uid: metadata.uid }];
      const labels = { 'example.com/budget': 'cluster' };
      for (const name of ['slot-b', 'slot-a']) {
        const body = { metadata: { name, labels, ownerReferences }, spec: { holderIdentity: name } };
        const created = await api.request('POST', LEASES, { body });
        assert.equal(created.status, 201);
      }
      await api.requestOk('POST', LEASES, { body: { metadata: { name: 'slot-other' } } });
      const found = await api.requestOk<KubeList>('GET', `${LEASES}?labelSelector=example.com%2Fbudget%3Dcluster`);
      assert.deepEqual([found.kind, found.apiVersion], ['LeaseList', 'coordination.k8s.io/v1']);
      const [a, b] = found.items ?? [];
      assert.deepEqual([a?.metadata.name, b?.metadata.name], ['slot-a', 'slot-b']);
      assert.ok(Number(a?.metadata.resourceVersion) > Number(b?.metadata.resourceVersion));
      assert.ok(Number(found.metadata.resourceVersion) > Number(a?.metadata.resourceVersion));
      assert.deepEqual(a?.spec, { holderIdentity: 'slot-a' });
      assert.equal('generation' in (a?.metadata ?? {}), false);
      assert.deepEqual(a?.metadata.ownerReferences, ownerReferences);
    },
  },
  {
    rule: 'creating a Lease that is there is 409 AlreadyExists and changes nothing',
    async holds(target) {
      const body = { metadata: { name: 'once' }, spec: { holderIdentity: 'first' } };
      await target.api.requestOk('POST', LEASES, { body });
      const second = { ...body, spec: { holderIdentity: 'second' } };
      const details = { ...DETAILS, name: 'once' };
      await assertRefused(
        target,
        'POST',
        LEASES,
        { body: second },
        {
          code: 409,
          reason: 'AlreadyExists',
          details,
          message: /^leases\.coordination\.k8s\.io "once" already exists$/,
        },
      );
      assert.deepEqual((await target.api.requestOk('GET', `${LEASES}/once`)).spec, { holderIdentity: 'first' });
    },
  },
  {
    rule: 'a deletion with another uid is 409 Conflict and keeps the Lease; with its own uid it goes, then it is 404',
    async holds(target) {
      const { metadata } = await target.api.requestOk('POST', LEASES, { body: { metadata: { name: 'mine' } } });
      const other = { preconditions: { uid: '11111111-2222-3333-4444-555555555555' } };
      const details = { ...DETAILS, name: 'mine' };
      const message =
        /^Operation cannot be fulfilled on Lease\.coordination\.k8s\.io "mine": the UID in the precondition/;
      const conflict = { code: 409, reason: 'Conflict', details: { ...details, kind: 'Lease' }, message };
      await assertRefused(target, 'DELETE', `${LEASES}/mine`, { body: other }, conflict);
      const own = { preconditions: { uid: metadata.uid } };
      const answer = await target.api.request<KubeStatus>('DELETE', `${LEASES}/mine`, { body: own });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body.details, { ...details, uid: metadata.uid });
      await assertRefused(
        target,
        'DELETE',
        `${LEASES}/mine`,
        { body: own },
        { code: 404, reason: 'NotFound', details },
      );
    },
  },
  {
    rule: 'a Lease is not overwritten by a PUT without a resourceVersion',
    async holds(target) {
      await target.api.requestOk('POST', LEASES, { body: { metadata: { name: 'no-put' } } });
      const body = { metadata: { name: 'no-put' } };
      await assertRefused(target, 'PUT', `${LEASES}/no-put`, { body }, { code: 422, reason: 'Invalid' });
    },
  },
  {
    rule: 'an owner without a uid, and a name that is no DNS subdomain, are 422 Invalid',
    async holds(target) {
      const details = { group: 'coordination.k8s.io', kind: 'Lease' };
      const refusal = {
        code: 422,
        reason: 'Invalid',
        details,
        message: /^Lease\.coordination\.k8s\.io "\w+" is invalid: /,
      };
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: '' }];
      await assertRefused(target, 'POST', LEASES, { body: { metadata: { name: 'orphan', ownerReferences } } }, refusal);
      await assertRefused(target, 'POST', LEASES, { body: { metadata: { name: 'No' } } }, refusal);
      await assertRefused(target, 'POST', LEASES, { body: { metadata: { name: 'x'.repeat(254) } } }, refusal);
      await target.api.requestOk('POST', LEASES, { body: { metadata: { name: 'x'.repeat(253) } } });
    },
  },
  {
    rule: 'a holder that is no text, or a duration that is no integer, is 400 BadRequest',
    async holds(target) {
      for (const spec of [{ holderIdentity: 1 }, { leaseDurationSeconds: '15' }, { leaseDurationSeconds: 1.5 }]) {
        const body = { metadata: { name: 'mistyped' }, spec };
        await assertRefused(target, 'POST', LEASES, { body }, { code: 400, reason: 'BadRequest' });
      }
    },
  },
  {
    rule: 'a Lease that lasts no time is 422 Invalid',
    async holds(target) {
      const lease = (name: string, leaseDurationSeconds: number) => ({
        metadata: { name },
        spec: { leaseDurationSeconds },
      });
      const details = { causes: [{ field: 'spec.leaseDurationSeconds' }] };
      const refusal = { code: 422, reason: 'Invalid', details };
      await assertRefused(target, 'POST', LEASES, { body: lease('timeless', 0) }, refusal);
      await target.api.requestOk('POST', LEASES, { body: lease('timely', 1) });
    },
  },
  {
    rule: 'an object without a name gets one from generateName, or is 422 Invalid',
    async holds(target) {
      const { metadata } = await target.api.requestOk('POST', LEASES, { body: { metadata: { generateName: 'gen-' } } });
      assert.match(metadata.name, /^gen-[a-z0-9]{5}$/);
      assert.equal(metadata.generateName, 'gen-');
      const details = { causes: [{ reason: 'FieldValueRequired', field: 'metadata.name' }] };
      for (const body of [null, {}, { metadata: {} }]) {
        await assertRefused(target, 'POST', LEASES, { body }, { code: 422, reason: 'Invalid', details });
      }
    },
  },
  {
    rule: 'a namespace that is not there is 404 for writes and an empty list for reads',
    async holds(target) {
      const path = '/apis/coordination.k8s.io/v1/namespaces/nowhere/leases';
      const refusal = { code: 404, reason: 'NotFound', details: { name: 'nowhere', kind: 'namespaces' } };
      await assertRefused(target, 'POST', path, { body: { metadata: { name: 'lost' } } }, refusal);
      assert.deepEqual((await target.api.requestOk<KubeList>('GET', path)).items, []);
    },
  },
  {
    rule: 'a body with a resourceVersion, or of another namespace, is not created',
    async holds(target) {
      const versioned = { metadata: { name: 'versioned', resourceVersion: '5' } };
      const answer = await target.api.request('POST', LEASES, { body: versioned });
      assert.ok(answer.status >= 400, String(answer.status));
      const elsewhere = { metadata: { name: 'elsewhere', namespace: 'kube-system' } };
      await assertRefused(target, 'POST', LEASES, { body: elsewhere }, { code: 400, reason: 'BadRequest' });
    },
  },
];
