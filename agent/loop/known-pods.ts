import type { PodView } from '../core/pod.ts';

/** The pods of the node as lists, events and answers tell of them, in whatever order those arrive. */
export class KnownPods {
  /** By UID; null until the first list. */
  #pods: Map<string, PodView> | null = null;
  /** UIDs, which never come back: a list asked for before a pod went may still show it. */
  readonly #gone = new Set<string>();

  /** null until the first list. */
  get all(): readonly PodView[] | null {
    return this.#pods === null ? null : [...this.#pods.values()];
  }

  /** These are all there are. */
  replace(pods: readonly PodView[]): void {
    this.#pods = new Map(pods.filter(({ uid }) => !this.#gone.has(uid)).map((pod) => [pod.uid, pod]));
  }

  update(pod: PodView): void {
    if (!this.#gone.has(pod.uid)) this.#pods?.set(pod.uid, pod);
  }

  forget({ uid }: PodView): void {
    this.#gone.add(uid);
    this.#pods?.delete(uid);
  }
}
