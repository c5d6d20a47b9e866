import type { ApiResponse, KubeObject, KubeStatus } from '../harness/api-client.ts';
import { createPod, type NewPod } from '../harness/pods.ts';
import { assertRefused, type Refusal, type Target } from './target.ts';

export const PODS = '/api/v1/namespaces/default/pods';
export const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
export const OTHER_UID = '11111111-2222-3333-4444-555555555555';

/** A running pod on a node, labelled with its name as app. */
export function runningPod({ api }: Target, name: string, more: Partial<NewPod> = {}): Promise<KubeObject> {
  return createPod(api, { name, nodeName: 'eviction-rules', labels: { app: name }, ...more });
}

/** The body of an eviction. */
export function eviction(name: string, deleteOptions?: object): { body: object } {
  return {
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' }, deleteOptions },
  };
}

export async function evict({ api }: Target, name: string, deleteOptions?: object): Promise<ApiResponse<KubeStatus>> {
  return api.request<KubeStatus>('POST', `${PODS}/${name}/eviction`, eviction(name, deleteOptions));
}

export function assertEvictionRefused(target: Target, name: string, expected: Refusal, deleteOptions?: object) {
  return assertRefused(target, 'POST', `${PODS}/${name}/eviction`, eviction(name, deleteOptions), expected);
}

export async function isTerminating({ api }: Target, name: string): Promise<boolean> {
  return (await api.requestOk('GET', `${PODS}/${name}`)).metadata.deletionTimestamp !== undefined;
}

/** A budget over the pods of an app, with the status its controller would have written; null: not written yet. */
export async function createBudget({ api }: Target, name: string, app: string, status: object | null): Promise<void> {
  const spec = { minAvailable: 1, selector: { matchLabels: { app } } };
  await api.requestOk('POST', BUDGETS, { body: { metadata: { name }, spec } });
  if (status) await setBudget({ api }, name, status);
}

export function setBudget({ api }: Pick<Target, 'api'>, name: string, status: object): Promise<KubeObject> {
  const usual = { observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptionsAllowed: 0 };
  return api.requestOk('PATCH', `${BUDGETS}/${name}/status`, { body: { status: { ...usual, ...status } } });
}

/** What a budget answers that allows nothing. */
export const OVER_BUDGET = {
  code: 429,
  reason: 'TooManyRequests',
  details: { causes: [{ reason: 'DisruptionBudget' }] },
};
