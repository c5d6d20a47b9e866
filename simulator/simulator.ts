import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createHttpServer } from './http-server.ts';
import { type ClusterOptions, clusterOf, createContext, type SimulatedCluster } from './simulated-cluster.ts';

export type { EditableObject } from './hands.ts';

export interface SimulatorOptions extends ClusterOptions {
  /** 0 or absent: a free one of 127.0.0.1. */
  readonly port?: number;
  /** Milliseconds between the bookmarks of a watch that allows them; 1 s when absent (a real server: a minute). */
  readonly bookmarkMs?: number;
}

/** A Kubernetes API server in this process, which listens. */
export interface Simulator extends SimulatedCluster {
  /** Plain http. */
  readonly url: string;
  /** A kubeconfig for this server, as JSON (which is YAML too). */
  kubeconfig(namespace?: string): string;
  /** Writes it and returns the path. */
  writeKubeconfig(path: string, namespace?: string): string;
  /** Breaks every connection and stops listening. */
  close(): Promise<void>;
}

/** Starts a simulator with the namespaces of a fresh cluster and nothing else. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, token } = options;
  const context = createContext({ bookmarkMs: 1000, ...options });
  const cluster = clusterOf(context, options);
  const server = createHttpServer(context);
  server.listen(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = (namespace = 'default') => kubeconfigText(url, token, namespace);
  return {
    ...cluster,
    url,
    kubeconfig,
    writeKubeconfig(path, namespace) {
      writeFileSync(path, kubeconfig(namespace), { mode: 0o600 });
      return path;
    },
    async close() {
      cluster.stop();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
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
