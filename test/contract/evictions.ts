import assert from 'node:assert/strict';
import type { ApiResponse, KubeObject, KubeStatus } from '../harness/api-client.ts';
import { createNamespace, createPod, type NewPod, setPodPhase } from '../harness/pods.ts';
import { assertRefused, type Refusal, type Rule, type Target } from './target.ts';

const PODS = '/api/v1/namespaces/default/pods';
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
const OTHER_UID = '11111111-2222-3333-4444-555555555555';

function pod({ api }: Target, name: string, more: Partial<NewPod> = {}): Promise<KubeObject> {
  return createPod(api, { name, nodeName: 'eviction-rules', labels: { app: name }, ...more });
}

function eviction(name: string, deleteOptions?: object): { body: object } {
  return {
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' }, deleteOptions },
  };
}

async function evict({ api }: Target, name: string, deleteOptions?: object): Promise<ApiResponse<KubeStatus>> {
  return api.request<KubeStatus>('POST', `${PODS}/${name}/eviction`, eviction(name, deleteOptions));
}

function assertEvictionRefused(target: Target, name: string, expected: Refusal, deleteOptions?: object) {
  return assertRefused(target, 'POST', `${PODS}/${name}/eviction`, eviction(name, deleteOptions), expected);
}

async function isTerminating({ api }: Target, name: string): Promise<boolean> {
  return (await api.requestOk('GET', `${PODS}/${name}`)).metadata.deletionTimestamp !== undefined;
}

/** A budget over the pods of an app, with the status its controller would have written; null: not written yet. */
async function budget({ api }: Target, name: string, app: string, status: object | null): Promise<void> {
  const spec = { minAvailable: 1, selector: { matchLabels: { app } } };
  await api.requestOk('POST', BUDGETS, { body: { metadata: { name }, spec } });
  if (status) await setBudget({ api }, name, status);
}

function setBudget({ api }: Pick<Target, 'api'>, name: string, status: object): Promise<KubeObject> {
  const usual = { observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptionsAllowed: 0 };
  return api.requestOk('PATCH', `${BUDGETS}/${name}/status`, { body: { status: { ...usual, ...status } } });
}

const OVER_BUDGET = { code: 429, reason: 'TooManyRequests', details: { causes: [{ reason: 'DisruptionBudget' }] } };

export const EVICTION_RULES: readonly Rule[] = [
  {
    rule: 'an eviction that no budget forbids is 201 with a Success Status, and the pod terminates with its own grace',
    async holds(target) {
      await pod(target, 'evicted');
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
      const { metadata } = await pod(target, 'guarded-pod');
      const options = { gracePeriodSeconds: 7, preconditions: { uid: metadata.uid } };
      assert.equal((await evict(target, 'guarded-pod', options)).status, 201);
      const after = await target.api.requestOk('GET', `${PODS}/guarded-pod`);
      assert.equal(after.metadata.deletionGracePeriodSeconds, 7);
    },
  },
  {
    rule: "an eviction with another pod's uid is 409 Conflict and the pod stays",
    async holds(target) {
      await pod(target, 'other-pod');
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
      await pod(target, 'misnamed');
      const path = `${PODS}/misnamed/eviction`;
      await assertRefused(target, 'POST', path, eviction('another'), { code: 400, reason: 'BadRequest' });
    },
  },
  {
    rule: 'a budget that allows nothing answers 429 with cause DisruptionBudget and no Retry-After, and the pod stays',
    async holds(target) {
      await pod(target, 'protected');
      await budget(target, 'protects', 'protected', {});
      const { headers } = await assertEvictionRefused(target, 'protected', OVER_BUDGET);
      assert.equal(headers['retry-after'], undefined);
      assert.equal(await isTerminating(target, 'protected'), false);
    },
  },
  {
    rule: 'a budget whose status is behind its spec answers 429 with cause DisruptionBudget and Retry-After 10',
    async holds(target) {
      await pod(target, 'unobserved');
      await budget(target, 'unobserved', 'unobserved', null);
      const details = { ...OVER_BUDGET.details, retryAfterSeconds: 10 };
      const { headers } = await assertEvictionRefused(target, 'unobserved', { ...OVER_BUDGET, details });
      assert.equal(headers['retry-after'], '10');
    },
  },
  {
    rule: 'an eviction spends one disruption of the budget',
    async holds(target) {
      await pod(target, 'spender');
      await budget(target, 'spent', 'spender', { disruptionsAllowed: 1 });
      assert.equal((await evict(target, 'spender')).status, 201);
      const { status } = await target.api.requestOk('GET', `${BUDGETS}/spent`);
      assert.equal(status?.disruptionsAllowed, 0);
      assert.deepEqual(Object.keys(status?.disruptedPods ?? {}), ['spender']);
    },
  },
  {
    rule: 'an eviction refused for its uid has spent a disruption all the same',
    async holds(target) {
      await pod(target, 'wasteful');
      await budget(target, 'wasted', 'wasteful', { disruptionsAllowed: 1 });
      const expected = { code: 409, reason: 'Conflict' };
      await assertEvictionRefused(target, 'wasteful', expected, { preconditions: { uid: OTHER_UID } });
      const { status } = await target.api.requestOk('GET', `${BUDGETS}/wasted`);
      assert.equal(status?.disruptionsAllowed, 0);
      await assertEvictionRefused(target, 'wasteful', OVER_BUDGET);
    },
  },
  {
    rule: 'two budgets over one pod answer 500 without a reason, and the pod stays',
    async holds(target) {
      await pod(target, 'overlapped');
      await budget(target, 'overlap-1', 'overlapped', { disruptionsAllowed: 1 });
      await budget(target, 'overlap-2', 'overlapped', { disruptionsAllowed: 1 });
      const { body } = await assertEvictionRefused(target, 'overlapped', { code: 500 });
      assert.match(body.message ?? '', /more than one PodDisruptionBudget/);
      assert.equal(await isTerminating(target, 'overlapped'), false);
    },
  },
  {
    rule: 'pending, finished and terminating pods are evicted whatever the budget says',
    async holds(target) {
      await budget(target, 'nothing-allowed', 'exempt', {});
      const labels = { app: 'exempt' };
      await pod(target, 'exempt-pending', { labels, phase: 'Pending' });
      await pod(target, 'exempt-finished', { labels, phase: 'Succeeded' });
      await pod(target, 'exempt-terminating', { labels });
      await target.api.requestOk('DELETE', `${PODS}/exempt-terminating`);
      for (const name of ['exempt-pending', 'exempt-finished', 'exempt-terminating']) {
        assert.equal((await evict(target, name)).status, 201, name);
      }
      assert.equal((await target.api.request('GET', `${PODS}/exempt-finished`)).status, 404);
    },
  },
  {
    rule: 'a pod that is not ready is evicted while the budget has its healthy pods, and not when they are too few',
    async holds(target) {
      for (const name of ['unready-1', 'unready-2', 'unready-3']) {
        await pod(target, name, { labels: { app: 'unready' } });
        const conditions = [{ type: 'Ready', status: 'False' }];
        await target.api.requestOk('PATCH', `${PODS}/${name}/status`, { body: { status: { conditions } } });
      }
      await budget(target, 'unready', 'unready', {});
      assert.equal((await evict(target, 'unready-1')).status, 201);
      await setBudget(target, 'unready', { currentHealthy: 0 });
      await assertEvictionRefused(target, 'unready-2', OVER_BUDGET);
      await setBudget(target, 'unready', { currentHealthy: 0, desiredHealthy: 0 });
      await assertEvictionRefused(target, 'unready-3', OVER_BUDGET);
    },
  },
  {
    rule: 'under AlwaysAllow a pod that is not ready is evicted even when healthy pods are too few',
    async holds(target) {
      await pod(target, 'allowed');
      await budget(target, 'always-allow', 'allowed', { currentHealthy: 0 });
      const body = { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } };
      await target.api.requestOk('PATCH', `${BUDGETS}/always-allow`, { body });
      await setPodPhase(target.api, 'default', 'allowed', 'Running');
      await assertEvictionRefused(target, 'allowed', OVER_BUDGET);
      const conditions = [{ type: 'Ready', status: 'False' }];
      await target.api.requestOk('PATCH', `${PODS}/allowed/status`, { body: { status: { conditions } } });
      assert.equal((await evict(target, 'allowed')).status, 201);
    },
  },
  {
    rule: 'a budget selects by expressions too, and an empty selector selects every pod of its namespace',
    async holds(target) {
      const namespace = 'all-selected';
      await createNamespace(target.api, namespace);
      await createPod(target.api, { namespace, name: 'any', nodeName: 'eviction-rules', labels: { tier: 'db' } });
      const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
      const path = `/api/v1/namespaces/${namespace}/pods/any/eviction`;
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'any', namespace } };
      const matchExpressions = [{ key: 'tier', operator: 'In', values: ['db'] }];
      for (const selector of [{}, { matchExpressions }]) {
        const spec = { minAvailable: 1, selector };
        await target.api.requestOk('POST', budgets, { body: { metadata: { name: 'one' }, spec } });
        await assertRefused(target, 'POST', path, { body }, OVER_BUDGET);
        await target.api.requestOk('DELETE', `${budgets}/one`);
      }
      const spec = { minAvailable: 1, selector: { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] } };
      await target.api.requestOk('POST', budgets, { body: { metadata: { name: 'none' }, spec } });
      assert.equal((await target.api.request('POST', path, { body })).status, 201);
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
