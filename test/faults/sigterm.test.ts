import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { FaultRule } from '../../simulator/faults.ts';
import type { KubeObject } from '../../simulator/types.ts';
import { writeBudget } from '../harness/sick-check.ts';
import { healthyRun, setScene, until } from './agent-scene.ts';

/** Within which an agent has to be gone after SIGTERM, and what a busy machine may add, in milliseconds. */
const GONE_MS = 3_000;
const BUSY_MS = 1_000;
const STALL = { kind: 'stall' } as const;

const rows: [what: string, where: Omit<FaultRule, 'fault'>][] = [
  ['everything', {}],
  ['writes to the Node', { method: 'PATCH', path: /nodes/ }],
  ['reads of the Node', { method: 'GET', path: /nodes\/node-1/ }],
  ['Leases', { path: /leases/ }],
  ['Events', { path: /events/ }],
];

describe('SIGTERM ends an agent within 3 s with code 0, and the node stays as it is', { concurrency: 5 }, () => {
  for (const [what, where] of rows) {
    test(`while the API server stalls on ${what}`, async (t) => {
      const scene = await setScene(t);
      writeBudget(scene.check.policyDir, 'b', { nodeSelector: {}, maxUnavailable: 1 });
      const agent = scene.start();
      await healthyRun(agent);
      await until('the report', () => scene.report().revision !== undefined);
      const stalled = scene.simulator.faults.add({ ...where, fault: STALL });
      scene.check.breakIt();
      await agent.waitForLine(/monitored service is down/);
      await until('a request that stalls', () => stalled.hits > 0);
      // Events hold up no cordon; what the control plane adds to it belongs to the node as it is.
      if (what === 'Events') await until('the cordon', () => hasCordonTaint(scene.simulator.read('Node', 'node-1')));
      const before = scene.simulator.read('Node', 'node-1');
      const termAtMs = performance.now();
      agent.kill('SIGTERM');
      assert.deepEqual(await agent.exit, { code: 0, signal: null });
      const tookMs = performance.now() - termAtMs;
      assert.ok(tookMs <= GONE_MS + BUSY_MS, `it took ${tookMs} ms`);
      assert.deepEqual(scene.simulator.read('Node', 'node-1')?.spec, before?.spec);
    });
  }

  test('before it has begun, which it then does not', async (t) => {
    const scene = await setScene(t);
    const credentials = readFileSync(scene.simulator.writeKubeconfig(join(scene.dir, 'kubeconfig')));
    const kubeconfig = join(scene.dir, 'read-when-written');
    execFileSync('mkfifo', [kubeconfig]);
    const agent = scene.start('node', kubeconfig);
    // Opened when the agent reads it, and there it stays until it is written.
    const writer = await open(kubeconfig, 'w');
    agent.kill('SIGTERM');
    // Who was ended by the signal reads no more.
    await writer.writeFile(credentials).catch(() => {});
    await writer.close();
    assert.deepEqual([await agent.exit, agent.lines], [{ code: 0, signal: null }, []]);
    assert.deepEqual(scene.node()?.metadata.annotations, undefined);
  });
});

function hasCordonTaint(node: KubeObject | undefined): boolean {
  const { taints = [] } = (node?.spec ?? {}) as { taints?: readonly { key: string }[] };
  return taints.some(({ key }) => key === 'node.kubernetes.io/unschedulable');
}
