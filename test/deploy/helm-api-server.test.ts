import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { KubeList, KubeObject } from '../harness/api-client.ts';
import { requireBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { createHeldNode } from '../harness/create-held-node.ts';
import { type NodeObject, taintsOf } from '../harness/held-node.ts';
import { readNode } from '../harness/nodes.ts';
import { createNamespace, setPodPhase } from '../harness/pods.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSlot, slotHolders } from '../harness/slots.ts';
import { waitFor } from '../harness/wait-for.ts';
import { CHART, helm, NAMESPACE, RELEASE, SCRIPT, template, type Values, withScript } from './helm-chart.ts';

const DEADLINE_MS = 60_000;
const MAKEFILE = fileURLToPath(new URL('../../Makefile', import.meta.url));
const DAEMON_SET = `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets/node-svc-checker`;
const CONFIG_MAP = `/api/v1/namespaces/${NAMESPACE}/configmaps/node-svc-checker-policy`;
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
];

const SCENES: Readonly<Record<string, Values>> = {
  'its defaults': {},
  'a script of the node': {
    checker: { nodeCheckScriptPath: SCRIPT, debug: true, taintNodeOnFailure: true },
    nodeSelector: 'role=storage',
    image: { pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'registry' }],
  },
  "hostChecks and another tool's ConfigMap": { hostChecks: true, existingConfigMap: 'theirs', priorityClassName: '' },
  'policies and scripts': { policies: { 'a.yaml': { spec: {} } }, scripts: { 'a.sh': '#!/bin/sh\n' }, tolerations: [] },
};

describe('the chart on a real API server', { skip: skipWithoutControlPlane('helm', 'kube-controller-manager') }, () => {
  let plane: ControlPlane;
  let root: string;
  before(async () => {
    const controllers = ['job', 'daemonset', 'resourcequota', 'garbage-collector', 'serviceaccount'];
    plane = await startControlPlane({
      controllerManager: controllers.map((name) => `${name}-controller`).join(),
      apiServerFlags: ['--allow-privileged=true'],
    });
    root = mkdtempSync(join(tmpdir(), 'nsc-helm-'));
    cpSync(MAKEFILE, join(root, 'Makefile'));
    cpSync(CHART, join(root, 'deploy/helm/node-svc-checker'), { recursive: true });
  });
  after(async () => {
    await plane?.stop();
    if (root) rmSync(root, { recursive: true });
  });

  for (const [name, values] of Object.entries(SCENES)) {
    test(`with ${name} every field of every object is known and valid`, async () => {
      await createNamespace(plane.api, 'dry');
      const objects = await template({ namespace: 'dry', ...values });
      const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
      const answer = await plane.kubectl(dryRun, { stdin: objects.map(({ text }) => text).join('---\n') });
      assert.equal(answer.trim().split('\n').length, objects.length, answer);
    });
  }

  const NOTES = {
    'its defaults': /only an example/,
    'a script of the node':
      /under checker, and upgrade:\n {10}helm upgrade nsc CHART -n dry [\s\S]*label namespace dry .*=privileged\n/,
    "hostChecks and another tool's ConfigMap": /ConfigMap theirs[\s\S]*label namespace dry .*=privileged\n/,
    'policies and scripts': /under policies, and upgrade/,
  };
  for (const [name, expected] of Object.entries(NOTES)) {
    test(`with ${name} helm says how to look at it, to change it, and to give nodes back`, async () => {
      const cluster = ['--namespace', 'dry', '--kubeconfig', plane.kubeconfigPath];
      const stdout = await helm(['install', RELEASE, CHART, ...cluster, '--dry-run=client'], SCENES[name]);
      const notes = stdout.slice(stdout.indexOf('NOTES:'));
      for (const pattern of [/nsc status -n dry\n/, expected, /nsc release NODE -n dry --yes/]) {
        assert.match(notes, pattern);
      }
    });
  }

  const make = async (target: string, values?: Values) => {
    if (values) writeFileSync(join(root, 'values_0-1-0.yaml'), JSON.stringify(values));
    const path = [dirname(requireBinary('helm')), process.env.PATH].join(delimiter);
    const options = { cwd: root, env: { PATH: path, HOME: root, KUBECONFIG: plane.kubeconfigPath } };
    return (await promisify(execFile)('make', [target], options)).stdout;
  };
  const ofChart = async () => {
    const lists = await Promise.all(KINDS.map((path) => plane.api.requestOk<KubeList>('GET', path)));
    const objects = lists.flatMap(({ kind, items }) => (items ?? []).map(({ metadata }) => `${kind} ${metadata.name}`));
    return objects.filter((object) => /node-svc-checker|nsc-/.test(object));
  };

  test('is installed, takes a policy without a new DaemonSet, and stays until every node is given back, then leaves nothing', async () => {
    const held = await createHeldNode(plane.api, 'held', { labels: { 'kubernetes.io/os': 'linux' } });
    assert.match(
      await make('install', withScript({})),
      /^helm install node-svc-checker-0-1-0 .*[\s\S]*STATUS: deployed/,
    );
    assert.match(await make('list'), /node-svc-checker-0-1-0\s+node-svc-checker\s+1\s/);
    await createSlot(plane.api, NAMESPACE, 'cluster', held);
    const pod = () => podOf('node-svc-checker');
    const agent = await waitFor(pod, { what: 'a pod of the DaemonSet', deadlineMs: DEADLINE_MS });
    assert.ok((await ofChart()).includes('DaemonSetList node-svc-checker'));
    const [daemonSet, configMap] = [await read(DAEMON_SET), await read(CONFIG_MAP)];

    assert.match(await make('upgrade', withScript({ failureThreshold: 9 })), /^helm upgrade[\s\S]*REVISION: 2/);
    assert.equal((await read(DAEMON_SET)).metadata.generation, daemonSet.metadata.generation);
    assert.notEqual((await read(CONFIG_MAP)).metadata.resourceVersion, configMap.metadata.resourceVersion);
    assert.equal((await pod())?.metadata.uid, agent.metadata.uid);

    // Nobody runs the Job's pod in time.
    const [refused] = await Promise.allSettled([make('uninstall'), failJob()]);
    assert.match(String(refused.status === 'rejected' && refused.reason), /node-svc-checker-release failed: Deadline/);
    assert.equal((await read(DAEMON_SET)).metadata.uid, daemonSet.metadata.uid);

    const [uninstalled, played] = await Promise.allSettled([make('uninstall'), playKubelet()]);
    if (played.status === 'rejected') throw played.reason;
    const stdout = uninstalled.status === 'fulfilled' ? uninstalled.value : String(uninstalled.reason);
    assert.match(stdout, /release "node-svc-checker-0-1-0" uninstalled/);
    const node = (await readNode(plane.api, 'held')) as unknown as NodeObject;
    assert.ok(!node.spec.unschedulable);
    assert.deepEqual(taintsOf(node), []);
    assert.deepEqual(await slotHolders(plane.api, NAMESPACE), []);
    await waitFor(async () => (await ofChart()).length === 0, {
      what: 'nothing of the chart',
      deadlineMs: DEADLINE_MS,
    });
  });

  const read = (path: string) => plane.api.requestOk<KubeObject>('GET', path);

  async function podOf(app: string): Promise<KubeObject | undefined> {
    const query = `labelSelector=app.kubernetes.io/name=${app}`;
    const { items } = await plane.api.requestOk<KubeList>('GET', `/api/v1/namespaces/${NAMESPACE}/pods?${query}`);
    return items?.[0];
  }

  async function failJob(): Promise<void> {
    const path = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs/node-svc-checker-release`;
    const body = { spec: { activeDeadlineSeconds: 1 } };
    const patched = async () => (await plane.api.request('PATCH', path, { body })).status === 200;
    await waitFor(patched, { what: 'the Job', deadlineMs: DEADLINE_MS });
  }

  /** What a kubelet would do with the Job's pod. If it fails, so does the Job, for which helm waits. */
  async function playKubelet(): Promise<void> {
    try {
      await runHook();
    } catch (error) {
      await failJob();
      throw error;
    }
  }

  /** Runs the command of the Job's pod, with its account's token. Then the pod has succeeded. */
  async function runHook(): Promise<void> {
    const find = async () => {
      const pod = await podOf('node-svc-checker-release');
      return pod?.metadata.deletionTimestamp === undefined ? pod : undefined;
    };
    const { metadata, spec } = await waitFor(find, { what: 'the pod of the Job', deadlineMs: DEADLINE_MS });
    const { serviceAccountName, containers } = spec as unknown as HookPod;
    const accounts = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${serviceAccountName}/token`;
    const { status } = await plane.api.requestOk<{ status: { token: string } }>('POST', accounts, { body: {} });
    const kubeconfig = plane.writeKubeconfig('hook', { token: status.token });
    const [container] = containers;
    assert.deepEqual(container?.command, ['nsc']);
    const env = { KUBECONFIG: kubeconfig, POD_NAMESPACE: NAMESPACE };
    assert.deepEqual(
      container.env.map(({ name }) => name),
      ['POD_NAMESPACE'],
    );
    const { exitCode, stdout, stderr } = await finished(runNsc(container.args, { env }));
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, /^held: uncordoned, .*slot of budget cluster given back\n$/);
    await setPodPhase(plane.api, NAMESPACE, metadata.name, 'Succeeded');
  }
});

interface HookPod {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly command: readonly string[];
    readonly args: readonly string[];
    readonly env: readonly { readonly name: string }[];
  }[];
}
