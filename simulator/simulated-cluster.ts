import { randomUUID } from 'node:crypto';
import type { Clock } from '../agent/core/ports.ts';
import type { Transport } from '../agent/kube/transport.ts';
import { SYSTEM_CLOCK } from '../agent/loop/clock.ts';
import type { Cluster } from './cluster.ts';
import type { OpenWatch } from './connection.ts';
import { type Controllers, startControllers } from './controllers.ts';
import type { LoggedRequest, ServerContext } from './exchange.ts';
import { Faults } from './faults.ts';
import { type Hands, handsOn, namespaceNamed } from './hands.ts';
import { type ConnectOptions, connectTo } from './in-process.ts';
import { countedUuids } from './random.ts';
import { type Change, Store } from './store.ts';

export interface ClusterOptions {
  /** Demands this bearer token over HTTP, which kubectl does not send over plain http; absent: everybody is let in. */
  readonly token?: string;
  /** Milliseconds between the bookmarks of a watch that allows them; a minute when absent, as of a real server. */
  readonly bookmarkMs?: number;
  /** What of the cluster beside the API server is played; everything when absent. */
  readonly controllers?: Controllers;
  /** How many writes watches and continued lists can go back at least; 10,000 when absent. */
  readonly historyLimit?: number;
  /** Of all that takes time or tells it; the machine's when absent. */
  readonly clock?: Clock;
  /** Makes UIDs; absent: random ones, or counted ones where a clock is given, so that a run replays. */
  readonly uuid?: () => string;
}

/** A Kubernetes cluster's control plane in this process, as those see it who are in the process too. */
export interface SimulatedCluster extends Hands {
  readonly clock: Clock;
  /** Trouble on demand. */
  readonly faults: Faults;
  /** The requests so far, oldest first; of very many only the last 10,000 or more. */
  readonly requests: readonly LoggedRequest[];
  /** The watches that are open now. */
  readonly watches: ReadonlySet<OpenWatch>;
  /** A connection without a socket, of somebody with a name of his own. */
  connect(userAgent: string, options?: ConnectOptions): Transport;
  /** Calls back after every write, with who wrote it. @returns how to stop that */
  subscribe(listener: (change: Change) => void): () => void;
  /** Forgets history: versions before the present one answer 410. */
  forgetHistory(): void;
  /** Ends its controllers. */
  stop(): void;
}

const BOOKMARK_MS = 60_000;

/** Creates one with the namespaces of a fresh cluster and nothing else. It listens nowhere. */
export function createCluster(options: ClusterOptions = {}): SimulatedCluster {
  return clusterOf(createContext(options), options);
}

/** What an HTTP server serves. */
export function createContext({
  token,
  bookmarkMs = BOOKMARK_MS,
  historyLimit,
  clock,
  uuid = clock ? countedUuids() : randomUUID,
}: ClusterOptions): ServerContext {
  const cluster: Cluster = { store: new Store(historyLimit), clock: clock ?? SYSTEM_CLOCK, uuid };
  return { cluster, faults: new Faults(), requests: [], watches: new Set<OpenWatch>(), bookmarkMs, token };
}

/** The same as it is seen in this process. */
export function clusterOf(context: ServerContext, { controllers = {} }: ClusterOptions): SimulatedCluster {
  const { cluster, faults, requests, watches } = context;
  const hands = handsOn(cluster);
  hands.seed(...['default', 'kube-system', 'kube-public', 'kube-node-lease'].map(namespaceNamed));
  return {
    ...hands,
    clock: cluster.clock,
    faults,
    requests,
    watches,
    connect: (userAgent, options) => connectTo(context, userAgent, options),
    subscribe: (listener) => cluster.store.subscribe(listener),
    forgetHistory: () => cluster.store.forgetHistory(),
    stop: startControllers(cluster, controllers),
  };
}
