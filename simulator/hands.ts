import { isDeepStrictEqual } from 'node:util';
import { normalize } from './admission.ts';
import { type Cluster, timestamp } from './cluster.ts';
import { apiVersionOf, NAMESPACES, type Resource, resourceOfKind } from './resources.ts';
import { HANDS } from './store.ts';
import type { KubeObject, ObjectDraft, ObjectMeta } from './types.ts';

/** What a person or a test does to the objects, past the API. */
export interface Hands {
  /** Creates objects as they are, status included, in place of namesakes; their namespaces come into being. */
  seed(...objects: readonly ObjectDraft[]): void;
  /** The object as stored; namespace default for namespaced kinds. */
  read(kind: string, name: string, namespace?: string): KubeObject | undefined;
  /** All objects of a kind, of every namespace unless one is named. */
  list(kind: string, namespace?: string): KubeObject[];
  /**
   * Changes an object as somebody else would: `change` edits a copy. What changes nothing writes nothing.
   * @throws Error when there is none.
   */
  edit(kind: string, name: string, change: (draft: EditableObject) => void, namespace?: string): KubeObject;
  /** Removes an object at once, whatever holds it. */
  remove(kind: string, name: string, namespace?: string): void;
}

/** A deep copy of an object, for editing in place. */
// biome-ignore lint/suspicious/noExplicitAny: an edit reaches into any kind of object
export type EditableObject = Record<'metadata' | 'spec' | 'status', any> & Record<string, unknown>;

export function handsOn(cluster: Cluster): Hands {
  const { store } = cluster;
  const read: Hands['read'] = (kind, name, namespace) => {
    const resource = resourceOfKind(kind);
    return store.get(resource, namespaceFor(resource, namespace), name);
  };
  return {
    seed: (...objects) =>
      store.writeAs(HANDS, () => {
        // What is stored is frozen; what is given stays the giver's.
        for (const object of objects) seed(cluster, structuredClone(object));
      }),
    read,
    list: (kind, namespace) => store.list(resourceOfKind(kind), namespace),
    edit(kind, name, change, namespace) {
      const found = read(kind, name, namespace);
      if (!found) throw new Error(`the simulator has no ${kind} ${name} to edit`);
      const draft = structuredClone(found) as unknown as EditableObject;
      change(draft);
      const edited = normalize(resourceOfKind(kind), draft as unknown as KubeObject);
      if (isDeepStrictEqual(edited, found)) return found;
      return store.writeAs(HANDS, () => store.put(resourceOfKind(kind), edited));
    },
    remove(kind, name, namespace) {
      const found = read(kind, name, namespace);
      if (found) store.writeAs(HANDS, () => store.remove(resourceOfKind(kind), found));
    },
  };
}

export function namespaceNamed(name: string): ObjectDraft {
  return { kind: 'Namespace', metadata: { name }, status: { phase: 'Active' } };
}

function seed(cluster: Cluster, draft: ObjectDraft): void {
  const { store } = cluster;
  const resource = resourceOfKind(draft.kind ?? '');
  const namespace = namespaceFor(resource, draft.metadata?.namespace);
  if (namespace !== undefined && !store.get(NAMESPACES, undefined, namespace)) seed(cluster, namespaceNamed(namespace));
  const namesake = store.get(resource, namespace, draft.metadata?.name ?? '');
  if (namesake) store.remove(resource, namesake);
  const metadata = {
    uid: cluster.uuid(),
    creationTimestamp: timestamp(cluster),
    ...(resource.countsGenerations ? { generation: 1 } : {}),
    ...draft.metadata,
    ...(namespace === undefined ? {} : { namespace }),
  } as ObjectMeta;
  store.put(
    resource,
    normalize(resource, { ...draft, kind: resource.kind, apiVersion: apiVersionOf(resource), metadata }),
  );
}

function namespaceFor(resource: Resource, namespace: string | undefined): string | undefined {
  return resource.namespaced ? (namespace ?? 'default') : undefined;
}
