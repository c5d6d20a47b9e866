import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { KubeList } from '../harness/api-client.ts';
import { requireBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { codeBlocks } from '../harness/code-blocks.ts';
import { createNamespace, createPod } from '../harness/pods.ts';
import type { Series } from '../harness/prometheus.ts';
import { playSession } from '../harness/shell-session.ts';
import { waitFor } from '../harness/wait-for.ts';
import { ALL, DASHBOARD, panelsOf, readDashboard, selectorsIn, substitute } from './dashboard.ts';
import { budgetOf, JOB, policyOf, type Scene, startScene } from './scene.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/dashboard.md', import.meta.url));
const VARIABLES = { ...ALL, job: JOB, range: '10m', rateInterval: '20s' };
const [DRAINED, DENIED, OBSERVED, HANGING, INVALID, GONE] = ['drained', 'denied', 'observed', 'hanging', 'bad', 'gone'];

const panels = panelsOf(readDashboard());

describe('the dashboard on a real Prometheus', { skip: skipWithoutControlPlane('kwok', 'prometheus') }, () => {
  let scene: Scene;
  const begunAt = Date.now();
  before(async () => {
    scene = await startScene({
      nodeNames: [DRAINED, DENIED, OBSERVED, HANGING, INVALID, GONE] as string[],
      policies: (command) => ({
        'storage.yaml': policyOf('storage', {
          check: { command },
          actions: { cordon: true, taint: { key: 'sick', effect: 'NoSchedule' }, drain: { evictUnmanagedPods: true } },
        }),
        'clock.yaml': policyOf('clock', { check: { command }, mode: 'Observe', actions: { cordon: true } }),
        'gpu.yaml': policyOf('gpu', { check: { command, timeoutSeconds: 3 }, actions: { cordon: true } }),
        'budget.yaml': budgetOf('cluster', 1),
      }),
    });
    await playTroubles(scene);
  });
  after(() => scene?.stop());

  const expressions = (title: string) =>
    (panels.find((panel) => panel.title === title) ?? assert.fail(title)).targets?.map(({ expr }) => expr) ?? [];
  const ask = (expression: string) => scene.prometheus.query(substitute(expression, VARIABLES));
  const rows = (found: readonly Series[]) =>
    found.map(({ labels, samples }) => [...Object.values(labels), samples[0]?.value]).sort();
  const until = (what: string, title: string, expected: readonly number[]) =>
    waitFor(
      async () => {
        const found = (await Promise.all(expressions(title).map(ask))).flatMap((series) => rows(series).flat());
        assert.deepEqual(found, expected);
        return true;
      },
      { what },
    );

  test('the first row counts what is wrong', async () => {
    await until('three failing nodes', 'Nodes that fail', [3]);
    await until('one node that is held', 'Nodes held', [1]);
    await until('two nodes with effects withheld', 'Nodes with effects withheld', [2]);
    await until('one drain, and none that gave up', 'Drains', [1, 0]);
    await until('an agent that is gone, and one with an invalid policy', 'Agents', [5, 1, 1]);
  });

  test('the table says for each failing node what is done, and why not', async () => {
    const [since, effects, drains, withheld] = (await Promise.all(expressions('Failing nodes').map(ask))).map(rows);
    assert.deepEqual(
      effects,
      [
        [DENIED, 'storage', 0],
        [DRAINED, 'storage', 3],
        [OBSERVED, 'clock', 0],
      ].sort(),
    );
    assert.deepEqual(
      drains,
      [
        [DENIED, 'storage', 0],
        [DRAINED, 'storage', 1],
        [OBSERVED, 'clock', 0],
      ].sort(),
    );
    assert.deepEqual(
      withheld,
      [
        [DENIED, 'storage', 'BudgetDenied', 1],
        [OBSERVED, 'clock', 'Observe', 1],
      ].sort(),
    );
    assert.equal(since?.length, 3);
    for (const [, , atMs] of since ?? []) {
      assert.ok(begunAt <= Number(atMs) && Number(atMs) <= Date.now(), `${atMs}`);
    }
  });

  test('the commands of its document make the ConfigMap that a sidecar loads', async () => {
    const { plane } = scene.cluster;
    await createNamespace(plane.api, 'monitoring');
    const [session = ''] = codeBlocks(readFileSync(DOCUMENT, 'utf8'), 'sh-session');
    const path = `${dirname(requireBinary('kubectl'))}:${process.env.PATH}`;
    await playSession(session, { cwd: dirname(DASHBOARD), env: { KUBECONFIG: plane.kubeconfigPath, PATH: path } });
    const maps = '/api/v1/namespaces/monitoring/configmaps?labelSelector=grafana_dashboard=1';
    const { items = [] } = await plane.api.requestOk<KubeList & { items: { data: object }[] }>('GET', maps);
    assert.deepEqual(
      items.map(({ data }) => data),
      [{ 'node-svc-checker.json': readFileSync(DASHBOARD, 'utf8') }],
    );
  });

  for (const { title, targets = [] } of panels) {
    for (const { refId, expr, legendFormat = '' } of targets) {
      test(`${title} ${refId}: there is data for it, with every label of its legend`, async () => {
        const found = await waitFor(async () => nonEmpty(await ask(expr)), { what: expr });
        for (const { samples } of found) assert.ok(Number.isFinite(samples[0]?.value), JSON.stringify(found));
        for (const [, label = ''] of legendFormat.matchAll(/\{\{([^}]*)\}\}/g))
          assert.ok(found[0]?.labels[label], label);
      });

      test(`${title} ${refId}: every value of a label in it occurs`, async () => {
        for (const selector of selectorsIn(expr)) {
          assert.notDeepEqual(await ask(`last_over_time(${selector}[$__range])`), [], selector);
        }
      });
    }
  }
});

function nonEmpty<T>(list: readonly T[]): readonly T[] | null {
  return list.length > 0 ? list : null;
}

/** One node drains, with a pod that must not be evicted; one waits for its slot; the others have troubles of their own. */
async function playTroubles({ cluster, agent, fault, writePolicies, prometheus }: Scene): Promise<void> {
  const { api } = cluster.plane;
  await createPod(api, { name: 'web', nodeName: DRAINED, phase: 'Pending' });
  await createPod(api, { name: 'database', nodeName: DRAINED, phase: 'Pending', labels: { app: 'database' } });
  await api.requestOk('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
    body: {
      metadata: { name: 'database' },
      spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'database' } } },
    },
  });
  // What is counted has to be seen before it grows.
  const scraped = async () => (await prometheus.query('nsc_check_last_result')).length === 6 * 3 * 3;
  await waitFor(scraped, { what: 'a scrape of every agent' });
  fault(DRAINED as string, 'storage', 'fails');
  fault(OBSERVED as string, 'clock', 'fails');
  fault(HANGING as string, 'gpu', 'hangs');
  writePolicies(INVALID as string, { 'clock.yaml': { kind: 'Clock' } });
  agent(GONE as string).kill('SIGKILL');
  await cluster.cordoned(DRAINED as string);
  fault(DENIED as string, 'storage', 'fails');
}
