import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { KubeList } from '../harness/api-client.ts';
import { requireBinary } from '../harness/binaries.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { CHART, NAMESPACE, type Values } from './helm-chart.ts';

const MAKEFILE = fileURLToPath(new URL('../../Makefile', import.meta.url));
const CONTROLLERS = ['job', 'daemonset', 'resourcequota', 'garbage-collector', 'serviceaccount'];
/** The kinds that the chart has; none of the others could be left. */
const KINDS = [
  `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
  `/api/v1/namespaces/${NAMESPACE}/configmaps`,
  `/api/v1/namespaces/${NAMESPACE}/secrets`,
  `/api/v1/namespaces/${NAMESPACE}/resourcequotas`,
  `/api/v1/namespaces/${NAMESPACE}/pods`,
  `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets`,
  `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`,
  `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`,
  `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/roles`,
  `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/rolebindings`,
  '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
];

/** A control plane without kubelets, where `make` installs the chart with the real Helm. */
export interface Installation {
  readonly plane: ControlPlane;
  /** Runs a target and returns its stdout. @throws Error with its stderr when it fails */
  make(target: string, values?: Values): Promise<string>;
  /** Kind and name of what the chart, Helm and the agents have there, except on Nodes. */
  objects(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts one; call `stop` in `after`. */
export async function startInstallation(): Promise<Installation> {
  const plane = await startControlPlane({
    controllerManager: CONTROLLERS.map((name) => `${name}-controller`).join(),
    apiServerFlags: ['--allow-privileged=true'],
  });
  const root = mkdtempSync(join(tmpdir(), 'nsc-helm-'));
  cpSync(MAKEFILE, join(root, 'Makefile'));
  cpSync(CHART, join(root, 'deploy/helm/node-svc-checker'), { recursive: true });
  return {
    plane,
    async make(target, values) {
      if (values) writeFileSync(join(root, 'values_0-1-0.yaml'), JSON.stringify(values));
      const path = [dirname(requireBinary('helm')), process.env.PATH].join(delimiter);
      const options = { cwd: root, env: { PATH: path, HOME: root, KUBECONFIG: plane.kubeconfigPath } };
      return (await promisify(execFile)('make', [target], options)).stdout;
    },
    async objects() {
      const lists = await Promise.all(KINDS.map((path) => plane.api.requestOk<KubeList>('GET', path)));
      const all = lists.flatMap(({ kind, items }) => (items ?? []).map(({ metadata }) => `${kind} ${metadata.name}`));
      return all.filter((object) => /node-svc-checker|nsc-/.test(object));
    },
    async stop() {
      await plane.stop();
      rmSync(root, { recursive: true });
    },
  };
}
