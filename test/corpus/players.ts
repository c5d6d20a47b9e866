import assert from 'node:assert/strict';
import { options } from '../../agent/check/fixtures/support.ts';
import { startCheck } from '../../agent/check/run-check.ts';
import type { NodeCheckPolicy } from '../../agent/core/policy.ts';
import { type Judgement, judge } from '../../agent/core/verdict.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { RUNTIMES, type Runtime, skipWithoutRuntime } from '../harness/nsc-command.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { waitFor } from '../harness/wait-for.ts';
import { createStage, hasOwnTime, type Part, type Play, type Stage } from './stage.ts';

/** The node that checks are told of. */
export const NODE_NAME = 'node-1';
export const NODE_IP = '192.0.2.7';

/** What the first run of a check said. */
export interface Said {
  readonly verdict: Judgement['status'];
  /** The reason that the policy gives for its exit code. */
  readonly mapped: string | null;
  readonly words: string;
}

/** By the policy's name. */
export type AllSaid = ReadonlyMap<string, Said>;

/** Whoever runs checks. */
export interface Player {
  readonly name: string;
  readonly skip: string | false;
  play(play: Play): Promise<AllSaid>;
}

/** This process, with nothing but the parts of an agent that run and judge. */
export const HERE: Player = { name: 'this process', skip: false, play: (play) => onStage(play, runHere) };

/** The program, in processes of its own. */
export const PROGRAMS: readonly Player[] = [
  ...RUNTIMES.map((runtime) => ({
    name: `the agent on ${runtime}`,
    skip: skipWithoutRuntime(runtime),
    play: (play: Play) => playByAgents(play, runtime),
  })),
  ...RUNTIMES.map((runtime) => ({
    name: `nsc try on ${runtime}`,
    skip: skipWithoutRuntime(runtime),
    play: (play: Play) => playByTry(play, runtime),
  })),
];

/** How many run in this process at a time: the agents run all of theirs at once. */
const AT_ONCE = 16;
/** As `waitFor` has it for the agents. */
const TRY_DEADLINE_MS = 180_000;

type Words = readonly (readonly [policy: string, said: Said])[];

async function onStage(play: Play, run: (stage: Stage) => Promise<Words>): Promise<AllSaid> {
  const stage = createStage(play);
  try {
    const said = await run(stage);
    return new Map(said.map(([policy, { words, ...rest }]) => [policy, { ...rest, words: stage.withoutDir(words) }]));
  } finally {
    stage.remove();
  }
}

async function runHere({ policies }: Stage): Promise<Words> {
  const said: (readonly [string, Said])[] = [];
  const waiting = policies.values();
  const runWaiting = async () => {
    for (const { metadata, spec } of waiting) {
      const { name } = metadata;
      const running = startCheck(spec.check, { ...options, nodeName: NODE_NAME, nodeIp: NODE_IP, policyName: name });
      const { status, mapped, words } = judge(await running.outcome, spec.check);
      await running.gone;
      said.push([name, { verdict: status, mapped, words }]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runWaiting));
  return said;
}

/** One agent for all, but for those checks that end theirs. */
function playByAgents(play: Play, runtime: Runtime): Promise<AllSaid> {
  return apart(
    play,
    ({ endsAgent = false }) => endsAgent,
    (stage) => runByAgent(stage, runtime),
  );
}

/** One after the other, but for those that take their time. */
function playByTry(play: Play, runtime: Runtime): Promise<AllSaid> {
  return apart(play, hasOwnTime, (stage) => runByTry(stage, runtime));
}

/** Runs those of which that holds each on a stage of its own, beside the one of all others. */
async function apart(
  { files, parts }: Play,
  isAlone: (part: Part) => boolean,
  run: (stage: Stage) => Promise<Words>,
): Promise<AllSaid> {
  const casts = [parts.filter((part) => !isAlone(part)), ...parts.filter(isAlone).map((part) => [part])];
  const said = await Promise.all(casts.map((cast) => onStage({ files, parts: cast }, run)));
  return new Map(said.flatMap((each) => [...each]));
}

async function runByTry({ policyDir }: Stage, runtime: Runtime): Promise<Words> {
  const args = ['try', policyDir, '--node-name', NODE_NAME, '--output', 'json'];
  const { stdout, stderr } = await finished(runNsc(args, { runtime, env: { NODE_IP }, deadlineMs: TRY_DEADLINE_MS }));
  assert.match(stdout, /^\{.*\}\n$/, stderr);
  const { checks }: { checks: { policy: string; runs: [Said] }[] } = JSON.parse(stdout);
  return checks.map(({ policy, runs: [{ verdict, mapped, words }] }) => [policy, { verdict, mapped, words }]);
}

async function runByAgent(stage: Stage, runtime: Runtime): Promise<Words> {
  const simulator = await startSimulator();
  simulator.seed({ kind: 'Node', metadata: { name: NODE_NAME }, status: { conditions: [READY] } });
  const agent = startAgent({
    nodeName: NODE_NAME,
    policyDir: stage.policyDir,
    kubeconfig: simulator.writeKubeconfig(stage.path('kubeconfig')),
    runtime,
    args: ['--log-format', 'json'],
    env: { NODE_IP },
  });
  try {
    return await hearAll(agent, stage.policies);
  } finally {
    agent.kill('SIGKILL');
    await agent.exit;
    await simulator.close();
  }
}

const READY = { type: 'Ready', status: 'True' };

/** @throws Error with those that said nothing, and the agent's log */
async function hearAll(agent: AgentProcess, policies: readonly NodeCheckPolicy[]): Promise<Words> {
  const said = new Map<string, Said>();
  const missing = () => policies.map(({ metadata: { name } }) => name).filter((name) => !said.has(name));
  let heard = 0;
  const hear = () => {
    while (heard < agent.lines.length) {
      const { msg, policy, mapped = null, words = '', complaint = words } = JSON.parse(agent.lines[heard++] ?? '');
      const verdict = VERDICTS.find(([message]) => msg.startsWith(message))?.[1];
      if (verdict !== undefined && !said.has(policy)) said.set(policy, { verdict, mapped, words: complaint });
    }
    return missing().length === 0;
  };
  const end = agent.exit.then(() => true);
  const isOver = async () => hear() || Promise.race([end, false]);
  await waitFor(isOver, { what: 'all checks to say something' }).catch(() => {});
  if (!hear()) throw new Error(`nothing of ${missing().join(', ')}; the log:\n${agent.lines.slice(-60).join('\n')}`);
  return [...said];
}

/** By the beginning of the log's messages. */
const VERDICTS: readonly (readonly [message: string, verdict: Said['verdict']])[] = [
  ['check healthy', 'Healthy'],
  ['check failed', 'Failed'],
  ['check says nothing', 'Unknown'],
  ['the check wrote to stderr and onStderr is Fatal', 'Fatal'],
];
