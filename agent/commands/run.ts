import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { ArgumentsCamelCase, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { CheckPipes } from '../check/check-pipes.ts';
import { Looks } from '../check/looks.ts';
import { OutsideGroups } from '../check/outside-groups.ts';
import { startCheck } from '../check/run-check.ts';
import { isBug } from '../core/bug.ts';
import type { EndOrder } from '../core/fatal.ts';
import type { NodeView } from '../core/node.ts';
import type { EventSeries } from '../core/node-event.ts';
import { createAgentPodApi } from '../kube/agent-pod-api.ts';
import { type Credentials, loadCredentials } from '../kube/credentials.ts';
import { canRetryEvent, createEventApi } from '../kube/event-api.ts';
import { createNodeApi } from '../kube/node-api.ts';
import { createPodApi } from '../kube/pod-api.ts';
import { createSlotApi } from '../kube/slot-api.ts';
import { createTransport, type Transport } from '../kube/transport.ts';
import { watchNode } from '../kube/watch-node.ts';
import { Agent } from '../loop/agent.ts';
import { SYSTEM_CLOCK } from '../loop/clock.ts';
import { createDrainNarrator } from '../loop/drain-narrator.ts';
import { END_WITHIN_MS, endInOrder } from '../loop/end-in-order.ts';
import { formatPolicyErrors } from '../policy/format-error.ts';
import { watchPolicyDirectory } from '../policy/watch-directory.ts';
import { createEventRecorder } from '../telemetry/event-recorder.ts';
import { parseAddress, serveHttp } from '../telemetry/http.ts';
import { createLog } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createTelling } from '../telemetry/telling.ts';
import { lastLine } from '../telemetry/transition-table.ts';
import { VERSION } from '../version.ts';
import { END_SIGNALS, endAtOnce } from './end-at-once.ts';
import { endProcess } from './end-process.ts';
import { HOST_OPTIONS } from './host-options.ts';

/** The loop turns when its clock is no later than this. */
const LOOP_LATE_MS = 10_000;
const LOOP_TICK_MS = 1_000;

/**
 * V8 makes no optimized code. An agent is idle almost all the time, and each function that V8 optimizes leaves
 * megabytes in the arenas of its compiling threads: 8 to 10 MiB after a minute of checks, kept for ever.
 */
const BASELINE_ONLY = ['--no-maglev', '--no-turbofan'];

const OPTIONS = {
  'node-name': {
    type: 'string',
    requiresArg: true,
    describe: 'The Node this agent is for',
    default: process.env.NODE_NAME,
    defaultDescription: '$NODE_NAME',
  },
  'policy-dir': {
    type: 'string',
    requiresArg: true,
    demandOption: true,
    describe: 'Directory of policy files; changes take effect at once',
  },
  kubeconfig: {
    type: 'string',
    requiresArg: true,
    describe: 'How to reach the API server',
    defaultDescription: '$KUBECONFIG, the service account, ~/.kube/config',
  },
  'metrics-address': {
    type: 'string',
    requiresArg: true,
    default: '127.0.0.1:9477',
    describe: 'host:port of /metrics, /healthz and /readyz; :port is every address of both families',
  },
  'log-format': { choices: ['text', 'json'], default: 'text', describe: 'Lines for people or for machines' },
  debug: { type: 'boolean', default: false, describe: 'Log more' },
  ...HOST_OPTIONS,
} as const satisfies Record<string, Options>;

type RunOptions = InferredOptionTypes<typeof OPTIONS>;

export const runCommand: CommandModule<object, RunOptions> = {
  command: 'run',
  describe: 'Run the agent of one node',
  builder: (yargs) =>
    yargs
      .options(OPTIONS)
      .example('$0 run --node-name "$NODE_NAME" --policy-dir /policy', 'as in the DaemonSet')
      .check((options) => {
        if (!options['node-name'])
          throw new Error('--node-name must name a Node; it is not given and $NODE_NAME is empty');
        parseAddress(options['metrics-address']);
        return true;
      }),
  handler: run,
};

async function run(options: ArgumentsCamelCase<RunOptions>): Promise<void> {
  for (const flag of BASELINE_ONLY) setFlagsFromString(flag);
  const nodeName = options.nodeName ?? '';
  const clock = SYSTEM_CLOCK;
  const boot = readBoot();
  const write = (line: string) => process.stdout.write(line);
  const log = createLog({ format: options.logFormat, debug: options.debug, write, now: () => new Date() });
  // Whoever reads the log may go away; the agent goes on.
  process.stdout.on('error', () => {});
  const metrics = createMetrics({ version: VERSION, runtime: runtimeName() }, clock.wallMs);
  const credentials = loadCredentials(options.kubeconfig, process.env);
  const transport = openTransport(credentials, metrics);
  const stopping = new AbortController();
  const pod = ownPod(credentials, process.env);
  const onProblem = (error: unknown) => agent.onProblem(error);
  const tellBug = (error: unknown) => {
    if (isBug(error)) onProblem(error);
    return isBug(error);
  };
  const recorder = createEventRecorder(
    eventSink(transport, () => agent.node),
    log,
    { clock, tellBug },
  );
  const tell = createTelling({ nodeName, log, recorder, counted: metrics.counted });
  const pipes = new CheckPipes((message, error) => log({ level: 'warn', message, fields: { error } }));
  const looks = new Looks();
  const outsideGroups = new OutsideGroups(nodeName, (left) => agent.onLeftOutside(left));
  const agent: Agent = new Agent({
    nodeName,
    id: randomUUID(),
    boot,
    pid: process.pid,
    hasEnded: (other) => hasEndedHere(boot, other),
    ownPod: pod,
    clock,
    serverWallMs: transport.serverWallMs,
    nodeApi: createNodeApi(transport, nodeName),
    slotApi: createSlotApi(transport, agentNamespace(credentials, process.env)),
    podApi: createAgentPodApi(transport, pod, nodeName),
    drainApi: createPodApi(transport, nodeName),
    startCheck: (policy) =>
      outsideGroups.follow((watcher) =>
        startCheck(policy.spec.check, {
          nodeName,
          nodeIp: process.env.NODE_IP,
          policyName: policy.metadata.name,
          hostRoot: options.hostRoot,
          hostPid: options.hostPid,
          pipes,
          looks,
          watcher,
        }),
      ),
    drainNarrator: createDrainNarrator(nodeName, log, tellBug),
    drainMeter: metrics.drain,
    onStep(step) {
      tell(step);
      metrics.show(step);
    },
    onEnd: (order) => end(1, order),
  });
  const loop = startLoopClock();
  const server = await serveHttp({
    ...parseAddress(options.metricsAddress),
    registry: metrics.registry,
    healthz: loop.problem,
    readyz: () => agent.notReadyBecause(),
    onProblem,
  });
  // A signal that came so far is heard now, before there is anything to end in order.
  await setImmediate();
  log({
    level: 'info',
    message: 'agent started',
    fields: { version: VERSION, node: nodeName, http: server.address, server: credentials.server },
  });
  const policies = watchPolicyDirectory(
    options.policyDir,
    (load) => agent.onPolicies(load, load.valid ? [] : formatPolicyErrors(load.errors, load.omitted)),
    onProblem,
  );
  watchNode(transport, nodeName, { onNode: (node) => agent.onNode(node), onProblem }, stopping.signal).catch(onProblem);

  async function stop(exitCode: number, order?: EndOrder): Promise<void> {
    if (stopping.signal.aborted) return;
    stopping.abort();
    log({ level: 'info', message: 'stopping; the node stays as it is' });
    const withinMs = order && Math.max(0, order.byMs - clock.nowMs());
    const exit = () => {
      if (order) log(lastLine(order));
      endProcess(exitCode);
    };
    setTimeout(exit, withinMs ?? END_WITHIN_MS);
    policies.stop();
    server.close();
    await endInOrder({ agent, recorder, clock, withinMs, onProblem });
    exit();
  }
  function end(exitCode: number, order?: EndOrder): void {
    stop(exitCode, order).catch(onProblem);
  }
  for (const signal of END_SIGNALS) {
    process.on(signal, () => end(0));
    process.off(signal, endAtOnce);
  }
}

function openTransport(credentials: Credentials, metrics: Metrics): Transport {
  return createTransport(credentials, `node-svc-checker/${VERSION}`, metrics.api.requested, SYSTEM_CLOCK);
}

function eventSink(transport: Transport, currentNode: () => NodeView | null) {
  const api = createEventApi(transport);
  return {
    create: async (series: EventSeries, id: string) => {
      const node = currentNode();
      if (node === null) throw new Error('the Node was not read yet, so no Event can be about it');
      return api.create(node, series, id);
    },
    repeat: api.repeat,
    canRetry: canRetryEvent,
  };
}

/** Where our process number means something: this boot of this machine, these processes; where nobody can read that, nowhere else. */
function readBoot(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return randomUUID();
  }
}

/** Of a container that was started anew, the process of the one before often had our number. */
function hasEndedHere(boot: string, other: { readonly boot: string; readonly pid: number }): boolean | null {
  if (other.boot !== boot) return null;
  if (other.pid === process.pid) return true;
  try {
    process.kill(other.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** $POD_NAMESPACE, else the credentials': the service account's or the context's. */
function agentNamespace(credentials: Credentials, env: NodeJS.ProcessEnv): string {
  return env.POD_NAMESPACE || credentials.namespace;
}

/** The pod this agent runs in; null without POD_NAME. */
function ownPod(credentials: Credentials, env: NodeJS.ProcessEnv): { namespace: string; name: string } | null {
  return env.POD_NAME ? { name: env.POD_NAME, namespace: agentNamespace(credentials, env) } : null;
}

function startLoopClock(): { problem(): string | null } {
  let turnedAt = performance.now();
  setInterval(() => {
    turnedAt = performance.now();
  }, LOOP_TICK_MS);
  return {
    problem() {
      const lateMs = performance.now() - turnedAt;
      return lateMs > LOOP_LATE_MS ? `the loop has not turned for ${Math.round(lateMs / 1000)} s` : null;
    },
  };
}

function runtimeName(): string {
  return 'Deno' in globalThis ? `deno ${process.versions.deno}` : `node ${process.versions.node}`;
}
