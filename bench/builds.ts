/**
 * Two builds of the agent side by side, by turns or at the same time, on one machine and one real API server with kwok:
 * run with `make bench BASE=OTHER.mjs`, which says what this checkout's dist/agent.mjs costs more or less than that
 * other bundle. Prints a Markdown table of medians and ratios.
 */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type AgentProcess, startAgent } from '../test/harness/agent-process.ts';
import { createConfigMapVolume } from '../test/harness/config-map-volume.ts';
import { startControlPlane } from '../test/harness/control-plane.ts';
import { createNode } from '../test/harness/nodes.ts';
import { addSickPolicy, createSickCheck, volumeOf } from '../test/harness/sick-check.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import { agentDrain, createLoadedNode, type DrainCost } from './drain-cost.ts';
import { anonymousMiB, cpuSeconds, median, proportionalMiB, table } from './figures.ts';
import { idlePolicy } from './idle-policy.ts';

/** What is compared, by build. */
type Build = 'ours' | 'base';
type Pair<T> = Readonly<Record<Build, T>>;
const BUILDS: readonly Build[] = ['ours', 'base'];

const STARTS = 21;
const EPISODES = 15;
const DRAINS = 5;
const PODS = 100;
const SWAPS = 21;
/** Seconds of each round in which both run their checks, and how many rounds there are. */
const ROUND_SECONDS = 60;
const ROUNDS = 3;
/** Checks of an agent in those rounds, each once a second: what one costs drowns in the clock's 10 ms otherwise. */
const CHECKS = 4;

const { positionals } = parseArgs({ allowPositionals: true });
if (positionals.length !== 1) {
  throw new Error(
    `builds.ts takes the path of one other bundle to compare with, found ${positionals.length} arguments`,
  );
}
const bundle: Pair<string> = {
  ours: fileURLToPath(new URL('../dist/agent.mjs', import.meta.url)),
  base: resolve(positionals[0] as string),
};
const sizes = pairOf((build) => [statSync(bundle[build]).size / 1024]);

const plane = await startControlPlane({ kwok: true });
try {
  const { startMs, cordonMs } = await measureEpisodes();
  const steady = await measureSteady();
  const drains = await measureDrains();
  const swapMs = await measureSwaps();
  const drain = (of: (cost: DrainCost) => number) => pairOf((build) => drains[build].map(of));
  process.stdout.write(
    table([
      ['figure (median)', 'this build', 'the other', 'ratio'],
      row('bundle, KiB', sizes, 0),
      row('start to first check, ms', startMs, 0),
      row('fourth failure noticed to cordon seen, ms', cordonMs, 1),
      row('CPU ms a check, the script included', steady.cpuMs, 2),
      row('requests to the API server a minute, healthy', steady.requests, 1),
      row('anonymous memory, MiB', steady.anonymous, 1),
      row('proportional memory (PSS), MiB', steady.proportional, 1),
      row(
        `drain of ${PODS} pods, s`,
        drain((cost) => cost.wallMs / 1000),
        2,
      ),
      row(
        `drain of ${PODS} pods, CPU s`,
        drain((cost) => cost.cpuSeconds),
        2,
      ),
      row(
        `drain of ${PODS} pods, requests a pod`,
        drain((cost) => cost.requests / PODS),
        2,
      ),
      row('swap of the volume to the policy in force, ms', swapMs, 1),
    ]),
  );
} finally {
  await plane.stop();
}

/** From exec to the first check, then from the failure that reaches the threshold to what a watch sees. */
async function measureEpisodes(): Promise<{ startMs: Pair<number[]>; cordonMs: Pair<number[]> }> {
  const startMs = pairOf((): number[] => []);
  const cordonMs = pairOf((): number[] => []);
  for (let turn = 0; turn < STARTS; turn++) {
    for (const build of inTurn(turn)) {
      const nodeName = `episode-${build}-${turn}`;
      await createNode(plane.api, nodeName);
      const check = createSickCheck({ check: { failureThreshold: 4 }, actions: { cordon: true } });
      const policyDir = volumeOf(check.policyDir);
      const startedAt = performance.now();
      let noticedAt = 0;
      const agent = start(build, nodeName, policyDir, (line) => {
        if (startMs[build].length === turn && line.startsWith('INFO: Running')) {
          startMs[build].push(performance.now() - startedAt);
        }
        if (noticedAt === 0 && line.includes('Noticed 4 times')) noticedAt = performance.now();
      });
      await agent.waitForLine(/OK/);
      if (turn < EPISODES) {
        const { events, close } = await plane.api.watch(`/api/v1/nodes?fieldSelector=metadata.name%3D${nodeName}`);
        check.breakIt();
        while (!events.some(({ object }) => object.spec?.unschedulable)) await pause(1);
        cordonMs[build].push(performance.now() - noticedAt);
        close();
      }
      await end(agent);
      check.remove();
    }
  }
  return { startMs, cordonMs };
}

/** Both at once, healthy. */
async function measureSteady() {
  const checks = pairOf(() => createSickCheck({ actions: { cordon: true } }));
  for (const build of BUILDS) {
    for (let n = 1; n < CHECKS; n++)
      addSickPolicy(checks[build].policyDir, `check-${n}`, { actions: { cordon: true } });
    await createNode(plane.api, `steady-${build}`);
  }
  const agents = pairOf((build) => start(build, `steady-${build}`, checks[build].policyDir));
  const figures = {
    cpuMs: pairOf((): number[] => []),
    requests: pairOf((): number[] => []),
    anonymous: pairOf((): number[] => []),
    proportional: pairOf((): number[] => []),
  };
  const runsOf = (build: Build) => agents[build].lines.filter((line) => line.includes('OK')).length;
  await waitFor(() => BUILDS.every((build) => runsOf(build) >= 5 * CHECKS), { what: 'both to run' });
  for (let round = 0; round < ROUNDS; round++) {
    const mark = plane.audit.mark();
    const before = pairOf((build) => ({ cpu: cpuSeconds(agents[build].pid), runs: runsOf(build) }));
    const enough = (build: Build) => runsOf(build) >= before[build].runs + ROUND_SECONDS * CHECKS;
    await waitFor(() => BUILDS.every(enough), { what: `round ${round}`, deadlineMs: 3_000 * ROUND_SECONDS });
    for (const build of BUILDS) {
      const { pid } = agents[build];
      figures.cpuMs[build].push((1000 * (cpuSeconds(pid) - before[build].cpu)) / (runsOf(build) - before[build].runs));
      const about = plane.audit.since(mark).filter(({ requestURI }) => requestURI.includes(`steady-${build}`)).length;
      figures.requests[build].push((about * 60) / ROUND_SECONDS);
      figures.anonymous[build].push(anonymousMiB(pid));
      figures.proportional[build].push(proportionalMiB(pid));
    }
  }
  for (const build of BUILDS) {
    await end(agents[build]);
    checks[build].remove();
  }
  return figures;
}

async function measureDrains(): Promise<Pair<DrainCost[]>> {
  const costs = pairOf((): DrainCost[] => []);
  for (let turn = 0; turn < DRAINS; turn++) {
    for (const build of inTurn(turn)) {
      const node = await createLoadedNode(plane, `drain-${build}-${turn}`, PODS);
      costs[build].push(await agentDrain(plane, node, bundle[build]));
    }
  }
  return costs;
}

/** Both at once, each with a volume of its own, which are swapped by turns. */
async function measureSwaps(): Promise<Pair<number[]>> {
  const took = pairOf((): number[] => []);
  const inForceAt = { ours: 0, base: 0 };
  const homes = pairOf(() => createSickCheck({}));
  const volumes = pairOf((build) => createConfigMapVolume(join(homes[build].policyDir, '..', 'volume')));
  for (const build of BUILDS) {
    volumes[build].project({ 'policy.yaml': idlePolicy(0) });
    await createNode(plane.api, `swap-${build}`);
  }
  const agents = pairOf((build) =>
    start(build, `swap-${build}`, volumes[build].dir, (line) => {
      if (line.includes('policy in force')) inForceAt[build] = performance.now();
    }),
  );
  await waitFor(() => BUILDS.every((build) => inForceAt[build] > 0), { what: 'the first policies' });
  for (let swap = 1; swap <= SWAPS; swap++) {
    for (const build of inTurn(swap)) {
      const swappedAt = volumes[build].project({ 'policy.yaml': idlePolicy(swap) }) ?? Number.NaN;
      await waitFor(() => inForceAt[build] > swappedAt, { what: `swap ${swap}` });
      took[build].push(inForceAt[build] - swappedAt);
    }
  }
  for (const build of BUILDS) {
    await end(agents[build]);
    homes[build].remove();
  }
  return took;
}

function start(build: Build, nodeName: string, policyDir: string, onLine?: (line: string) => void): AgentProcess {
  const options = { nodeName, policyDir, kubeconfig: plane.kubeconfigPath, bundle: bundle[build] };
  return startAgent(onLine ? { ...options, onLine } : options);
}

async function end(agent: AgentProcess): Promise<void> {
  agent.kill('SIGKILL');
  await agent.exit;
}

function pairOf<T>(make: (build: Build) => T): Pair<T> {
  return { ours: make('ours'), base: make('base') };
}

/** Who goes second has it warmer, so each goes first every other time. */
function inTurn(turn: number): readonly Build[] {
  return turn % 2 === 0 ? BUILDS : BUILDS.toReversed();
}

function row(figure: string, of: Pair<readonly number[]>, digits: number): string[] {
  const [ours, base] = [median(of.ours), median(of.base)];
  const ratio = base === 0 ? (ours === 0 ? '1.00' : '-') : (ours / base).toFixed(2);
  return [figure, ours.toFixed(digits), base.toFixed(digits), ratio];
}
