/**
 * `kubectl drain` and the agent drain the same kind of node by turns, on one real API server with kwok as the kubelet:
 * run with `make bench`. Prints a Markdown table of medians; `--pairs N` for another number of pairs than 5, `--pods
 * 20,100` for other sizes.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startAgent } from '../test/harness/agent-process.ts';
import type { AuditEntry } from '../test/harness/audit.ts';
import { requireBinary } from '../test/harness/binaries.ts';
import { startControlPlane } from '../test/harness/control-plane.ts';
import { createNode } from '../test/harness/nodes.ts';
import { createPod } from '../test/harness/pods.ts';
import { createSickCheck } from '../test/harness/sick-check.ts';
import { waitFor } from '../test/harness/wait-for.ts';

const TICKS_PER_SECOND = 100;
const DEADLINE_MS = 300_000;
const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'a-replica-set', controller: true };

type Cost = { wallMs: number; requests: number; cpuSeconds: number; peakInFlight: number };
type Node = { name: string; goneAt: () => Promise<number> };

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '5' }, pods: { type: 'string', default: '20,100,200' } },
});
const pairs = Number(values.pairs);
const sizes = values.pods.split(',').map(Number);

const plane = await startControlPlane({ kwok: true });
try {
  const rows: string[][] = [];
  for (const pods of sizes) {
    const ours: Cost[] = [];
    const theirs: Cost[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const kubectlNode = await createLoadedNode(`kubectl-${pods}-${pair}`, pods);
      theirs.push(await kubectlDrain(kubectlNode));
      const agentNode = await createLoadedNode(`agent-${pods}-${pair}`, pods);
      ours.push(await agentDrain(agentNode));
    }
    rows.push(...compare(pods, ours, theirs));
  }
  process.stdout.write(table([['pods', 'figure (median)', 'agent', 'kubectl drain', 'agent / kubectl'], ...rows]));
} finally {
  await plane.stop();
}

/** A Node with so many running pods of a ReplicaSet; `goneAt` says when the last of them was, on performance.now(). */
async function createLoadedNode(name: string, pods: number): Promise<Node> {
  await createNode(plane.api, name);
  const names = Array.from({ length: pods }, (_, i) => `${name}-${i}`);
  for (let i = 0; i < pods; i += 20) {
    const some = names.slice(i, i + 20);
    await Promise.all(some.map((pod) => createPod(plane.api, { name: pod, nodeName: name, ownerReferences: [OWNER] })));
  }
  const query = `fieldSelector=${encodeURIComponent(`spec.nodeName=${name}`)}`;
  const { metadata } = await plane.api.requestOk('GET', `/api/v1/pods?${query}`);
  const watch = await plane.api.watch(`/api/v1/pods?${query}&resourceVersion=${metadata.resourceVersion}`);
  const gone = () => watch.events.filter(({ type }) => type === 'DELETED').length;
  return {
    name,
    async goneAt() {
      await waitFor(() => gone() >= pods, { what: `the ${pods} pods of ${name} to go`, deadlineMs: DEADLINE_MS });
      const at = performance.now();
      watch.close();
      return at;
    },
  };
}

async function kubectlDrain({ name, goneAt }: Node): Promise<Cost> {
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
  return { wallMs, cpuSeconds: Number(user) + Number(system), ...audited(mark, 'kubectl/') };
}

/** The agent runs already, as it would; its drain begins with the check that fails. */
async function agentDrain({ name, goneAt }: Node): Promise<Cost> {
  const check = createSickCheck({ check: { failureThreshold: 1 }, actions: { drain: {} } });
  let noticedAt = 0;
  const agent = startAgent({
    nodeName: name,
    policyDir: check.policyDir,
    kubeconfig: plane.kubeconfigPath,
    onLine: (line) => {
      if (noticedAt === 0 && line.includes('Noticed 1 times')) noticedAt = performance.now();
    },
  });
  try {
    await agent.waitForLine(/OK/);
    const mark = plane.audit.mark();
    const before = cpuSeconds(agent.pid);
    check.breakIt();
    const at = await goneAt();
    await agent.waitForLine(/is drained/);
    const cpu = cpuSeconds(agent.pid) - before;
    return { wallMs: at - noticedAt, cpuSeconds: cpu, ...audited(mark, 'node-svc-checker') };
  } finally {
    agent.kill('SIGKILL');
    await agent.exit;
    check.remove();
  }
}

function audited(mark: number, userAgent: string): Pick<Cost, 'requests' | 'peakInFlight'> {
  const entries = plane.audit.since(mark).filter((entry) => entry.userAgent?.startsWith(userAgent));
  const evictions = entries.filter(({ objectRef }) => objectRef?.subresource === 'eviction');
  return { requests: entries.length, peakInFlight: peakInFlight(evictions) };
}

/** The most requests that had been received and not been answered at any one moment. */
function peakInFlight(entries: readonly (AuditEntry & { readonly stageTimestamp?: string })[]): number {
  const moments = entries.flatMap(({ requestReceivedTimestamp, stageTimestamp = '' }) => [
    { at: requestReceivedTimestamp, change: 1 },
    { at: stageTimestamp, change: -1 },
  ]);
  // RFC 3339 with microseconds throughout, so the order of the text is the order of time.
  moments.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.change - b.change));
  let now = 0;
  let peak = 0;
  for (const { change } of moments) {
    now += change;
    peak = Math.max(peak, now);
  }
  return peak;
}

function compare(pods: number, ours: readonly Cost[], theirs: readonly Cost[]): string[][] {
  const row = (figure: string, of: (cost: Cost) => number, digits: number) => {
    const ratios = ours.map((cost, i) => of(cost) / of(theirs[i] as Cost));
    const cells = [median(ours.map(of)).toFixed(digits), median(theirs.map(of)).toFixed(digits)];
    return [String(pods), figure, ...cells, median(ratios).toFixed(2)];
  };
  const peak = (costs: readonly Cost[]) => String(Math.max(...costs.map(({ peakInFlight }) => peakInFlight)));
  return [
    row('seconds until the last pod is gone', ({ wallMs }) => wallMs / 1000, 2),
    row('requests to the API server a pod', ({ requests }) => requests / pods, 2),
    row('CPU seconds', (cost) => cost.cpuSeconds, 2),
    [String(pods), 'evictions in flight, at most', peak(ours), peak(theirs), '-'],
  ];
}

/** User and system time of a process and of the children it has waited for. */
function cpuSeconds(of: number): number {
  const fields = readFileSync(`/proc/${of}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS_PER_SECOND;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function table(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const [head = [], ...body] = rows;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('');
}
