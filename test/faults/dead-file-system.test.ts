import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { AgentProcess } from '../harness/agent-process.ts';
import { type DeadMount, mountDead, skipWithoutDeadMounts } from '../harness/dead-mounts.ts';
import { readSamples } from '../harness/metrics-text.ts';
import { RUNTIMES, type Runtime, skipWithoutRuntime } from '../harness/nsc-command.ts';
import { addSickPolicy } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';
import { healthyRun, setScene, until } from './agent-scene.ts';

/** Within which an agent has to be gone after SIGTERM, and what a busy machine may add, in milliseconds. */
const GONE_MS = 3_000;
const BUSY_MS = 1_000;

const tried = mkdtempSync(join(tmpdir(), 'nsc-dead-'));
const skip = await skipWithoutDeadMounts(tried);
rmdirSync(tried);

/** An agent with one check that is well and others that lie on file systems that never answer, and all of which hang. */
async function startAmongDead(t: TestContext, count: number, runtime: Runtime) {
  const mounts: DeadMount[] = [];
  // Hooks run in this order, and the scene's would hang on the directories that it removes.
  t.after(() => Promise.all(mounts.map((mount) => mount.revive())));
  const scene = await setScene(t);
  const names = Array.from({ length: count }, (_, i) => `dead-${i}`);
  for (const name of names) {
    // Beside the policies, where checks may be on Deno.
    const dir = join(dirname(scene.check.policyDir), `${name}-mount`);
    mkdirSync(dir);
    writeFileSync(join(dir, 'check.sh'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    mounts.push(await mountDead(dir));
    addSickPolicy(scene.check.policyDir, name, { check: { command: [join(dir, 'check.sh')], timeoutSeconds: 1 } });
  }
  // By name, so that each new connection looks one up.
  const kubeconfig = join(scene.dir, 'named');
  const numbered = readFileSync(scene.simulator.writeKubeconfig(join(scene.dir, 'kubeconfig')), 'utf8');
  writeFileSync(kubeconfig, numbered.replaceAll('127.0.0.1', 'localhost'));
  const agent = scene.start(runtime, kubeconfig);
  await agent.waitForLine(/agent started/);
  for (const name of names) await lastResult(agent, name, 'Unknown');
  return { ...scene, agent, names, mounts };
}

async function metrics(agent: AgentProcess) {
  return readSamples((await agent.get('/metrics')).body);
}

const lastResult = (agent: AgentProcess, policy: string, verdict: string) =>
  waitFor(async () => (await metrics(agent)).get(`nsc_check_last_result{policy="${policy}",verdict="${verdict}"}`), {
    what: `${policy} to be ${verdict}`,
  });

for (const runtime of RUNTIMES) {
  const whyNot = skip || skipWithoutRuntime(runtime);
  describe(`file systems that never answer, on ${runtime}`, { skip: whyNot, concurrency: 2 }, () => {
    for (const count of [4, 6]) {
      test(`${count} of them hold up nobody but their own checks, which go on when they are back`, async (t) => {
        const { agent, check, simulator, mounts, names, report } = await startAmongDead(t, count, runtime);
        for (let i = 0; i < 5; i += 1) await healthyRun(agent);
        // A busy machine may be late with one.
        const skipped = (await metrics(agent)).get('nsc_check_skipped_total{policy="sick-check"}') ?? 0;
        assert.ok(skipped <= 2, `${skipped} left out`);
        assert.deepEqual(await agent.get('/healthz').then(({ status }) => status), 200);

        const before = report().revision;
        assert.notEqual(before, undefined);
        const broken = simulator.faults.add({ method: 'PATCH', fault: { kind: 'refuse' }, times: 1 });
        check.write({ check: { failureThreshold: 3 } });
        await until('the report of the new policies', () => report().revision !== before);
        assert.equal(broken.hits, 1, 'so it needed another connection, and the address of its server');
        await healthyRun(agent);

        for (const mount of mounts) await mount.revive();
        for (const name of names) await lastResult(agent, name, 'Healthy');
      });
    }

    test('do not keep the agent from ending within 3 s of SIGTERM', async (t) => {
      const { agent } = await startAmongDead(t, 6, runtime);
      const termAtMs = performance.now();
      agent.kill('SIGTERM');
      assert.deepEqual(await agent.exit, { code: 0, signal: null });
      const tookMs = performance.now() - termAtMs;
      assert.ok(tookMs <= GONE_MS + BUSY_MS, `it took ${tookMs} ms`);
    });
  });
}
