import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Simulator, startSimulator } from '../simulator.ts';
import { type LogEntry, type Reading, tellEntry, worstCheck } from './agent-log.ts';
import { checkBundle, type StoryAgent, startAgent } from './agents.ts';
import type { BoardRow, Happening } from './board.ts';
import { NODE_NAMES, seedCluster } from './cluster.ts';
import { eventsOn, podsOn, readNode, slotsOf, taintsOf } from './evidence.ts';
import { layOutFiles, type StoryFiles } from './files.ts';
import { openScreen, type Screen } from './screen.ts';

/** Generous, because a machine may be busy; a story that goes well never gets near it. */
const DEADLINE_MS = 20_000;
const POLL_MS = 20;
/** More than a board ever shows. */
const REMEMBERED_HAPPENINGS = 20;

/** Everything a chapter works with. */
export interface Stage {
  readonly simulator: Simulator;
  readonly files: StoryFiles;
  readonly screen: Screen;
  readonly agents: ReadonlyMap<string, StoryAgent>;
  /** What was verified so far. */
  readonly verified: readonly string[];
  elapsedMs(): number;
  /** Starts the agents; their log is told as it comes. */
  startAgents(): void;
  chapter(text: string): void;
  tell(who: string, text: string): void;
  /** @throws Error naming `what`, unless the condition holds within the deadline. */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Never fulfilled. @throws whatever ends the story: the reason of the signal, or Error when an agent ended. */
  untilEnd(): Promise<never>;
  /** Says that it holds. @throws Error naming `what`, and both values, unless they are deeply equal. */
  verify(what: string, found: unknown, expected: unknown): void;
  /** Ends the agents, then the API server, and removes the files. */
  close(): Promise<void>;
}

export interface StageOptions {
  readonly output: typeof process.stdout;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the story shall end before its end. */
  readonly signal: AbortSignal;
}

/** Sets the stage: the cluster and the files are there, the agents not yet. @throws Error saying what is missing. */
export async function setStage({ output, env, signal }: StageOptions): Promise<Stage> {
  checkBundle();
  const startedAtMs = performance.now();
  const elapsedMs = () => performance.now() - startedAtMs;
  const files = layOutFiles();
  // However the story ends, its folder goes.
  process.once('exit', files.remove);
  const simulator = await openCluster();
  simulator.writeKubeconfig(files.kubeconfig);

  const agents = new Map<string, StoryAgent>();
  const verified: string[] = [];
  const happenings: Happening[] = [];
  const agentDied = new AbortController();
  const anyEnd = AbortSignal.any([signal, agentDied.signal]);
  let chapter = '';
  const screen = openScreen(output, env, () => {
    return { elapsedMs: elapsedMs(), chapter, rows: boardRows(simulator, agents), happenings };
  });
  const tell = (who: string, text: string): void => {
    const happening = { atMs: elapsedMs(), who, text };
    happenings.push(happening);
    happenings.splice(0, happenings.length - REMEMBERED_HAPPENINGS);
    screen.happening(happening);
  };
  const listener = {
    onEntry(nodeName: string, before: Reading, entry: LogEntry) {
      const text = tellEntry(before, entry);
      if (text !== null) tell(nodeName, text);
    },
    onDeath: (nodeName: string, how: string) =>
      agentDied.abort(new Error(`the agent of ${nodeName} must run until the story ends; it ended with ${how}`)),
  };

  return {
    simulator,
    files,
    screen,
    agents,
    verified,
    elapsedMs,
    startAgents() {
      tell('story', `the API server is ${simulator.url}, the policy ${files.policyFile}`);
      for (const nodeName of NODE_NAMES) {
        const agent = startAgent(nodeName, files, listener);
        agents.set(nodeName, agent);
        tell(nodeName, `agent starts as process ${agent.pid}`);
      }
    },
    chapter(text) {
      chapter = text;
      screen.chapter(elapsedMs(), text);
    },
    tell,
    until: (what, condition) => waitFor(what, condition, anyEnd),
    untilEnd: () => rejectOnAbort(anyEnd),
    verify(what, found, expected) {
      if (!isDeepStrictEqual(found, expected)) {
        throw new Error(`${what}: must be ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
      }
      verified.push(what);
      tell('story', `ok: ${what}`);
    },
    async close() {
      screen.close();
      await Promise.all([...agents.values()].map((agent) => agent.stop()));
      await simulator.close();
      files.remove();
    },
  };
}

async function waitFor(what: string, condition: () => boolean, signal: AbortSignal): Promise<void> {
  const lateAtMs = performance.now() + DEADLINE_MS;
  for (;;) {
    signal.throwIfAborted();
    if (condition()) return;
    if (performance.now() > lateAtMs) throw new Error(`waited ${DEADLINE_MS / 1000} s for ${what}`);
    await pause(POLL_MS);
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

async function openCluster(): Promise<Simulator> {
  try {
    const simulator = await startSimulator();
    seedCluster(simulator);
    return simulator;
  } catch (cause) {
    throw new Error(`could not start the API server on 127.0.0.1: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

function boardRows(simulator: Simulator, agents: ReadonlyMap<string, StoryAgent>): BoardRow[] {
  const holders = new Set(slotsOf(simulator).map(({ holder }) => holder));
  return simulator.list('Node').map(({ metadata: { name } }) => {
    const node = readNode(simulator, name);
    const agent = agents.get(name);
    const check = agent && worstCheck(agent.reading);
    const isDenied = agent?.reading.isDenied === true && check?.isStale === false;
    const event = eventsOn(simulator, name).at(-1);
    return {
      node: name,
      check,
      slot: holders.has(name) ? 'Held' : isDenied ? 'Denied' : undefined,
      cordoned: node.spec.unschedulable === true,
      taints: taintsOf(node).map(({ key }) => key),
      pods: podsOn(simulator, name).length,
      lastEvent: event && { reason: event.reason, ageSeconds: (Date.now() - event.at.getTime()) / 1000 },
    };
  });
}
