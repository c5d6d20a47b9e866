/** What a drain reads of a Pod. */
export type PodView = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: string;
  /** It has a deletionTimestamp. */
  readonly terminating: boolean;
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
export function isFinished({ phase }: PodView): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
