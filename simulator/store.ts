import type { Resource } from './resources.ts';
import type { KubeObject } from './types.ts';

/** One write. `object` is what it left, or for a deletion the last state with the deletion's version. */
export interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
  /** Who wrote it: a request's user agent, `hands` or `controllers`. */
  readonly by: string;
}

/** How many writes are remembered for watches and continued lists when nothing else is asked for. */
const HISTORY_LIMIT = 10_000;

/** Who writes what nobody else says he writes: a person, or a test. */
export const HANDS = 'hands';

/**
 * Every object of every resource, under one version counter, with the history of writes. Objects in it are never
 * changed, only replaced, so whoever reads one may keep it.
 */
export class Store {
  /** The resourceVersion of the latest write. */
  version = 1;
  readonly #objects = new Map<Resource, Map<string, KubeObject>>();
  /** The keys of each in order; absent where one has come or gone since they were last asked for. */
  readonly #sortedKeys = new Map<Resource, readonly string[]>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #historyLimit: number;
  #history: Change[] = [];
  #forgottenUpTo = 0;
  #author = HANDS;

  constructor(historyLimit: number = HISTORY_LIMIT) {
    this.#historyLimit = historyLimit;
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#of(resource).get(keyOf(namespace, name));
  }

  /** All objects of a resource, or of one of its namespaces, in the order of namespace and name. */
  list(resource: Resource, namespace?: string): KubeObject[] {
    const objects = this.#of(resource);
    const keys = this.#sortedKeys.get(resource) ?? [...objects.keys()].sort();
    this.#sortedKeys.set(resource, keys);
    return listed(objects, keys, namespace);
  }

  /** The same at an earlier version, or undefined when that is forgotten. */
  listAt(version: number, resource: Resource, namespace?: string): KubeObject[] | undefined {
    if (version === this.version) return this.list(resource, namespace);
    const since = this.since(version, resource);
    if (since === undefined) return undefined;
    const objects = new Map(this.#of(resource));
    for (const { object, previous } of since.reverse()) {
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      if (previous) objects.set(key, previous);
      else objects.delete(key);
    }
    return listed(objects, [...objects.keys()].sort(), namespace);
  }

  /** Creates or replaces, under a new version. */
  put(resource: Resource, object: KubeObject): KubeObject {
    const { namespace, name } = object.metadata;
    const previous = this.get(resource, namespace, name);
    const stored = this.#stamp(object);
    this.#of(resource).set(keyOf(namespace, name), stored);
    if (previous === undefined) this.#sortedKeys.delete(resource);
    const type = previous ? 'MODIFIED' : 'ADDED';
    this.#record({ version: this.version, type, resource, object: stored, previous, by: this.#author });
    return stored;
  }

  remove(resource: Resource, { metadata: { namespace, name } }: KubeObject): void {
    const previous = this.get(resource, namespace, name);
    if (previous === undefined) return;
    const object = this.#stamp(previous);
    this.#of(resource).delete(keyOf(namespace, name));
    this.#sortedKeys.delete(resource);
    this.#record({ version: this.version, type: 'DELETED', resource, object, previous, by: this.#author });
  }

  /** Does work whose writes are by somebody. */
  writeAs<T>(author: string, work: () => T): T {
    const before = this.#author;
    this.#author = author;
    try {
      return work();
    } finally {
      this.#author = before;
    }
  }

  /** The writes to a resource after a version, oldest first, or undefined when they are forgotten. */
  since(version: number, resource: Resource): Change[] | undefined {
    if (version < this.#forgottenUpTo) return undefined;
    return this.#history.filter((change) => change.version > version && change.resource === resource);
  }

  /** Calls back after every write. @returns how to stop that. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Forgets all history, as etcd's compaction does: versions before the present one are too old. */
  forgetHistory(): void {
    this.#history = [];
    this.#forgottenUpTo = this.version;
  }

  #of(resource: Resource): Map<string, KubeObject> {
    const known = this.#objects.get(resource);
    if (known) return known;
    const created = new Map<string, KubeObject>();
    this.#objects.set(resource, created);
    return created;
  }

  #stamp(object: KubeObject): KubeObject {
    this.version += 1;
    return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } });
  }

  #record(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > 2 * this.#historyLimit) {
      const forgotten = this.#history.splice(0, this.#historyLimit);
      this.#forgottenUpTo = forgotten.at(-1)?.version ?? this.#forgottenUpTo;
    }
    for (const listener of [...this.#listeners]) listener(change);
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function listed(
  objects: ReadonlyMap<string, KubeObject>,
  keys: readonly string[],
  namespace: string | undefined,
): KubeObject[] {
  const begin = namespace === undefined ? '' : keyOf(namespace, '');
  const wanted = begin === '' ? keys : keys.filter((key) => key.startsWith(begin));
  return wanted.map((key) => objects.get(key) as KubeObject);
}

function deepFreeze<T>(value: T): T {
  // So are null and everything that is no object.
  if (Object.isFrozen(value)) return value;
  Object.values(value as object).forEach(deepFreeze);
  return Object.freeze(value);
}
