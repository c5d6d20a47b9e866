import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { toleratesForGood } from '../../agent/core/taint.ts';
import { rightsOf } from '../harness/audit.ts';
import { requireBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { codeBlocks } from '../harness/code-blocks.ts';
import type { ControlPlane } from '../harness/control-plane.ts';
import { conditionOf, isCordoned, isHeld, type NodeObject, POLICY_REPORT, taintsOf } from '../harness/held-node.ts';
import { createNode, readNode } from '../harness/nodes.ts';
import type { NscRun } from '../harness/run-nsc.ts';
import { playSession } from '../harness/shell-session.ts';
import { slotHolders } from '../harness/slots.ts';
import { waitFor } from '../harness/wait-for.ts';
import { CONDITION, type SeatedAgent, seatAgent } from './helm-agents.ts';
import { CHART, NAMESPACE, template } from './helm-chart.ts';
import { failHook, HOOKS, type HookJob, playHook } from './hook-jobs.ts';
import { type Installation, startInstallation } from './installation.ts';
import { find, grantedBy, type PodTemplate } from './render.ts';

const NODES = ['held', 'late', 'by-hand'] as const;
const REPORT = { [POLICY_REPORT]: '{}' };
const LINUX = { 'kubernetes.io/os': 'linux' };

describe('uninstalling the chart', { skip: skipWithoutControlPlane('helm', 'kube-controller-manager') }, () => {
  let installation: Installation;
  let plane: ControlPlane;
  const seated: SeatedAgent[] = [];
  before(async () => {
    installation = await startInstallation();
    plane = installation.plane;
    // Pods that the strictest level forbids are not even created.
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await plane.api.requestOk('POST', '/api/v1/namespaces', { body: { metadata: { name: NAMESPACE, labels } } });
  });
  after(async () => {
    for (const { process, check } of seated) {
      process.kill('SIGKILL');
      await process.exit;
      check.remove();
    }
    await installation?.stop();
  });

  const node = (name: string) => readNode(plane.api, name) as Promise<unknown> as Promise<NodeObject>;
  const until = (name: string, what: string, condition: (node: NodeObject) => boolean) =>
    waitFor(async () => condition(await node(name)), { what: `node ${name} to be ${what}` });
  /** Everything of ours that a Node can have. */
  const leftOn = async (name: string) => {
    const { metadata, spec, status } = await node(name);
    const taints = taintsOf({ metadata, spec }).map(({ key }) => key);
    const conditions = (status?.conditions ?? []).map(({ type }) => type).filter((type) => type !== 'Ready');
    return [...Object.keys(metadata.annotations ?? {}), ...taints, ...conditions];
  };
  const nothingOfTheChart = () =>
    waitFor(async () => (await installation.objects()).length === 0, {
      what: 'nothing of the chart',
    });

  test('leaves nothing on any node, though an agent takes one between the hooks, and runs until its pod is deleted', async () => {
    for (const name of NODES) await createNode(plane.api, name, { labels: LINUX, unschedulable: name === 'by-hand' });
    await installation.make('install', {});
    const agents = await Promise.all(NODES.map((name) => seatAgent(plane, name)));
    seated.push(...agents);
    const [held, late, byHand] = agents as [SeatedAgent, SeatedAgent, SeatedAgent];
    for (const { check } of [held, byHand]) check.breakIt();
    for (const name of ['held', 'by-hand']) await until(name, 'held', isHeld);
    for (const name of NODES)
      await until(name, 'described by its condition', (seen) => conditionOf(seen, CONDITION) !== undefined);
    await until('late', 'reported on', ({ metadata }) => metadata.annotations !== undefined);

    const mark = plane.audit.mark();
    const isGone = Promise.withResolvers<void>();
    const uninstalled = installation.make('uninstall');
    const [release, forget, ...ends] = await Promise.all([
      playHook(plane, HOOKS['pre-delete'], {
        async afterwards() {
          late.check.breakIt();
          await until('late', 'taken', isHeld);
        },
      }),
      playHook(plane, HOOKS['post-delete'], {
        async meanwhile(run: NscRun) {
          await waitFor(() => run.stderr !== '', { what: 'word of the wait' });
          assert.ok(isHeld(await node('held')));
          isGone.resolve();
        },
      }),
      held.endWithPod(),
      byHand.endWithPod(),
      isGone.promise.then(() => late.endWithPod()),
    ]);
    assert.equal(ends.length, 3);
    assert.match(await uninstalled, /release "node-svc-checker-0-1-0" uninstalled/);

    assert.match(
      release.stdout,
      /^held: uncordoned, taint sick=true:NoSchedule removed, slot of budget cluster given/m,
    );
    assert.match(release.stdout, /^by-hand: taint sick=true:NoSchedule removed, slot of budget cluster given back$/m);
    assert.match(forget.stderr, /^waiting for agents to end: pod node-svc-checker-\w+/);
    assert.match(
      forget.stdout,
      /^late: uncordoned, taint .* removed, condition SeatIsHealthy removed, 4 annotations removed, slot of budget cluster given/m,
    );
    assert.match(forget.stdout, /^by-hand: condition SeatIsHealthy removed, 4 annotations removed$/m);
    for (const name of NODES) {
      assert.deepEqual(await leftOn(name), [], name);
      assert.equal(isCordoned(await node(name)), name === 'by-hand', name);
    }
    assert.deepEqual(await slotHolders(plane.api, NAMESPACE), []);
    await nothingOfTheChart();
    for (const job of Object.values(HOOKS)) await assertRights(job, mark);
  });

  /** The Job may do what it did, and nothing else. */
  async function assertRights(job: HookJob, mark: number): Promise<void> {
    const user = `system:serviceaccount:${NAMESPACE}:${job}`;
    const requests = () => plane.audit.since(mark, { user });
    const isAnswered = () => requests().every(({ stage }) => stage === 'ResponseComplete');
    await waitFor(isAnswered, { what: 'the end of the audit log' });
    assert.deepEqual(
      requests().filter(({ responseStatus }) => responseStatus?.code === 403),
      [],
    );
    assert.deepEqual(rightsOf(requests()), grantedBy(await template(), job), job);
  }

  test('that cannot forget says so, and the commands of the README do the rest', async () => {
    await installation.make('install', {});
    await plane.api.requestOk('PATCH', '/api/v1/nodes/held', { body: { metadata: { annotations: REPORT } } });
    const [refused] = await Promise.allSettled([
      installation.make('uninstall'),
      playHook(plane, HOOKS['pre-delete']),
      failHook(plane, HOOKS['post-delete']),
    ]);
    const problem = /completed with 1 error\(s\)[\s\S]*node-svc-checker-forget failed: DeadlineExceeded/;
    assert.match(String(refused.status === 'rejected' && refused.reason), problem);
    assert.doesNotMatch(await installation.make('list'), /node-svc-checker-0-1-0/);
    assert.notDeepEqual(await installation.objects(), []);

    const [commands = ''] = codeBlocks(readFileSync(join(CHART, 'README.md'), 'utf8'), 'sh');
    const session = commands.replaceAll(/^.+$/gm, '$ $&\n…');
    assert.match(session, /^\$ nsc release --all --forget /);
    const path = [dirname(requireBinary('kubectl')), process.env.PATH].join(delimiter);
    await playSession(session, { cwd: plane.dir, env: { PATH: path, KUBECONFIG: plane.kubeconfigPath } });
    for (const name of NODES) assert.deepEqual(await leftOn(name), [], name);
    await nothingOfTheChart();
  });

  test('runs its Jobs on no node that is not ready, whatever admission tolerates for a while', async () => {
    const objects = await template();
    for (const job of Object.values(HOOKS)) {
      const { spec } = find(objects, `Job/${job}`).spec.template;
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: job },
        spec: { ...spec, serviceAccountName: 'default' },
      };
      const path = '/api/v1/namespaces/default/pods?dryRun=All';
      const { tolerations } = (await plane.api.requestOk('POST', path, { body: pod }))
        .spec as unknown as PodTemplate['spec'];
      // For the scheduler it is the same for how long.
      const tolerated = tolerations.map(({ tolerationSeconds: _, ...toleration }) => toleration);
      for (const condition of ['not-ready', 'unreachable']) {
        const taint = { key: `node.kubernetes.io/${condition}`, value: '', effect: 'NoExecute' } as const;
        assert.ok(!toleratesForGood(tolerated, taint), `${job}: ${condition}`);
      }
    }
  });
});
