import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { FaultRule } from '../../simulator/faults.ts';
import { healthyRun, SPEC, setScene, until } from './agent-scene.ts';

/** The next run comes within a second, and the agent is gone 2 s after it; what a busy machine may add, in milliseconds. */
const GONE_MS = 3_000;
const BUSY_MS = 2_000;

const rows: [what: string, where: Omit<FaultRule, 'fault'>][] = [
  ['everything', {}],
  ['writes to conditions', { method: 'PATCH', path: /nodes\/node-1\/status/ }],
  ['reads of the Node', { method: 'GET', path: /nodes\/node-1/ }],
  ['Events', { path: /events/ }],
];

describe('a check that writes to stderr ends the agent, and the last line says why', { concurrency: 4 }, () => {
  for (const [what, where] of rows) {
    for (const kind of ['stall', 'status'] as const) {
      test(`within 2 s, though the API server ${kind === 'stall' ? 'stalls on' : 'refuses'} ${what}`, async (t) => {
        const { agent, simulator, speakUp } = await quietAgent(t);
        await until('the condition', () => conditionIn(simulator.read('Node', 'node-1'))?.reason === 'CheckHealthy');
        simulator.faults.add({ ...where, fault: kind === 'stall' ? { kind } : { kind, code: 403, message: 'no' } });
        const before = simulator.read('Node', 'node-1');
        const fromMs = performance.now();
        speakUp();
        assert.deepEqual(await agent.exit, { code: 1, signal: null });
        const tookMs = performance.now() - fromMs;
        assert.ok(tookMs <= GONE_MS + BUSY_MS, `it took ${tookMs} ms`);
        assert.match(agent.lines.at(-1) ?? '', /^⛔ ERROR: Policy sick-check: the check wrote to stderr: "oh no"; /);
        assert.deepEqual(simulator.read('Node', 'node-1')?.spec, before?.spec);
      });
    }
  }
});

/** An agent whose check is healthy and silent, until it speaks up. */
async function quietAgent(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-fatal-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const loud = join(dir, 'loud');
  const command = ['/bin/sh', '-c', `[ ! -e '${loud}' ] || echo "oh no" >&2`];
  const scene = await setScene(t, { ...SPEC, nodeCondition: 'DiskHealthy', check: { command } });
  const agent = scene.start();
  await healthyRun(agent);
  return { agent, simulator: scene.simulator, speakUp: () => writeFileSync(loud, '') };
}

function conditionIn(node: object | undefined) {
  const { conditions = [] } =
    (node as { status?: { conditions?: readonly { type: string; reason: string }[] } }).status ?? {};
  return conditions.find(({ type }) => type === 'DiskHealthy');
}
