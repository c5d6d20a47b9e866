/**
 * What a cluster budget does to a fleet that fails at once, and what it costs the API server: run with `make bench`.
 * Beside it the same fleet without a budget. All agents are in this process. Prints a Markdown table; `--simulated
 * 50,200` for other sizes on the simulator, `--real 50` on the real API server.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { NodeDisruptionBudget } from '../agent/core/policy.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { type ApiClient, connect } from '../test/harness/api-client.ts';
import { startControlPlane } from '../test/harness/control-plane.ts';
import { startFleet } from '../test/harness/fleet.ts';
import { fleetPolicies, healAfterTurn, untilNothingIsLeft } from '../test/harness/fleet-episode.ts';
import { type Moment, observeLaw } from '../test/harness/fleet-law.ts';
import { createNode } from '../test/harness/nodes.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import { median, table } from './figures.ts';

/** How long a node stays sick after it was disrupted. */
const SICK_MS = 1_000;
/** Until who is denied asks as seldom as it ever will. */
const SETTLE_MS = 45_000;
const MEASURE_MS = 30_000;
const DEADLINE_MS = 600_000;
const NAMESPACE = 'default';

/** Counts the fleet's requests but watches, since it was made. */
type Counter = () => number;
interface Server {
  readonly name: string;
  readonly api: ApiClient;
  readonly kubeconfig: string;
  countRequests(): Counter;
  stop(): Promise<void>;
}

const { values } = parseArgs({
  options: { simulated: { type: 'string', default: '50,200' }, real: { type: 'string', default: '50' } },
});
const sizes = (list: string) => list.split(',').filter(Boolean).map(Number);
const head = [
  'agents, all failing',
  'API server',
  'limit',
  'peak disrupted',
  'freed slot to next node, s (median)',
  '(longest)',
  'requests/s while all others are denied',
  'requests/s an agent',
];
const rows = [head];
for (const agents of sizes(values.simulated)) rows.push(await measure(agents, simulated, '10%'));
for (const agents of sizes(values.real)) rows.push(await measure(agents, real, '10%'));
for (const agents of sizes(values.simulated).slice(0, 1)) rows.push(await measure(agents, simulated, null));
process.stdout.write(table(rows));

async function measure(
  agents: number,
  start: (nodes: readonly string[]) => Promise<Server>,
  maxUnavailable: string | null,
): Promise<string[]> {
  const nodes = Array.from({ length: agents }, (_, n) => `node-${n}`);
  const server = await start(nodes);
  // What is not limited is counted all the same.
  const budget = budgetOf(maxUnavailable ?? '100%');
  const law = await observeLaw(server.api, NAMESPACE, [budget]);
  const documents = [...fleetPolicies(), ...(maxUnavailable === null ? [] : [budget])];
  const fleet = startFleet({ kubeconfig: server.kubeconfig, namespace: NAMESPACE, nodes, documents });
  const stopHealing = healAfterTurn(fleet, law, SICK_MS);
  try {
    for (const member of fleet.members) member.breakIt();
    await waitFor(() => law.hadTurn.size === agents, { what: 'every node to have a turn', deadlineMs: DEADLINE_MS });
    await untilNothingIsLeft(server.api, NAMESPACE);
    stopHealing();
    const peak = Math.max(...law.peaks.values());
    const ends = [agents, server.name, maxUnavailable ?? 'no budget', peak].map(String);
    if (maxUnavailable === null) return [...ends, '-', '-', '-', '-'];

    const waits = waitsOf(law.moments);
    for (const member of fleet.members) member.breakIt();
    await pause(SETTLE_MS);
    const count = server.countRequests();
    await pause(MEASURE_MS);
    const rate = count() / (MEASURE_MS / 1000);
    const figures = [median(waits) / 1000, Math.max(...waits) / 1000, rate];
    return [...ends, ...figures.map((figure) => figure.toFixed(1)), (rate / agents).toFixed(2)];
  } finally {
    stopHealing();
    fleet.stop();
    law.stop();
    await server.stop();
  }
}

async function simulated(nodes: readonly string[]): Promise<Server> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-bench-budget-'));
  const simulator = await startSimulator();
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  simulator.seed(...nodes.map((name) => ({ kind: 'Node', metadata: { name }, status })));
  const isOurs = ({ path, userAgent }: { path: string; userAgent: string }) =>
    userAgent.startsWith('fleet/') && !path.includes('watch=true');
  return {
    name: 'simulated',
    api: connect({ url: simulator.url }),
    kubeconfig: simulator.writeKubeconfig(join(dir, 'kubeconfig')),
    countRequests() {
      const last = simulator.requests.at(-1);
      return () => simulator.requests.slice(simulator.requests.lastIndexOf(last as never) + 1).filter(isOurs).length;
    },
    async stop() {
      await simulator.close();
      rmSync(dir, { recursive: true });
    },
  };
}

async function real(nodes: readonly string[]): Promise<Server> {
  const plane = await startControlPlane();
  await Promise.all(nodes.map((name) => createNode(plane.api, name)));
  return {
    name: 'real',
    api: plane.api,
    kubeconfig: plane.kubeconfigPath,
    countRequests() {
      const mark = plane.audit.mark();
      return () =>
        plane.audit.since(mark).filter(({ userAgent, verb }) => userAgent?.startsWith('fleet/') && verb !== 'watch')
          .length;
    },
    stop: () => plane.stop(),
  };
}

function budgetOf(maxUnavailable: string): NodeDisruptionBudget {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name: 'bench' },
    spec: { nodeSelector: {}, maxUnavailable },
  };
}

/** From each node given back to the next one that takes its place, in milliseconds. */
function waitsOf(moments: readonly Moment[]): number[] {
  const freedAtMs: number[] = [];
  const waits: number[] = [];
  for (const { kind, atMs } of moments) {
    if (kind === 'Ended') freedAtMs.push(atMs);
    const freed = kind === 'Begun' ? freedAtMs.shift() : undefined;
    if (freed !== undefined) waits.push(atMs - freed);
  }
  return waits;
}
