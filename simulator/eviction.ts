import { checkNamespace } from './admission.ts';
import { ApiError, badRequest, notFound } from './api-error.ts';
import { type Cluster, type Target, timestamp } from './cluster.ts';
import { type DeleteOptions, deleteObject } from './remove.ts';
import { DISRUPTION_BUDGETS, PODS } from './resources.ts';
import { type LabelSelector, matchesLabelSelector } from './selectors.ts';
import type { KubeObject, KubeStatus, StatusCause } from './types.ts';

/** A policy/v1 Eviction. */
export interface Eviction {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly deleteOptions?: DeleteOptions;
}

/** The status of a PodDisruptionBudget, which the disruption controller writes. */
export interface BudgetStatus {
  readonly observedGeneration?: number;
  readonly disruptionsAllowed?: number;
  readonly currentHealthy?: number;
  readonly desiredHealthy?: number;
  readonly expectedPods?: number;
  readonly disruptedPods?: Readonly<Record<string, string>>;
}

/** How long a client should wait for a budget whose status is behind its spec. */
const STATUS_BEHIND_RETRY_SECONDS = 10;

/**
 * POST pods/NAME/eviction: deletes the pod if its disruption budget allows.
 * @throws ApiError 404; 403 in a terminating namespace; 429 with cause DisruptionBudget; 500 when two budgets select the
 * pod; 409 for another uid.
 */
export function evictPod(cluster: Cluster, target: Target, eviction: Eviction): KubeStatus {
  const { namespace, name } = target;
  const asked = eviction.metadata?.name;
  checkNamespace(cluster.store, PODS, namespace, name);
  if (asked && asked !== name) throw badRequest(`name in URL does not match name in Eviction object: ${asked}`);
  const pod = cluster.store.get(PODS, namespace, name);
  if (!pod) throw notFound(PODS, name);
  if (!isExempt(pod)) spendBudget(cluster, pod);
  deleteObject(cluster, { resource: PODS, namespace, name }, eviction.deleteOptions ?? {});
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

/** Nothing is disrupted by the end of a pod that does not run, or is ending already. */
function isExempt({ metadata, status }: KubeObject): boolean {
  const phase = String(status?.phase);
  return metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(phase);
}

function spendBudget(cluster: Cluster, pod: KubeObject): void {
  const { store } = cluster;
  const { namespace, name, labels } = pod.metadata;
  const budgets = store
    .list(DISRUPTION_BUDGETS, namespace)
    .filter(({ spec }) => matchesLabelSelector(spec?.selector as LabelSelector | undefined, labels));
  const [budget, second] = budgets;
  if (budget === undefined) return;
  if (second !== undefined) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new ApiError(500, undefined, message);
  }
  if (mayGoUnready(budget, pod)) return;
  const status = (budget.status ?? {}) as BudgetStatus;
  const allowed = checkBudget(budget, status);
  const disruptedPods = { ...status.disruptedPods, [name]: timestamp(cluster) };
  store.put(DISRUPTION_BUDGETS, { ...budget, status: { ...status, disruptionsAllowed: allowed - 1, disruptedPods } });
}

/** A pod that is not ready may go when the others are enough, or always, as the budget's policy says. */
function mayGoUnready({ spec, status }: KubeObject, pod: KubeObject): boolean {
  if (isReady(pod)) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = (status ?? {}) as BudgetStatus;
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** How many disruptions the budget allows, at least one. */
function checkBudget({ metadata }: KubeObject, status: BudgetStatus): number {
  const { observedGeneration = 0, disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = status;
  if (observedGeneration < Number(metadata.generation)) {
    const message = `The disruption budget ${metadata.name} is still being processed by the server.`;
    throw tooManyRequests({ reason: 'DisruptionBudget', message }, STATUS_BEHIND_RETRY_SECONDS);
  }
  if (disruptionsAllowed > 0) return disruptionsAllowed;
  const message = `The disruption budget ${metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  throw tooManyRequests({ reason: 'DisruptionBudget', message });
}

function tooManyRequests(cause: StatusCause, retryAfterSeconds?: number): ApiError {
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return new ApiError(429, 'TooManyRequests', message, { causes: [cause], ...retry });
}

/** The condition Ready of a pod or a Node. */
export function isReady({ status }: KubeObject): boolean {
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}
