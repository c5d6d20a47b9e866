import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { normalize } from './admission.ts';
import { type Cluster, timestamp } from './cluster.ts';
import type { OpenWatch } from './connection.ts';
import { type Controllers, startControllers } from './controllers.ts';
import { Faults } from './faults.ts';
import { apiVersionOf, NAMESPACES, type Resource, resourceOfKind } from './resources.ts';
import { type LoggedRequest, serve } from './server.ts';
import { Store } from './store.ts';
import type { KubeObject, ObjectDraft, ObjectMeta } from './types.ts';

export interface SimulatorOptions {
  /** 0 or absent: a free one of 127.0.0.1. */
  readonly port?: number;
  /** Demands this bearer token, which kubectl does not send over plain http; absent: everybody is let in. */
  readonly token?: string;
  /** Milliseconds between the bookmarks of a watch that allows them; 1 s when absent (a real server: a minute). */
  readonly bookmarkMs?: number;
  /** What of the cluster beside the API server is played; everything when absent. */
  readonly controllers?: Controllers;
  /** How many writes watches and continued lists can go back at least; 10,000 when absent. */
  readonly historyLimit?: number;
  /** The server's clock. */
  readonly now?: () => Date;
}

/** A Kubernetes API server in this process. */
export interface Simulator {
  /** Plain http. */
  readonly url: string;
  /** Trouble on demand. */
  readonly faults: Faults;
  /** The requests so far, oldest first; of very many only the last 10,000 or more. */
  readonly requests: readonly LoggedRequest[];
  /** The watches that are open now. */
  readonly watches: ReadonlySet<OpenWatch>;
  /** A kubeconfig for this server, as JSON (which is YAML too). */
  kubeconfig(namespace?: string): string;
  /** Writes it and returns the path. */
  writeKubeconfig(path: string, namespace?: string): string;
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
  /** Forgets history: versions before the present one answer 410. */
  forgetHistory(): void;
  /** Breaks every connection and stops listening. */
  close(): Promise<void>;
}

/** A deep copy of an object, for editing in place. */
// biome-ignore lint/suspicious/noExplicitAny: an edit reaches into any kind of object
export type EditableObject = Record<'metadata' | 'spec' | 'status', any> & Record<string, unknown>;

/** Starts a simulator with the namespaces of a fresh cluster and nothing else. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, token, bookmarkMs = 1000, controllers = {}, historyLimit, now = () => new Date() } = options;
  const cluster: Cluster = { store: new Store(historyLimit), now };
  const context = { cluster, faults: new Faults(), requests: [], watches: new Set<OpenWatch>(), bookmarkMs, token };
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) seed(cluster, namespaceNamed(name));
  const stopControllers = startControllers(cluster, controllers);

  const server = createServer((incoming, response) => {
    // Only a broken connection fails here, and its client knows.
    serve(context, incoming, response).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = (namespace = 'default') => kubeconfigText(url, token, namespace);

  return {
    url,
    faults: context.faults,
    requests: context.requests,
    watches: context.watches,
    kubeconfig,
    writeKubeconfig(path, namespace) {
      writeFileSync(path, kubeconfig(namespace), { mode: 0o600 });
      return path;
    },
    ...handsOn(cluster),
    forgetHistory: () => cluster.store.forgetHistory(),
    async close() {
      stopControllers();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What a person or a test does to the objects, past the API. */
function handsOn(cluster: Cluster): Pick<Simulator, 'seed' | 'read' | 'list' | 'edit' | 'remove'> {
  const { store } = cluster;
  const read: Simulator['read'] = (kind, name, namespace) => {
    const resource = resourceOfKind(kind);
    return store.get(resource, namespaceFor(resource, namespace), name);
  };
  return {
    seed: (...objects) => {
      for (const object of objects) seed(cluster, object);
    },
    read,
    list: (kind, namespace) => store.list(resourceOfKind(kind), namespace),
    edit(kind, name, change, namespace) {
      const found = read(kind, name, namespace);
      if (!found) throw new Error(`the simulator has no ${kind} ${name} to edit`);
      const draft = structuredClone(found) as unknown as EditableObject;
      change(draft);
      const edited = normalize(resourceOfKind(kind), draft as unknown as KubeObject);
      return isDeepStrictEqual(edited, found) ? found : store.put(resourceOfKind(kind), edited);
    },
    remove(kind, name, namespace) {
      const found = read(kind, name, namespace);
      if (found) store.remove(resourceOfKind(kind), found);
    },
  };
}

function seed({ store, now }: Cluster, draft: ObjectDraft): void {
  const resource = resourceOfKind(draft.kind ?? '');
  const namespace = namespaceFor(resource, draft.metadata?.namespace);
  if (namespace !== undefined && !store.get(NAMESPACES, undefined, namespace)) {
    seed({ store, now }, namespaceNamed(namespace));
  }
  const namesake = store.get(resource, namespace, draft.metadata?.name ?? '');
  if (namesake) store.remove(resource, namesake);
  const metadata = {
    uid: randomUUID(),
    creationTimestamp: timestamp(now()),
    ...(resource.countsGenerations ? { generation: 1 } : {}),
    ...draft.metadata,
    ...(namespace === undefined ? {} : { namespace }),
  } as ObjectMeta;
  store.put(
    resource,
    normalize(resource, { ...draft, kind: resource.kind, apiVersion: apiVersionOf(resource), metadata }),
  );
}

function namespaceNamed(name: string): ObjectDraft {
  return { kind: 'Namespace', metadata: { name }, status: { phase: 'Active' } };
}

function namespaceFor(resource: Resource, namespace: string | undefined): string | undefined {
  return resource.namespaced ? (namespace ?? 'default') : undefined;
}

/** Clients demand insecure-skip-tls-verify before they talk plain http. */
function kubeconfigText(server: string, token: string | undefined, namespace: string): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'simulator', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'simulator', user: token === undefined ? {} : { token } }],
    contexts: [{ name: 'simulator', context: { cluster: 'simulator', user: 'simulator', namespace } }],
    'current-context': 'simulator',
  };
  return JSON.stringify(config, null, 2);
}
