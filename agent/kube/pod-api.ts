import type { EvictionAnswer } from '../core/eviction-answer.ts';
import type { DaemonSetLookup } from '../core/eviction-choice.ts';
import type { PodListener, PodName, PodView } from '../core/pod.ts';
import { hasStatus, KubeError } from './kube-error.ts';
import { type CollectionListener, listAll, listAndWatch } from './list-watch.ts';
import type { Transport } from './transport.ts';

/** What a drain reads and writes of pods. Every call throws KubeError. */
export type PodApi = {
  /** All pods of the node, in pages. */
  list(): Promise<PodView[]>;
  /** Follows the node's pods until the signal. */
  watch(listener: PodListener, signal: AbortSignal): Promise<void>;
  /** null when there is none of that name. */
  read(pod: PodName): Promise<PodView | null>;
  /** One policy/v1 Eviction of exactly this pod; 409 when another has its name now. */
  evict(pod: PodView, gracePeriodSeconds: number | null, deadlineMs: number): Promise<void>;
  /** Deletes exactly this pod, past every budget; 409 when another has its name now. */
  delete(pod: PodView, gracePeriodSeconds: number | null, deadlineMs: number): Promise<void>;
  /** Never throws: what cannot be read is Unknown. */
  findDaemonSet(namespace: string, name: string): Promise<DaemonSetLookup>;
};

export function createPodApi(transport: Transport, nodeName: string): PodApi {
  const pods = { path: '/api/v1/pods', fieldSelector: `spec.nodeName=${nodeName}`, what: `pods of node ${nodeName}` };
  return {
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
        return toPodView(await transport.request({ method: 'GET', path: podPath(pod), attempt }));
      } catch (error) {
        if (hasStatus(error, 404)) return null;
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
        const object = (await transport.request({ method: 'GET', path, attempt })) as { metadata: { uid: string } };
        return { kind: 'Found', uid: object.metadata.uid };
      } catch (error) {
        if (hasStatus(error, 404)) return { kind: 'NotFound' };
        return { kind: 'Unknown', problem: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

/** What an error of `evict` says about the pod. */
export function evictionAnswer(error: unknown): EvictionAnswer {
  if (!(error instanceof KubeError)) {
    return { status: null, message: String(error), causes: [], retryAfterMs: null };
  }
  const { status, answer, causes, retryAfterMs } = error;
  return { status, message: answer, causes, retryAfterMs };
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
    deletionTimestamp?: string;
    ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
  };
  spec?: { nodeName?: string; volumes?: { emptyDir?: object | null }[] };
  status?: { phase?: string };
};

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
    terminating: metadata.deletionTimestamp !== undefined,
    mirror: metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined,
    controller: controller
      ? { apiVersion: controller.apiVersion, kind: controller.kind, name: controller.name, uid: controller.uid }
      : null,
    hasEmptyDir: (spec?.volumes ?? []).some(({ emptyDir }) => emptyDir != null),
  };
}
