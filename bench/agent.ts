/**
 * What an agent costs a node and the API server, beside the kubectl wrapper it replaces and a bare Node.js, all on one
 * machine at the same time: run with `make bench`. Prints a Markdown table; single figures depend on the machine, the
 * ratios hold.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AgentProcess, startAgent } from '../test/harness/agent-process.ts';
import { requireBinary } from '../test/harness/binaries.ts';
import { type ControlPlane, startControlPlane } from '../test/harness/control-plane.ts';
import { createNode, readNode } from '../test/harness/nodes.ts';
import { createSickCheck, volumeOf } from '../test/harness/sick-check.ts';
import { createPodBoundToken } from '../test/harness/tokens.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import { anonymousMiB, cpuSeconds, median, table } from './figures.ts';

const RUNS = 60;
const EPISODES = 5;
const HERE = dirname(fileURLToPath(import.meta.url));
/** One HTTPS request, so that TLS is loaded, and then nothing. */
const BARE_NODE = `require('node:https').get(process.argv[1], { rejectUnauthorized: false }, (r) => r.resume()); setInterval(() => {}, 1e6)`;

const plane = await startControlPlane();
try {
  const check = createSickCheck({ check: { failureThreshold: 4 }, actions: { cordon: true } });
  const policyDir = volumeOf(check.policyDir);
  const startMs: number[] = [];
  const actMs: number[] = [];
  for (let n = 0; n < EPISODES; n++) {
    const agent = await agentOn(plane, `episode-${n}`, policyDir, (ms) => startMs.push(ms));
    await agent.waitForLine(/OK/);
    check.breakIt();
    actMs.push(await failureToCordonMs(agent, `episode-${n}`));
    check.heal();
    agent.kill('SIGKILL');
    await agent.exit;
  }

  const agent = await agentOn(plane, 'agent', policyDir);
  await createNode(plane.api, 'wrapper');
  const wrapper = spawn(join(HERE, 'kubectl-wrapper.sh'), [join(check.policyDir, '..', 'check.sh'), 'wrapper', '1'], {
    env: { ...process.env, KUBECTL: requireBinary('kubectl'), KUBECONFIG: plane.kubeconfigPath },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const bare = spawn(process.execPath, ['-e', BARE_NODE, plane.url], { stdio: 'ignore' });
  let wrapperRuns = 0;
  wrapper.stdout.on('data', (chunk: Buffer) => {
    wrapperRuns += chunk.toString().split('\n').length - 1;
  });
  const agentRuns = () => agent.lines.filter((line) => line.includes('OK')).length;
  await waitFor(() => agentRuns() >= 5 && wrapperRuns >= 5, { what: 'both to run', deadlineMs: 60_000 });

  const mark = plane.audit.mark();
  const before = {
    agent: cpuSeconds(agent.pid),
    wrapper: cpuSeconds(pid(wrapper)),
    agentRuns: agentRuns(),
    wrapperRuns,
  };
  await waitFor(() => agentRuns() >= before.agentRuns + RUNS, { what: `${RUNS} runs`, deadlineMs: 120_000 });
  const runs = { agent: agentRuns() - before.agentRuns, wrapper: wrapperRuns - before.wrapperRuns };
  const cpu = {
    agent: (cpuSeconds(agent.pid) - before.agent) / runs.agent,
    wrapper: (cpuSeconds(pid(wrapper)) - before.wrapper) / runs.wrapper,
  };
  const requests = plane.audit.since(mark);
  const about = (node: string) => requests.filter(({ objectRef }) => objectRef?.name === node).length;
  const memory = { agent: anonymousMiB(agent.pid), bare: anonymousMiB(pid(bare)) };

  process.stdout.write(
    table([
      ['figure', 'agent', 'peer', 'agent / peer'],
      [
        'requests to the API server a check',
        ...ratio(about('agent') / runs.agent, about('wrapper') / runs.wrapper, 'kubectl wrapper'),
      ],
      ['CPU ms a check, the script included', ...ratio(cpu.agent * 1000, cpu.wrapper * 1000, 'kubectl wrapper')],
      ['anonymous memory, MiB', ...ratio(memory.agent, memory.bare, 'bare Node.js')],
      ['start to first check, ms (median)', median(startMs).toFixed(0), '-', '-'],
      ['fourth failure noticed to cordon landed, ms (median)', median(actMs).toFixed(0), '-', '-'],
    ]),
  );
  wrapper.kill('SIGKILL');
  bare.kill('SIGKILL');
  agent.kill('SIGKILL');
  await agent.exit;
  check.remove();
} finally {
  await plane.stop();
}

async function agentOn(to: ControlPlane, nodeName: string, policyDir: string, onFirstCheck?: (ms: number) => void) {
  await createNode(to.api, nodeName);
  const identity = { namespace: 'default', serviceAccount: 'bench', pod: nodeName, node: nodeName };
  const { token, username } = await createPodBoundToken(to.api, identity);
  const grant = ['create', 'clusterrolebinding', nodeName, '--clusterrole', 'cluster-admin', '--user', username];
  await to.kubectl(grant);
  const kubeconfig = to.writeKubeconfig(nodeName, { token });
  const startedAt = performance.now();
  const onLine = (line: string) => {
    if (line.startsWith('INFO: Running')) onFirstCheck?.(performance.now() - startedAt);
    onFirstCheck = undefined;
  };
  return startAgent({
    nodeName,
    policyDir,
    kubeconfig,
    onLine: (line) => line.startsWith('INFO: Running') && onLine(line),
  });
}

async function failureToCordonMs(agent: AgentProcess, nodeName: string): Promise<number> {
  await agent.waitForLine(/Noticed 4 times/);
  const noticedAt = performance.now();
  await waitFor(async () => (await readNode(plane.api, nodeName)).spec?.unschedulable, { what: 'the cordon' });
  return performance.now() - noticedAt;
}

function pid(child: ChildProcess): number {
  return child.pid ?? 0;
}

function ratio(ours: number, peers: number, peer: string): [string, string, string] {
  return [ours.toFixed(2), `${peers.toFixed(2)} (${peer})`, (ours / peers).toFixed(2)];
}
