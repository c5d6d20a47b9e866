/**
 * How long after the swap of a ConfigMap volume its policy is in force: run with `make bench`. Beside the agent a bare
 * Node.js watches the same directory and prints a line for each event. Prints a Markdown table; `--swaps N` for another
 * number of swaps than 40.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSimulator } from '../simulator/simulator.ts';
import { startAgent } from '../test/harness/agent-process.ts';
import { createConfigMapVolume } from '../test/harness/config-map-volume.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import { table } from './figures.ts';
import { idlePolicy } from './idle-policy.ts';

/** Long enough for an agent to be idle again, and no divisor of the time between its polls. */
const PAUSE_MS = 370;
const BARE_WATCH = `console.log('ready'); require('node:fs').watch(process.argv[1], (_, name) => console.log(name))`;
const NODE = {
  kind: 'Node',
  metadata: { name: 'node-1' },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
};

const { values } = parseArgs({ options: { swaps: { type: 'string', default: '40' } } });
const dir = mkdtempSync(join(tmpdir(), 'nsc-bench-reload-'));
const volume = createConfigMapVolume(join(dir, 'policy'));
volume.project({ 'policy.yaml': idlePolicy(0) });
const simulator = await startSimulator();
simulator.seed(NODE);

/** When each last spoke of a swap, on performance.now(). */
const heardAt = { agent: 0, bare: 0 };
const agent = startAgent({
  nodeName: 'node-1',
  policyDir: volume.dir,
  kubeconfig: simulator.writeKubeconfig(join(dir, 'kubeconfig')),
  onLine: (line) => {
    if (line.includes('policy in force')) heardAt.agent = performance.now();
  },
});
const bare = spawn(process.execPath, ['-e', BARE_WATCH, volume.dir], { stdio: ['ignore', 'pipe', 'inherit'] });
createInterface({ input: bare.stdout }).on('line', (line) => {
  if (line === 'ready' || line === '..data') heardAt.bare = performance.now();
});

try {
  await waitFor(() => heardAt.agent > 0 && heardAt.bare > 0, { what: 'both to watch' });
  const took = { agent: [] as number[], bare: [] as number[] };
  for (let swap = 1; swap <= Number(values.swaps); swap++) {
    await pause(PAUSE_MS);
    const swappedAt = volume.project({ 'policy.yaml': idlePolicy(swap) }) ?? Number.NaN;
    await waitFor(() => Math.min(heardAt.agent, heardAt.bare) > swappedAt, { what: `swap ${swap}` });
    took.agent.push(heardAt.agent - swappedAt);
    took.bare.push(heardAt.bare - swappedAt);
  }
  process.stdout.write(
    table([
      ['figure', 'agent: policy in force', 'bare Node.js: event seen', 'agent / bare'],
      row('swap of the volume to its effect, ms (median)', took, 0.5),
      row('swap of the volume to its effect, ms (p99)', took, 0.99),
    ]),
  );
} finally {
  bare.kill('SIGKILL');
  agent.kill('SIGKILL');
  await agent.exit;
  await simulator.close();
  rmSync(dir, { recursive: true });
}

function row(figure: string, { agent, bare }: Record<'agent' | 'bare', readonly number[]>, part: number): string[] {
  const [ours, theirs] = [quantile(agent, part), quantile(bare, part)];
  return [figure, ours.toFixed(1), theirs.toFixed(1), (ours / theirs).toFixed(1)];
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
