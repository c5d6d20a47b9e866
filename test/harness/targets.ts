import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../../simulator/simulator.ts';
import { type ApiClient, connect } from './api-client.ts';
import { skipWithoutControlPlane } from './binaries.ts';
import { ADMIN } from './components.ts';
import { startControlPlane } from './control-plane.ts';
import { type FaultProxyOptions, startFaultProxy } from './fault-proxy.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { skipUnlessSoaking } from './soaking.ts';

/** An API server, real or simulated, that a command is tried on. */
export interface Target {
  readonly url: string;
  readonly ca?: string;
  readonly api: ApiClient;
  readonly token?: string;
  /** Its context names no namespace. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

/**
 * By name: where the same test of a command runs. The contract suite keeps the simulator as the real one is, and every
 * command is played on that one once, by the tests of budgets and of Git and by those that uninstall.
 */
export const TARGETS: Readonly<Record<string, { skip: string | false; start(): Promise<Target> }>> = {
  'the simulator': { skip: false, start: startSimulated },
  'a real API server': {
    skip: skipUnlessSoaking('all of the commands on a real API server') || skipWithoutControlPlane(),
    start: startReal,
  },
};

/** Works with a kubeconfig that leads to the target through a proxy. */
export async function throughProxy(
  target: Target,
  onRequest: FaultProxyOptions['onRequest'],
  work: (kubeconfig: string) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-through-proxy-'));
  const proxy = await startFaultProxy({ target: target.url, ca: target.ca, onRequest });
  try {
    const options = { server: proxy.url, token: target.token, insecure: true };
    await work(writeKubeconfig(join(dir, 'kubeconfig'), options));
  } finally {
    await proxy.close();
    rmSync(dir, { recursive: true });
  }
}

async function startSimulated(): Promise<Target> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-simulated-'));
  const simulator = await startSimulator();
  const api = connect({ url: simulator.url });
  return {
    url: simulator.url,
    api,
    kubeconfig: simulator.writeKubeconfig(join(dir, 'kubeconfig')),
    async stop() {
      api.close();
      await simulator.close();
      rmSync(dir, { recursive: true });
    },
  };
}

async function startReal(): Promise<Target> {
  const { url, ca, api, kubeconfigPath, stop } = await startControlPlane();
  return { url, ca, api, token: ADMIN, kubeconfig: kubeconfigPath, stop };
}
