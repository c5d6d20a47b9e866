/** What a drain reads of a Pod. */
export type PodView = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: string;
  /** RFC 3339, by the API server's clock; empty when it is not known. */
  readonly createdAt: string;
  /** It has a deletionTimestamp. */
  readonly terminating: boolean;
  /** Seconds it was given to end when its deletion was asked for; null while it does not terminate. */
  readonly deletionGracePeriodSeconds: number | null;
  /** What keeps the object when the pod has ended. */
  readonly finalizers: readonly string[];
  /** The condition Ready is True; a PodDisruptionBudget counts such pods. */
  readonly ready: boolean;
  /** Seconds it asks for to end. */
  readonly terminationGracePeriodSeconds: number;
  /** What the scheduler, the kubelet and a drain order pods by; 0 where nothing is said. */
  readonly priority: number;
  /** Empty without one. */
  readonly priorityClassName: string;
  /** The kubelet's image of a static pod (annotation kubernetes.io/config.mirror): deleting it changes nothing. */
  readonly mirror: boolean;
  /** The owner reference with controller: true; null for an unmanaged pod. */
  readonly controller: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  } | null;
  readonly hasEmptyDir: boolean;
};

export type PodName = Pick<PodView, 'namespace' | 'name'>;

/** Is told of a node's pods: all of them now and then, each change in between, and what kept them from being read. */
export type PodListener = {
  onList(pods: readonly PodView[]): void;
  onPod(pod: PodView): void;
  onGone(pod: PodView): void;
  onProblem(error: Error): void;
};

/** As kubectl prints it: `namespace/name`. */
export function podKey({ namespace, name }: PodName): string {
  return `${namespace}/${name}`;
}

/** Ran to its end: nothing of it is on the node any more but its object (kubectl drain's filters let it pass, too). */
export function isFinished({ phase }: Pick<PodView, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** The two classes that Kubernetes itself has; no other class may have so high a priority. */
const CRITICAL_CLASSES = ['system-cluster-critical', 'system-node-critical'];
export const CRITICAL_PRIORITY = 2_000_000_000;

/** The cluster or the node needs it to work: storage, network, DNS. It leaves a node last. */
export function isCritical({ priority, priorityClassName }: Pick<PodView, 'priority' | 'priorityClassName'>): boolean {
  return priority >= CRITICAL_PRIORITY || CRITICAL_CLASSES.includes(priorityClassName);
}
