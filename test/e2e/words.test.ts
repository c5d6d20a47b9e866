import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import type { KubeList } from '../harness/api-client.ts';
import { countRequests } from '../harness/audit.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { conditionOf, isReportedOn, ledgerOf } from '../harness/held-node.ts';
import { createNode } from '../harness/nodes.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const NAME = 'says-more';
const TYPE = 'DiskHealthy';

describe('what a check says, on a real API server', { skip: skipWithoutControlPlane() }, () => {
  let cluster: AgentCluster;
  let dir: string;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'nsc-words-'));
    cluster = await joinAgentCluster();
  });
  after(async () => {
    await cluster?.stop();
    rmSync(dir, { recursive: true });
  });

  const told = async (reason: string): Promise<readonly string[]> => {
    const query = encodeURIComponent(`involvedObject.kind=Node,involvedObject.name=${NAME},reason=${reason}`);
    const path = `/api/v1/namespaces/default/events?fieldSelector=${query}`;
    const { items } = await cluster.plane.api.requestOk<KubeList>('GET', path);
    return ((items ?? []) as unknown as readonly { readonly message: string }[]).map(({ message }) => message);
  };

  test('stands in the Event, condition, ledger and status as it was when it began to fail, and costs no request', async () => {
    await createNode(cluster.plane.api, NAME);
    const sick = join(dir, 'sick');
    // Two exit codes take turns, and no two runs say the same.
    const script = `n=$(cat '${dir}/n' 2>/dev/null || echo 0); echo $((n + 1)) > '${dir}/n'
      [ -e '${sick}' ] || { echo "DISK OK | run=$n"; exit 0; }
      printf '\\033[31mDISK CRITICAL\\033[0m "sda" | run=%s\\nmore\\n' $n; exit $((2 + n % 2))`;
    const check = createSickCheck({
      nodeCondition: TYPE,
      actions: { cordon: true },
      check: {
        command: ['/bin/sh', '-c', script],
        failureThreshold: 2,
        exitCodes: { reasons: { '2': 'DiskFull', '3': 'DiskSlow' } },
      },
    });
    const seat = await cluster.seat(NAME);
    const first = cluster.start(seat, check);
    await cluster.until(NAME, 'reported on as healthy', (node) => {
      return isReportedOn(node) && conditionOf(node, TYPE)?.status === 'True';
    });
    writeFileSync(sick, '');
    await cluster.until(NAME, 'cordoned', ({ spec }) => spec.unschedulable === true);
    await cluster.until(NAME, 'failing', (node) => conditionOf(node, TYPE)?.status === 'False');
    await waitFor(async () => (await told('NodeCordoned')).length > 0, { what: 'the Event of the cordon' });

    const [event = ''] = await told('CheckFailing');
    const pattern =
      /^Policy sick-check: check failed 2 times in a row, last: exit code [23] \((Disk\w+)\): (DISK CRITICAL "sda" \| run=\d+)$/;
    const [, reason = '', words = ''] = pattern.exec(event) ?? assert.fail(event);
    const condition = conditionOf(await cluster.node(NAME), TYPE);
    assert.deepEqual(
      [condition?.reason, condition?.message],
      [reason, `Policy sick-check: check is failing (${reason}): ${words}`],
    );
    const held = ledgerOf(await cluster.node(NAME)).policies['sick-check'];
    assert.deepEqual([held.mapped, held.words], [reason, words]);
    assert.ok(
      first.lines.some((line) => line.endsWith(` words=${JSON.stringify(words)}`)),
      'it is in the log',
    );
    const run = runNsc(['status', '-o', 'json'], {
      env: { KUBECONFIG: cluster.plane.kubeconfigPath, POD_NAMESPACE: 'none' },
    });
    const { nodes } = JSON.parse((await finished(run)).stdout);
    const { said } = nodes.find(({ name }: { name: string }) => name === NAME);
    assert.deepEqual(said, [{ policy: 'sick-check', since: held.since, reason, words }]);

    const mark = cluster.plane.audit.mark();
    await first.waitForLine(/Noticed 8 times/);
    assert.deepEqual(countRequests(cluster.requests(NAME, mark)), {});

    first.kill('SIGKILL');
    await first.exit;
    const before = await cluster.node(NAME);
    const second = cluster.start(seat, check);
    await second.waitForLine(/Noticed 4 times/);
    const after = await cluster.node(NAME);
    assert.deepEqual([ledgerOf(after), conditionOf(after, TYPE)], [ledgerOf(before), conditionOf(before, TYPE)]);
    assert.deepEqual([(await told('PolicyReloaded')).length, (await told('CheckFailing')).length], [1, 1]);

    rmSync(sick);
    await cluster.released(NAME);
    await waitFor(async () => (await told('CheckRecovered')).length > 0, { what: 'the Event of the recovery' });
    assert.match(
      (await told('CheckRecovered')).join(),
      /^Policy sick-check: check is healthy again: DISK OK \| run=\d+$/,
    );
    assert.match(
      conditionOf(await cluster.node(NAME), TYPE)?.message ?? '',
      /^Policy sick-check: check is healthy, last: exit code 0: DISK OK/,
    );
  });
});
