import assert from 'node:assert/strict';
import { createNamespace, createPod, setPodPhase } from '../harness/pods.ts';
import {
  assertEvictionRefused,
  BUDGETS,
  createBudget,
  evict,
  isTerminating,
  OTHER_UID,
  OVER_BUDGET,
  PODS,
  runningPod,
  setBudget,
} from './evict.ts';
import { assertRefused, type Rule } from './target.ts';

export const BUDGET_RULES: readonly Rule[] = [
  {
    rule: 'a budget that allows nothing answers 429 with cause DisruptionBudget and no Retry-After, and the pod stays',
    async holds(target) {
      await runningPod(target, 'protected');
      await createBudget(target, 'protects', 'protected', {});
      const { headers } = await assertEvictionRefused(target, 'protected', OVER_BUDGET);
      assert.equal(headers['retry-after'], undefined);
      assert.equal(await isTerminating(target, 'protected'), false);
    },
  },
  {
    rule: 'a budget whose status is behind its spec answers 429 with cause DisruptionBudget and Retry-After 10',
    async holds(target) {
      await runningPod(target, 'unobserved');
      await createBudget(target, 'unobserved', 'unobserved', null);
      const details = { ...OVER_BUDGET.details, retryAfterSeconds: 10 };
      const { headers } = await assertEvictionRefused(target, 'unobserved', { ...OVER_BUDGET, details });
      assert.equal(headers['retry-after'], '10');
    },
  },
  {
    rule: "a change of a budget's spec, and nothing else, raises its generation, and its status is behind then",
    async holds(target) {
      await runningPod(target, 'regenerated');
      await createBudget(target, 'regenerated', 'regenerated', { disruptionsAllowed: 1 });
      const generationAfter = async (body: object) => {
        const { metadata } = await target.api.requestOk('PATCH', `${BUDGETS}/regenerated`, { body });
        return metadata.generation;
      };
      assert.equal(await generationAfter({ metadata: { labels: { a: 'b' } } }), 1);
      assert.equal(await generationAfter({ spec: { minAvailable: 2 } }), 2);
      const details = { ...OVER_BUDGET.details, retryAfterSeconds: 10 };
      await assertEvictionRefused(target, 'regenerated', { ...OVER_BUDGET, details });
    },
  },
  {
    rule: 'an eviction spends one disruption of the budget',
    async holds(target) {
      await runningPod(target, 'spender');
      await createBudget(target, 'spent', 'spender', { disruptionsAllowed: 1 });
      assert.equal((await evict(target, 'spender')).status, 201);
      const { status } = await target.api.requestOk('GET', `${BUDGETS}/spent`);
      assert.equal(status?.disruptionsAllowed, 0);
      assert.deepEqual(Object.keys(status?.disruptedPods ?? {}), ['spender']);
    },
  },
  {
    rule: 'an eviction refused for its uid has spent a disruption all the same',
    async holds(target) {
      await runningPod(target, 'wasteful');
      await createBudget(target, 'wasted', 'wasteful', { disruptionsAllowed: 1 });
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
      await runningPod(target, 'overlapped');
      await createBudget(target, 'overlap-1', 'overlapped', { disruptionsAllowed: 1 });
      await createBudget(target, 'overlap-2', 'overlapped', { disruptionsAllowed: 1 });
      const { body } = await assertEvictionRefused(target, 'overlapped', { code: 500 });
      assert.match(body.message ?? '', /more than one PodDisruptionBudget/);
      assert.equal(await isTerminating(target, 'overlapped'), false);
    },
  },
  {
    rule: 'pending, finished and terminating pods are evicted whatever the budget says',
    async holds(target) {
      await createBudget(target, 'nothing-allowed', 'exempt', {});
      const labels = { app: 'exempt' };
      await runningPod(target, 'exempt-pending', { labels, phase: 'Pending' });
      await runningPod(target, 'exempt-finished', { labels, phase: 'Succeeded' });
      await runningPod(target, 'exempt-terminating', { labels });
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
        await runningPod(target, name, { labels: { app: 'unready' } });
        const conditions = [{ type: 'Ready', status: 'False' }];
        await target.api.requestOk('PATCH', `${PODS}/${name}/status`, { body: { status: { conditions } } });
      }
      await createBudget(target, 'unready', 'unready', {});
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
      await runningPod(target, 'allowed');
      await createBudget(target, 'always-allow', 'allowed', { currentHealthy: 0 });
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
    rule: 'a budget selects by labels and expressions; an empty selector selects every pod, an absent one none',
    async holds(target) {
      const namespace = 'all-selected';
      await createNamespace(target.api, namespace);
      await createPod(target.api, { namespace, name: 'any', nodeName: 'eviction-rules', labels: { tier: 'db' } });
      const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
      const path = `/api/v1/namespaces/${namespace}/pods/any/eviction`;
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'any', namespace } };
      const expression = (key: string, operator: string, ...values: string[]) => {
        return { matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) }] };
      };
      const create = (name: string, selector: object | undefined) =>
        target.api.requestOk('POST', budgets, { body: { metadata: { name }, spec: { minAvailable: 1, selector } } });
      const selecting = [
        {},
        { matchLabels: { tier: 'db' } },
        expression('tier', 'In', 'web', 'db'),
        expression('tier', 'NotIn', 'web'),
        expression('other', 'NotIn', 'web'),
        expression('tier', 'Exists'),
        expression('other', 'DoesNotExist'),
      ];
      for (const [index, selector] of selecting.entries()) {
        await create(`selecting-${index}`, selector);
        await assertRefused(target, 'POST', path, { body }, OVER_BUDGET);
        await target.api.requestOk('DELETE', `${budgets}/selecting-${index}`);
      }
      const passing = [
        undefined,
        { matchLabels: { tier: 'db', other: 'a' } },
        expression('tier', 'In', 'web'),
        expression('other', 'In', 'web'),
        expression('tier', 'NotIn', 'db'),
        expression('other', 'Exists'),
        expression('tier', 'DoesNotExist'),
      ];
      for (const [index, selector] of passing.entries()) await create(`passing-${index}`, selector);
      assert.equal((await target.api.request('POST', path, { body })).status, 201);
    },
  },
];
