import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, connect } from './api-client.ts';
import { type AuditLevel, type AuditLog, openAuditLog } from './audit.ts';
import { requireBinary } from './binaries.ts';
import {
  ADMIN,
  apiServerArgs,
  auditLogPath,
  CONTROLLERS,
  compactEtcd,
  controllerManagerArgs,
  etcdArgs,
  KUBELET,
  kwokArgs,
  readCertificate,
  writeFiles,
} from './components.ts';
import { type KubeconfigOptions, writeKubeconfig } from './kubeconfig.ts';
import { freePort, type ManagedProcess, type Supervisor, startSupervisor } from './processes.ts';
import { waitFor } from './wait-for.ts';

/** A port can be taken between finding it free and binding it. */
const START_ATTEMPTS = 3;

export interface ControlPlaneOptions {
  /** How much the audit log keeps of every request; Metadata when absent. */
  readonly auditLevel?: AuditLevel;
  /** Starts kube-controller-manager; with a string, its `--controllers`. */
  readonly controllerManager?: boolean | string;
  /** Starts kwok, which plays the kubelet of every node, or of those labelled so: nodes become Ready, pods run and end. */
  readonly kwok?: boolean | { readonly label: string };
  /** More flags for kube-apiserver. */
  readonly apiServerFlags?: readonly string[];
}

/** Where a running control plane is. */
export interface ControlPlaneAddress {
  readonly url: string;
  /** The serving certificate, which is its own CA, as PEM. */
  readonly ca: string;
  /** Path of the API server's audit log. */
  readonly auditLog: string;
}

/** A running etcd and kube-apiserver, with what the tests need to talk to them. */
export interface ControlPlane extends ControlPlaneAddress {
  /** Temporary; removed by `stop`. */
  readonly dir: string;
  /** Of a member of system:masters. */
  readonly kubeconfigPath: string;
  /** With the credentials of a member of system:masters, audited as user `admin`. */
  readonly api: ApiClient;
  readonly audit: AuditLog;
  /** Runs kubectl as admin and returns its stdout. @throws Error with its stderr when it fails. */
  kubectl(args: readonly string[], options?: { readonly stdin?: string }): Promise<string>;
  /** A client with another identity. */
  connectAs(token: string): ApiClient;
  /** Writes a kubeconfig into `dir` and returns its path; for this server, unless another one (a proxy) is given. */
  writeKubeconfig(name: string, options?: Partial<KubeconfigOptions>): string;
  /** Ends all of it that was started for this caller, and removes `dir`. */
  stop(): Promise<void>;
}

/** A control plane that its caller may disturb. */
export interface OwnControlPlane extends ControlPlane {
  /** For faults: SIGSTOP, SIGCONT. To end it, use `stopApiServer`. */
  readonly apiServer: () => ManagedProcess;
  /**
   * Forgets history, so that versions before now answer 410. That takes 2 s: etcd is compacted and the API server, which
   * remembers too, restarted.
   */
  forgetHistory(): Promise<void>;
  stopApiServer(): Promise<void>;
  /** Starts it again on the same port and waits until it is ready. */
  startApiServer(): Promise<void>;
}

/**
 * Starts a control plane of its own. Call `stop` in `after`; should this process end in any other way, SIGKILL included,
 * a watchdog ends what was started.
 * @throws Error with the end of the log when a component does not come up.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<OwnControlPlane> {
  for (let attempt = 1; ; attempt += 1) {
    const dir = mkdtempSync(join(tmpdir(), 'nsc-control-plane-'));
    const supervisor = startSupervisor(dir);
    try {
      return await startIn(dir, supervisor, options);
    } catch (error) {
      await supervisor.end();
      const portTaken = error instanceof Error && error.message.includes('address already in use');
      if (!portTaken || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/**
 * What the tests need to talk to a control plane that runs.
 * @param dir for what is written on the way; the caller removes it
 */
export function connectTo({ url, ca, auditLog }: ControlPlaneAddress, dir: string): Omit<ControlPlane, 'stop'> {
  const writeConfig: ControlPlane['writeKubeconfig'] = (name, more = {}) =>
    writeKubeconfig(join(dir, `${name}.kubeconfig`), { server: url, ca, ...more });
  const kubeconfigPath = writeConfig('admin', { token: ADMIN });
  return {
    url,
    ca,
    auditLog,
    dir,
    kubeconfigPath,
    api: connect({ url, ca, token: ADMIN }),
    audit: openAuditLog(auditLog),
    kubectl: (args, { stdin } = {}) => kubectl(['--kubeconfig', kubeconfigPath, ...args], dir, stdin),
    connectAs: (token) => connect({ url, ca, token }),
    writeKubeconfig: writeConfig,
  };
}

async function startIn(dir: string, supervisor: Supervisor, options: ControlPlaneOptions): Promise<OwnControlPlane> {
  const [port, etcdPort, peerPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  writeFiles(dir, options.auditLevel ?? 'Metadata');
  const etcd = supervisor.start('etcd', requireBinary('etcd'), etcdArgs(dir, etcdUrl, `http://127.0.0.1:${peerPort}`));
  const flags = [...apiServerArgs(dir, etcdUrl, port), ...(options.apiServerFlags ?? [])];
  const startServer = () => supervisor.start('kube-apiserver', requireBinary('kube-apiserver'), flags);
  let apiServer = startServer();

  const url = `https://127.0.0.1:${port}`;
  const ca = await untilUp([etcd, apiServer], 'the serving certificate', () => readCertificate(dir));
  const client = connectTo({ url, ca, auditLog: auditLogPath(dir) }, dir);
  const { api } = client;
  const untilReady = () => untilUp([etcd, apiServer], '/readyz', async () => isReady(api));
  await untilReady();
  await startControllers(supervisor, dir, options, client.writeKubeconfig);
  await createDefaultServiceAccount(api);
  const stopApiServer = () => apiServer.kill();
  const startApiServer = async () => {
    apiServer = startServer();
    await untilReady();
  };
  return {
    ...client,
    apiServer: () => apiServer,
    stopApiServer,
    startApiServer,
    async forgetHistory() {
      await compactEtcd(etcdUrl, await currentRevision(api));
      await stopApiServer();
      await startApiServer();
    },
    async stop() {
      api.close();
      await supervisor.end();
    },
  };
}

/** Awaits a component, and gives up at once when a process it needs has died. */
async function untilUp<T>(needs: readonly ManagedProcess[], what: string, probe: () => T | Promise<T>) {
  const dead = () => needs.find((process) => process.hasExited());
  const seen = await waitFor(async () => dead() ?? (await probe()), { what });
  const victim = dead();
  if (victim) throw new Error(`${victim.name} ended while waiting for ${what}:\n${victim.logTail()}`);
  return seen as NonNullable<T>;
}

async function isReady(api: ApiClient): Promise<boolean> {
  const { status } = await api.request('GET', '/readyz');
  return status === 200;
}

async function startControllers(
  supervisor: Supervisor,
  dir: string,
  { controllerManager = false, kwok = false }: ControlPlaneOptions,
  writeConfig: ControlPlane['writeKubeconfig'],
): Promise<void> {
  if (kwok) {
    const selector = typeof kwok === 'object' ? kwok.label : null;
    const args = kwokArgs(writeConfig('kwok', { token: KUBELET }), await freePort(), selector);
    supervisor.start('kwok', requireBinary('kwok'), args);
  }
  if (controllerManager) {
    // Nobody sends heartbeats without kwok, and nodes would be marked unknown.
    const usual = kwok ? '*' : '*,-node-lifecycle-controller';
    const controllers = typeof controllerManager === 'string' ? controllerManager : usual;
    const args = controllerManagerArgs(dir, writeConfig('controllers', { token: CONTROLLERS }), controllers);
    supervisor.start('kube-controller-manager', requireBinary('kube-controller-manager'), args);
  }
}

/** Admission refuses pods in a namespace without it, and only the controller manager makes it. */
async function createDefaultServiceAccount(api: ApiClient): Promise<void> {
  const path = '/api/v1/namespaces/default/serviceaccounts';
  const created = async () => {
    const { status } = await api.request('POST', path, { body: { metadata: { name: 'default' } } });
    return status === 201 || status === 409;
  };
  await waitFor(created, { what: 'the service account default/default' });
}

async function currentRevision(api: ApiClient): Promise<number> {
  const { metadata } = await api.requestOk('GET', '/api/v1/namespaces?limit=1');
  return Number(metadata.resourceVersion);
}

function kubectl(args: readonly string[], home: string, stdin: string | undefined): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { env: { ...process.env, HOME: home }, maxBuffer: 64 << 20 };
  const child = execFile(requireBinary('kubectl'), args, options, (error, stdout, stderr) => {
    if (error) reject(new Error(`kubectl ${args.slice(2).join(' ')}: ${stderr.trim()}`, { cause: error }));
    else resolve(stdout);
  });
  child.stdin?.end(stdin ?? '');
  return promise;
}
