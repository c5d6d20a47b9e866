import { randomUUID } from 'node:crypto';
import type { PolicySet } from '../../agent/core/policy.ts';
import type { Run } from '../../agent/core/ports.ts';
import { createAgentPodApi } from '../../agent/kube/agent-pod-api.ts';
import { type Credentials, loadCredentials } from '../../agent/kube/credentials.ts';
import { hasStatus } from '../../agent/kube/kube-error.ts';
import { createNodeApi } from '../../agent/kube/node-api.ts';
import { createPodApi, evictionAnswer } from '../../agent/kube/pod-api.ts';
import { createSlotApi, slotLeaseName } from '../../agent/kube/slot-api.ts';
import { createTransport, type KubeRequest, type Transport } from '../../agent/kube/transport.ts';
import { watchNode } from '../../agent/kube/watch-node.ts';
import { Agent } from '../../agent/loop/agent.ts';
import { SYSTEM_CLOCK } from '../../agent/loop/clock.ts';
import { createDrainNarrator } from '../../agent/loop/drain-narrator.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import type { Log } from '../../agent/telemetry/log.ts';
import { createMetrics } from '../../agent/telemetry/metrics.ts';
import { createTelling } from '../../agent/telemetry/telling.ts';

/** Where in one of its requests an agent ends. On the wire: the server has it, and may do it later. */
export type CrashPoint = 'beforeSending' | 'onTheWire' | 'answered';

export interface FleetOptions {
  /** Path of the kubeconfig that all agents use. */
  readonly kubeconfig: string;
  /** Where their Leases are. */
  readonly namespace: string;
  /** Of Nodes that are there, or will be. */
  readonly nodes: readonly string[];
  /** What stands in the policy directory of all of them. */
  readonly documents: readonly object[];
  /** Asked before every request but watches; null, the default, lets the agent live. */
  readonly crashAt?: (request: KubeRequest, member: FleetMember) => CrashPoint | null;
  /** How long what an agent sent may land after it has ended, in milliseconds; the agent's own default when absent. */
  readonly mayLandMs?: number;
}

/** One node's agent, through all its lives. */
export interface FleetMember {
  readonly name: string;
  /** How often it has crashed. */
  readonly crashes: number;
  readonly isSick: boolean;
  /** What it could not do so far, newest last. */
  readonly problems: readonly string[];
  /** Its check fails from now on. */
  breakIt(): void;
  /** Its check succeeds from now on. */
  heal(): void;
  /** Ends the agent as SIGKILL would, and starts another one a moment later, which knows nothing. */
  crash(): void;
}

export interface Fleet {
  readonly members: readonly FleetMember[];
  /** Ends all agents as a crash would, for good. */
  stop(): void;
}

const RESTART_MS = 200;
/** Long enough for a request to have left this process, short enough for most answers not to be back. */
const ON_THE_WIRE_MS = 10;

/**
 * Starts one agent for each Node, all in this process. Each is the agent as it is shipped, with a connection and a
 * watch of its own; only its check is a switch instead of a process. Call `stop` in `after`.
 */
export function startFleet(options: FleetOptions): Fleet {
  const credentials = loadCredentials(options.kubeconfig, {});
  const policies = readDocuments(options.documents);
  const members = options.nodes.map((name) => startMember(name, credentials, policies, options));
  return {
    members,
    stop() {
      for (const member of members) member.end();
    },
  };
}

function startMember(
  name: string,
  credentials: Credentials,
  policies: PolicySet,
  options: FleetOptions,
): FleetMember & { end(): void } {
  const problems: string[] = [];
  let crashes = 0;
  let sick = false;
  /** Of the present life. */
  let end = () => {};
  let crash = () => {};
  let restart: NodeJS.Timeout | undefined;

  function start(): void {
    const life = new AbortController();
    const { signal } = life;
    const crashNow = () => {
      if (signal.aborted) return;
      end();
      crashes++;
      restart = setTimeout(start, RESTART_MS);
    };
    const real = createTransport(credentials, `fleet/${name}`, () => {}, SYSTEM_CLOCK);
    const transport = mortal(real, signal, (request) => options.crashAt?.(request, member) ?? null, crashNow);
    const agent = createAgent(name, transport, options, () => sick, problems);
    end = () => {
      life.abort();
      // Nothing reaches the API server any more; this ends its timers.
      void agent.stop();
    };
    crash = crashNow;
    agent.onPolicies({ valid: true, set: policies }, []);
    const listener = { onNode: agent.onNode.bind(agent), onProblem: (error: unknown) => agent.onProblem(error) };
    void watchNode(transport, name, listener, signal);
  }

  const member: FleetMember & { end(): void } = {
    name,
    problems,
    get crashes() {
      return crashes;
    },
    get isSick() {
      return sick;
    },
    breakIt: () => {
      sick = true;
    },
    heal: () => {
      sick = false;
    },
    crash: () => crash(),
    end: () => {
      clearTimeout(restart);
      end();
    },
  };
  start();
  return member;
}

/** As the command `run` joins it. */
function createAgent(
  nodeName: string,
  transport: Transport,
  { namespace, mayLandMs }: FleetOptions,
  isSick: () => boolean,
  problems: string[],
): Agent {
  const log: Log = ({ level, message, text }) => {
    if (level === 'warn' || level === 'error') problems.push(text ?? message);
  };
  const metrics = createMetrics({ version: 'fleet', runtime: 'node' }, SYSTEM_CLOCK.wallMs);
  const tell = createTelling({ nodeName, log, recorder: { record() {}, wake() {} }, counted: metrics.counted });
  return new Agent({
    nodeName,
    id: randomUUID(),
    boot: nodeName,
    pid: 1,
    hasEnded: () => null,
    ownPod: null,
    clock: SYSTEM_CLOCK,
    serverWallMs: transport.serverWallMs,
    nodeApi: createNodeApi(transport, nodeName),
    slotApi: {
      ...createSlotApi(transport, namespace),
      nameOf: slotLeaseName,
      isConflict: (error) => hasStatus(error, 409),
    },
    podApi: createAgentPodApi(transport, null, nodeName),
    drainApi: { ...createPodApi(transport, nodeName), answerOf: evictionAnswer },
    startCheck: () => runOf(isSick()),
    drainNarrator: createDrainNarrator(nodeName, log, () => false),
    drainMeter: metrics.drain,
    onStep(step) {
      tell(step);
      metrics.show(step);
    },
    onEnd: () => {},
    mayLandMs,
  });
}

function runOf(isSick: boolean): Run {
  const ended = { kind: 'Exited', code: isSick ? 1 : 0 } as const;
  const outcome = { ended, stdout: '', stderr: '', stdoutBytes: 0, stderrBytes: 0, durationMs: 0 };
  return { outcome: Promise.resolve(outcome), gone: Promise.resolve(), kill: () => {} };
}

/** A transport that ends with the life of its agent: no call begins after that, none is answered. */
function mortal(
  transport: Transport,
  signal: AbortSignal,
  crashAt: (request: KubeRequest) => CrashPoint | null,
  crash: () => void,
): Transport {
  const whileAlive = <T>(call: Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      call.then(
        (answer) => signal.aborted || resolve(answer),
        (error) => signal.aborted || reject(error),
      );
    });
  const mortalRequest = (request: KubeRequest): KubeRequest => ({
    ...request,
    signal: request.signal ? AbortSignal.any([signal, request.signal]) : signal,
  });
  return {
    ...transport,
    request(request) {
      const point = signal.aborted ? null : crashAt(request);
      if (point === 'beforeSending') crash();
      if (signal.aborted) return new Promise(() => {});
      const call = transport.request(mortalRequest(request));
      if (point === 'onTheWire') setTimeout(crash, ON_THE_WIRE_MS);
      return whileAlive(point === 'answered' ? call.finally(crash) : call);
    },
    follow(request, onItem) {
      const whenAlive = (item: unknown) => signal.aborted || onItem(item);
      return signal.aborted ? new Promise(() => {}) : whileAlive(transport.follow(mortalRequest(request), whenAlive));
    },
  };
}

function readDocuments(documents: readonly object[]): PolicySet {
  const bytes = (document: object) => Buffer.from(JSON.stringify(document));
  const load = loadPolicyFiles(documents.map((document, n) => ({ name: `${n}.json`, bytes: bytes(document) })));
  if (!load.valid) throw new Error(`the fleet's policies must be valid, found ${JSON.stringify(load.errors)}`);
  return load.set;
}
