import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KubeObject } from '../harness/api-client.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import type { ControlPlane } from '../harness/control-plane.ts';
import { createHeldNode } from '../harness/create-held-node.ts';
import { type NodeObject, taintsOf } from '../harness/held-node.ts';
import { readNode } from '../harness/nodes.ts';
import { createNamespace } from '../harness/pods.ts';
import { createSlot, slotHolders } from '../harness/slots.ts';
import { waitFor } from '../harness/wait-for.ts';
import { CHART, helm, NAMESPACE, RELEASE, SCRIPT, template, type Values, withScript } from './helm-chart.ts';
import { failHook, HOOKS, playHook, podsOf } from './hook-jobs.ts';
import { type Installation, startInstallation } from './installation.ts';

const DAEMON_SET = `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets/node-svc-checker`;
const CONFIG_MAP = `/api/v1/namespaces/${NAMESPACE}/configmaps/node-svc-checker-policy`;
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
  let installation: Installation;
  let plane: ControlPlane;
  before(async () => {
    installation = await startInstallation();
    plane = installation.plane;
  });
  after(() => installation?.stop());

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

  test('is installed, takes a policy without a new DaemonSet, and stays until every node is given back, then leaves nothing', async () => {
    const { make } = installation;
    const held = await createHeldNode(plane.api, 'held', { labels: { 'kubernetes.io/os': 'linux' } });
    assert.match(
      await make('install', withScript({})),
      /^helm install node-svc-checker-0-1-0 .*[\s\S]*STATUS: deployed/,
    );
    assert.match(await make('list'), /node-svc-checker-0-1-0\s+node-svc-checker\s+1\s/);
    await createSlot(plane.api, NAMESPACE, 'cluster', held);
    const pod = async () => (await podsOf(plane, 'node-svc-checker'))[0];
    const agent = await waitFor(pod, { what: 'a pod of the DaemonSet' });
    assert.ok((await installation.objects()).includes('DaemonSetList node-svc-checker'));
    const [daemonSet, configMap] = [await read(DAEMON_SET), await read(CONFIG_MAP)];

    assert.match(await make('upgrade', withScript({ failureThreshold: 9 })), /^helm upgrade[\s\S]*REVISION: 2/);
    assert.equal((await read(DAEMON_SET)).metadata.generation, daemonSet.metadata.generation);
    assert.notEqual((await read(CONFIG_MAP)).metadata.resourceVersion, configMap.metadata.resourceVersion);
    assert.equal((await pod())?.metadata.uid, agent.metadata.uid);

    // Nobody runs the Job's pod in time.
    const [refused] = await Promise.allSettled([make('uninstall'), failHook(plane, HOOKS['pre-delete'])]);
    assert.match(String(refused.status === 'rejected' && refused.reason), /node-svc-checker-release failed: Deadline/);
    assert.equal((await read(DAEMON_SET)).metadata.uid, daemonSet.metadata.uid);

    const [uninstalled, played] = await Promise.allSettled([make('uninstall'), playHooks()]);
    if (played.status === 'rejected') throw played.reason;
    const stdout = uninstalled.status === 'fulfilled' ? uninstalled.value : String(uninstalled.reason);
    assert.match(stdout, /release "node-svc-checker-0-1-0" uninstalled/);
    const node = (await readNode(plane.api, 'held')) as unknown as NodeObject;
    assert.ok(!node.spec.unschedulable);
    assert.deepEqual(taintsOf(node), []);
    assert.deepEqual(await slotHolders(plane.api, NAMESPACE), []);
    await waitFor(async () => (await installation.objects()).length === 0, {
      what: 'nothing of the chart',
    });
  });

  const read = (path: string) => plane.api.requestOk<KubeObject>('GET', path);

  async function playHooks(): Promise<void> {
    const release = await playHook(plane, HOOKS['pre-delete']);
    assert.match(release.stdout, /^held: uncordoned, .*slot of budget cluster given back\n$/);
    const forget = await playHook(plane, HOOKS['post-delete']);
    assert.equal(forget.stdout, 'held: 2 annotations removed\n');
    for (const { stderr } of [release, forget]) assert.equal(stderr, '');
  }
});
