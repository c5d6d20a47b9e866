import { type EvictionAnswer, isAuthorizerRefusal } from '../core/orders/eviction-answer.ts';
import type { PodName, PodView } from '../core/orders/pod.ts';
import type { DrainApi } from '../core/ports.ts';
import { adviceFor, hasStatus, isNotFound, KubeError } from './kube-error.ts';
import { type CollectionListener, listAll, listAndWatch } from './list-watch.ts';
import { requireObject } from './shape.ts';
import type { Transport } from './transport.ts';

/** Every call throws KubeError. */
export function createPodApi(transport: Transport, nodeName: string): DrainApi {
  const pods = {
    path: '/api/v1/pods',
    kind: 'Pod',
    fieldSelector: `spec.nodeName=${nodeName}`,
    what: `pods of node ${nodeName}`,
  };
  return {
    answerOf: evictionAnswer,
    async list() {
      return (await listAll(transport, pods)).items.map(toPodView);
    },
    watch(listener, signal) {
      const onEvent: CollectionListener['onEvent'] = (type, object) => {
        const pod = toPodView(object);
        if (type === 'DELETED') listener.onGone(pod);
        else listener.onPod(pod);
      };
      const onList = (objects: readonly unknown[]) => listener.onList(objects.map(toPodView));
      return listAndWatch(transport, pods, { onList, onEvent, onProblem: listener.onProblem }, signal);
    },
    async read(pod) {
      try {
        const attempt = `read pod ${pod.namespace}/${pod.name}`;
        const answer = await transport.request({ method: 'GET', path: podPath(pod), attempt });
        return toPodView(requireObject(answer, 'Pod', attempt));
      } catch (error) {
        if (isNotFound(error, 'pods', pod.name)) return null;
        throw error;
      }
    },
    async evict(pod, gracePeriodSeconds, deadlineMs) {
      await transport.request({
        method: 'POST',
        path: `${podPath(pod)}/eviction`,
        attempt: `evict pod ${pod.namespace}/${pod.name}`,
        deadlineMs,
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { namespace: pod.namespace, name: pod.name },
          deleteOptions: deleteOptions(pod, gracePeriodSeconds),
        },
      });
    },
    async delete(pod, gracePeriodSeconds, deadlineMs) {
      await transport.request({
        method: 'DELETE',
        path: podPath(pod),
        attempt: `delete pod ${pod.namespace}/${pod.name}`,
        deadlineMs,
        body: { apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptions(pod, gracePeriodSeconds) },
      });
    },
    async findDaemonSet(namespace, name) {
      const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/daemonsets/${encodeURIComponent(name)}`;
      try {
        const attempt = `read DaemonSet ${namespace}/${name}`;
        const answer = await transport.request({ method: 'GET', path, attempt });
        return { kind: 'Found', uid: requireObject(answer, 'DaemonSet', attempt).metadata.uid };
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
  metadata: {
    namespace: string;
    name: string;
    uid: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
    finalizers?: string[];
    ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
  };
  spec?: {
    nodeName?: string;
    volumes?: { emptyDir?: object | null }[];
    priority?: number;
    priorityClassName?: string;
    terminationGracePeriodSeconds?: number;
  };
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
};

/** The API server's own default, which every stored pod has. */
const DEFAULT_GRACE_SECONDS = 30;

function toPodView(object: unknown): PodView {
  const { metadata, spec, status } = object as PodObject;
  const controller = metadata.ownerReferences?.find((owner) => owner.controller === true);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    nodeName: spec?.nodeName ?? '',
    labels: metadata.labels ?? {},
    phase: status?.phase ?? '',
    createdAt: metadata.creationTimestamp ?? '',
    terminating: metadata.deletionTimestamp !== undefined,
    deletionGracePeriodSeconds: metadata.deletionGracePeriodSeconds ?? null,
    finalizers: metadata.finalizers ?? [],
    ready: (status?.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True'),
    terminationGracePeriodSeconds: spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
    priority: spec?.priority ?? 0,
    priorityClassName: spec?.priorityClassName ?? '',
    mirror: metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined,
    controller: controller
      ? { apiVersion: controller.apiVersion, kind: controller.kind, name: controller.name, uid: controller.uid }
      : null,
    hasEmptyDir: (spec?.volumes ?? []).some(({ emptyDir }) => emptyDir != null),
  };
}
