/**
 * `kubectl drain` and the agent drain the same kind of node by turns, on one real API server with kwok as the kubelet:
 * run with `make bench`. Prints a Markdown table of medians; `--pairs N` for another number of pairs than 5, `--pods
 * 20,100` for other sizes.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { requireBinary } from '../test/harness/binaries.ts';
import { startControlPlane } from '../test/harness/control-plane.ts';
import { agentDrain, audited, createLoadedNode, type DrainCost, type LoadedNode } from './drain-cost.ts';
import { median, table } from './figures.ts';

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '5' }, pods: { type: 'string', default: '20,100,200' } },
});
const pairs = Number(values.pairs);
const sizes = values.pods.split(',').map(Number);

const plane = await startControlPlane({ kwok: true });
try {
  const rows: string[][] = [];
  for (const pods of sizes) {
    const ours: DrainCost[] = [];
    const theirs: DrainCost[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const kubectlNode = await createLoadedNode(plane, `kubectl-${pods}-${pair}`, pods);
      theirs.push(await kubectlDrain(kubectlNode));
      const agentNode = await createLoadedNode(plane, `agent-${pods}-${pair}`, pods);
      ours.push(await agentDrain(plane, agentNode));
    }
    rows.push(...compare(pods, ours, theirs));
  }
  process.stdout.write(table([['pods', 'figure (median)', 'agent', 'kubectl drain', 'agent / kubectl'], ...rows]));
} finally {
  await plane.stop();
}

async function kubectlDrain({ name, goneAt }: LoadedNode): Promise<DrainCost> {
  const mark = plane.audit.mark();
  // bash says how much time its child took, to the millisecond.
  const script = `TIMEFORMAT='cpu %U %S'; time "$0" --kubeconfig "$1" drain "$2" >/dev/null`;
  const startedAt = performance.now();
  const child = spawn('bash', ['-c', script, requireBinary('kubectl'), plane.kubeconfigPath, name], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const wallMs = (await goneAt()) - startedAt;
  if ((await ended) !== 0) throw new Error(`kubectl drain: ${said}`);
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(said) ?? [];
  return { wallMs, cpuSeconds: Number(user) + Number(system), ...audited(plane, mark, 'kubectl/') };
}

function compare(pods: number, ours: readonly DrainCost[], theirs: readonly DrainCost[]): string[][] {
  const row = (figure: string, of: (cost: DrainCost) => number, digits: number) => {
    const ratios = ours.map((cost, i) => of(cost) / of(theirs[i] as DrainCost));
    const cells = [median(ours.map(of)).toFixed(digits), median(theirs.map(of)).toFixed(digits)];
    return [String(pods), figure, ...cells, median(ratios).toFixed(2)];
  };
  const peak = (costs: readonly DrainCost[]) => String(Math.max(...costs.map(({ peakInFlight }) => peakInFlight)));
  return [
    row('seconds until the last pod is gone', ({ wallMs }) => wallMs / 1000, 2),
    row('requests to the API server a pod', ({ requests }) => requests / pods, 2),
    row('CPU seconds', (cost) => cost.cpuSeconds, 2),
    [String(pods), 'evictions in flight, at most', peak(ours), peak(theirs), '-'],
  ];
}
