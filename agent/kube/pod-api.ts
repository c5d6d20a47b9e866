import { type EvictionAnswer, isAuthorizerRefusal } from '../core/orders/eviction-answer.ts';
import type { PodName, PodView } from '../core/orders/pod.ts';
import type { DrainApi } from '../core/ports.ts';
import { adviceFor, hasStatus, isNotFound, KubeError } from './kube-error.ts';
import { type CollectionListener, listAll, listAndWatch } from './list-watch.ts';
import { type Metadata, requireDone, requireList, requireNamed, requireTexts } from './shape.ts';
import type { Transport } from './transport.ts';

/** A drain is blind until its pods are listed, and its deadline may come meanwhile. */
const MAX_RETRY_MS = 3_000;

/** Every call throws KubeError. */
export function createPodApi(transport: Transport, nodeName: string): DrainApi {
  const pods = {
    path: '/api/v1/pods',
    kind: 'Pod',
    fieldSelector: `spec.nodeName=${nodeName}`,
    what: `pods of node ${nodeName}`,
    maxRetryMs: MAX_RETRY_MS,
  };
  const toView = (object: object) => toPodView(object, `read ${pods.what}`);
  return {
    answerOf: evictionAnswer,
    async list(bounds) {
      return (await listAll(transport, pods, bounds)).items.map(toView);
    },
    watch(listener, signal) {
      const onEvent: CollectionListener['onEvent'] = (type, object) => {
        const pod = toView(object);
        if (type === 'DELETED') listener.onGone(pod);
        else listener.onPod(pod);
      };
      const onList = (objects: readonly object[]) => listener.onList(objects.map(toView));
      return listAndWatch(transport, pods, { onList, onEvent, onProblem: listener.onProblem }, signal);
    },
    async read(pod, bounds) {
      try {
        const attempt = `read pod ${pod.namespace}/${pod.name}`;
        const answer = await transport.request({ method: 'GET', path: podPath(pod), attempt, ...bounds });
        return toPodView(requireNamed(answer, 'Pod', pod.name, attempt), attempt);
      } catch (error) {
        if (isNotFound(error, 'pods', pod.name)) return null;
        throw error;
      }
    },
    async evict(pod, gracePeriodSeconds, bounds) {
      const attempt = `evict pod ${pod.namespace}/${pod.name}`;
      const answer = await transport.request({
        method: 'POST',
        path: `${podPath(pod)}/eviction`,
        attempt,
        ...bounds,
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { namespace: pod.namespace, name: pod.name },
          deleteOptions: deleteOptions(pod, gracePeriodSeconds),
        },
      });
      requireDone(answer, 'Pod', pod.name, attempt);
    },
    async delete(pod, gracePeriodSeconds, bounds) {
      const attempt = `delete pod ${pod.namespace}/${pod.name}`;
      const answer = await transport.request({
        method: 'DELETE',
        path: podPath(pod),
        attempt,
        ...bounds,
        body: { apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptions(pod, gracePeriodSeconds) },
      });
      requireDone(answer, 'Pod', pod.name, attempt);
    },
    async findDaemonSet(namespace, name, bounds) {
      const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/daemonsets/${encodeURIComponent(name)}`;
      try {
        const attempt = `read DaemonSet ${namespace}/${name}`;
        const answer = await transport.request({ method: 'GET', path, attempt, ...bounds });
        return { kind: 'Found', uid: requireNamed(answer, 'DaemonSet', name, attempt).metadata.uid };
      } catch (error) {
        if (isNotFound(error, 'daemonsets', name)) return { kind: 'NotFound' };
        const problem = error instanceof Error ? error.message : String(error);
        return { kind: 'Unknown', problem, isRefusal: hasStatus(error, 403) };
      }
    },
  };
}

/** What an error of `evict` or `delete` says about the pod. */
export function evictionAnswer(error: unknown, pod: PodName): EvictionAnswer {
  if (!(error instanceof KubeError)) {
    return { status: null, message: String(error), causes: [], retryAfterMs: null, isNotFound: false };
  }
  const { status, answer, causes, retryAfterMs } = error;
  const message = withFittingAdvice(status, answer);
  return { status, message, causes, retryAfterMs, isNotFound: isNotFound(error, 'pods', pod.name) };
}

/** Whom admission refuses a ClusterRole helps nothing: its own words say what does. */
function withFittingAdvice(status: number | null, answer: string): string {
  const advice = status === 403 ? adviceFor(403, '') : '';
  if (advice === '' || !answer.endsWith(advice) || isAuthorizerRefusal({ status, message: answer })) return answer;
  return answer.slice(0, -advice.length);
}

function podPath({ namespace, name }: PodName): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}

/** The UID is the guard against a pod that was made anew under the same name, as a StatefulSet's are. */
function deleteOptions(pod: PodView, gracePeriodSeconds: number | null): object {
  return { preconditions: { uid: pod.uid }, ...(gracePeriodSeconds !== null && { gracePeriodSeconds }) };
}

type PodObject = {
  metadata: Metadata & {
    namespace?: string;
    creationTimestamp?: string | null;
    deletionTimestamp?: string | null;
    deletionGracePeriodSeconds?: number | null;
    finalizers?: unknown;
    ownerReferences?: unknown;
  };
  spec?: {
    nodeName?: string;
    volumes?: unknown;
    priority?: number;
    priorityClassName?: string;
    terminationGracePeriodSeconds?: number | null;
  };
  status?: { phase?: string; conditions?: unknown };
};

type Condition = { type: string; status: string };
type Owner = { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean };

/** The API server's own default, which every stored pod has. */
const DEFAULT_GRACE_SECONDS = 30;

/** @throws KubeError when the object is not a Pod as the API serves it */
function toPodView(object: object, attempt: string): PodView {
  const { metadata, spec, status } = object as PodObject;
  const { name, uid, namespace = '', labels, annotations, deletionTimestamp } = metadata;
  const owners = requireList<Owner>(metadata.ownerReferences, 'ownerReferences', attempt);
  const controller = owners.find((owner) => owner.controller === true);
  const volumes = requireList<{ emptyDir?: object | null }>(spec?.volumes, 'spec.volumes', attempt);
  const conditions = requireList<Condition>(status?.conditions, 'status.conditions', attempt);
  return {
    namespace,
    name,
    uid,
    nodeName: spec?.nodeName ?? '',
    labels: labels ?? {},
    phase: status?.phase ?? '',
    createdAt: metadata.creationTimestamp ?? '',
    terminating: deletionTimestamp != null,
    deletionGracePeriodSeconds: metadata.deletionGracePeriodSeconds ?? null,
    finalizers: requireTexts(metadata.finalizers, 'finalizers', attempt),
    ready: conditions.some((each) => each.type === 'Ready' && each.status === 'True'),
    terminationGracePeriodSeconds: spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
    priority: spec?.priority ?? 0,
    priorityClassName: spec?.priorityClassName ?? '',
    mirror: annotations?.['kubernetes.io/config.mirror'] !== undefined,
    controller: controller
      ? { apiVersion: controller.apiVersion, kind: controller.kind, name: controller.name, uid: controller.uid }
      : null,
    hasEmptyDir: volumes.some(({ emptyDir }) => emptyDir != null),
  };
}
