import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isBug } from '../../agent/core/bug.ts';
import type { EventSeries } from '../../agent/core/node-event.ts';
import type { NodeStatus } from '../../agent/core/status.ts';
import { createAgentPodApi } from '../../agent/kube/agent-pod-api.ts';
import { loadCredentials } from '../../agent/kube/credentials.ts';
import { canRetryEvent, createEventApi } from '../../agent/kube/event-api.ts';
import { hasStatus } from '../../agent/kube/kube-error.ts';
import { createNodeApi } from '../../agent/kube/node-api.ts';
import { createPodApi, evictionAnswer } from '../../agent/kube/pod-api.ts';
import { createSlotApi, slotLeaseName } from '../../agent/kube/slot-api.ts';
import { createTransport } from '../../agent/kube/transport.ts';
import { watchNode } from '../../agent/kube/watch-node.ts';
import { Agent } from '../../agent/loop/agent.ts';
import { SYSTEM_CLOCK } from '../../agent/loop/clock.ts';
import { createDrainNarrator } from '../../agent/loop/drain-narrator.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import { createEventRecorder } from '../../agent/telemetry/event-recorder.ts';
import type { LogEntry } from '../../agent/telemetry/log.ts';
import { createMetrics } from '../../agent/telemetry/metrics.ts';
import { createTelling } from '../../agent/telemetry/telling.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { conditionOf, isCordoned, type NodeObject } from '../harness/held-node.ts';
import { readSamples, samplesOf } from '../harness/metrics-text.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { NODE, until } from './agent-scene.ts';

const API_VERSION = 'node-svc-checker/v1';
const POLICY = {
  apiVersion: API_VERSION,
  kind: 'NodeCheckPolicy',
  metadata: { name: 'disk' },
  spec: {
    check: { command: ['/replaced'], periodSeconds: 1, failureThreshold: 1 },
    actions: { drain: {} },
    nodeCondition: 'DiskHealthy',
  },
};
const BUDGET = {
  apiVersion: API_VERSION,
  kind: 'NodeDisruptionBudget',
  metadata: { name: 'all' },
  spec: { maxUnavailable: 1 },
};
const POD = {
  kind: 'Pod',
  metadata: {
    name: 'web',
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1', controller: true }],
  },
  spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'registry.example/none' }] },
  status: { phase: 'Running' },
};

/** Where a function of ours is wrong, and what it keeps from happening until it is mended. */
type Place = 'deciding' | 'slots' | 'writing' | 'draining' | 'conditions';
const KEPT: Readonly<Record<Place, (scene: Scene) => boolean>> = {
  deciding: ({ node }) => isCordoned(node()),
  slots: ({ node }) => isCordoned(node()),
  writing: ({ node }) => isCordoned(node()),
  draining: ({ hasPod }) => !hasPod(),
  conditions: ({ node }) => conditionOf(node(), 'DiskHealthy') !== undefined,
};

for (const place of Object.keys(KEPT) as Place[]) {
  test(`a defect in ${place} is told wherever people look, once, and work goes on`, async (t) => {
    const scene = await setScene(t, place);
    const { events, logged, count, report } = scene;
    const text = `internal error: TypeError: the defect in ${place} is not a function`;

    await until('the report', () => report().error === text);
    await until('the defect to show again', () => count() >= 2);
    assert.equal(KEPT[place](scene), false, 'nothing came of what the defect keeps from happening');
    assert.deepEqual(await status(scene), [{ reason: 'InternalError', error: text.slice('internal error: '.length) }]);
    await until('the Event', () => events().length === 1);
    assert.ok(events()[0]?.startsWith(`${text}. This is a defect of node-svc-checker. Please report it`));
    const [line, ...more] = logged.filter(({ level }) => level === 'error');
    assert.deepEqual(more, [], 'it is logged once');
    assert.ok(line?.message.startsWith(`${text}. This is a defect`));
    assert.match(String(line?.fields?.stack), /internal-errors\.test\.ts/);
    assert.deepEqual(
      logged.filter(({ message }) => message.includes('trying again')),
      [],
      'it is taken for no problem of the API server',
    );

    scene.mend();
    await until('what the defect kept from happening', () => KEPT[place](scene));
    assert.equal(events().length, 1);
  });
}

type Scene = Awaited<ReturnType<typeof setScene>>;

/** A sick node, and its agent in this process, as the command `run` joins it, but for the one function that throws. */
async function setScene(t: TestContext, place: Place) {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-internal-'));
  const simulator = await startSimulator();
  simulator.seed(NODE, POD);
  const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
  let isBroken = true;
  const wrong = <A extends unknown[], R>(where: Place, right: (...args: A) => R) => {
    return (...args: A): R => {
      if (isBroken && where === place) throw new TypeError(`the defect in ${place} is not a function`);
      return right(...args);
    };
  };
  const wrongLater = <A extends unknown[], R>(where: Place, right: (...args: A) => Promise<R>) => {
    const call = wrong(where, right);
    return async (...args: A): Promise<R> => call(...args);
  };

  const transport = createTransport(loadCredentials(kubeconfig, {}), 'internal-errors', () => {}, SYSTEM_CLOCK);
  const [nodeApi, slotApi, podApi] = [
    createNodeApi(transport, 'node-1'),
    createSlotApi(transport, 'default'),
    createPodApi(transport, 'node-1'),
  ];
  const metrics = createMetrics({ version: 'test', runtime: 'node' }, SYSTEM_CLOCK.wallMs);
  const logged: LogEntry[] = [];
  const log = (entry: LogEntry) => void logged.push(entry);
  const eventApi = createEventApi(transport);
  const sink = {
    ...eventApi,
    create: async (series: EventSeries, id: string) => {
      if (agent.node === null) throw new Error('the Node was not read yet');
      return eventApi.create(agent.node, series, id);
    },
    canRetry: canRetryEvent,
  };
  const tellBug = (error: unknown) => {
    if (isBug(error)) agent.onProblem(error);
    return isBug(error);
  };
  const recorder = createEventRecorder(sink, log, { clock: SYSTEM_CLOCK, tellBug });
  const tell = createTelling({ nodeName: 'node-1', log, recorder, counted: metrics.counted });
  const sick = {
    // The first that is asked of an outcome.
    get ended() {
      return wrong('deciding', () => ({ kind: 'Exited', code: 1 }) as const)();
    },
    stdout: '',
    stderr: '',
    stdoutBytes: 0,
    stderrBytes: 0,
    durationMs: 0,
  };
  const agent: Agent = new Agent({
    nodeName: 'node-1',
    id: 'the only one',
    boot: 'boot',
    pid: 1,
    hasEnded: () => null,
    ownPod: null,
    clock: SYSTEM_CLOCK,
    serverWallMs: transport.serverWallMs,
    nodeApi: {
      ...nodeApi,
      patch: wrongLater('writing', nodeApi.patch),
      patchConditions: wrongLater('conditions', nodeApi.patchConditions),
    },
    slotApi: {
      ...slotApi,
      list: wrongLater('slots', slotApi.list),
      nameOf: slotLeaseName,
      isConflict: (error) => hasStatus(error, 409),
    },
    podApi: createAgentPodApi(transport, null, 'node-1'),
    drainApi: { ...podApi, evict: wrongLater('draining', podApi.evict), answerOf: evictionAnswer },
    startCheck: () => ({ outcome: Promise.resolve(sick), gone: Promise.resolve(), kill: () => {} }),
    drainNarrator: createDrainNarrator('node-1', log, tellBug),
    drainMeter: metrics.drain,
    onStep(step) {
      tell(step);
      metrics.show(step);
    },
    onEnd: () => {},
  });
  const stopping = new AbortController();
  t.after(async () => {
    stopping.abort();
    recorder.stop();
    await agent.stop();
    await simulator.close();
    rmSync(dir, { recursive: true });
  });
  const load = loadPolicyFiles(
    [POLICY, BUDGET].map((document, n) => ({ name: `${n}.json`, bytes: Buffer.from(JSON.stringify(document)) })),
  );
  agent.onPolicies(load, []);
  const listener = { onNode: agent.onNode.bind(agent), onProblem: (error: unknown) => agent.onProblem(error) };
  void watchNode(transport, 'node-1', listener, stopping.signal);

  const node = () => simulator.read('Node', 'node-1') as unknown as NodeObject;
  let counted = 0;
  const recount = setInterval(async () => {
    counted = samplesOf(readSamples(await metrics.registry.metrics()), 'nsc_internal_errors_total')[''] ?? 0;
  }, 50);
  t.after(() => clearInterval(recount));
  return {
    kubeconfig,
    logged,
    node,
    count: () => counted,
    report: (): { error?: string } => JSON.parse(node().metadata.annotations?.['node-svc-checker/policy'] ?? '{}'),
    hasPod: () => simulator.read('Pod', 'web') !== undefined,
    events: () =>
      simulator.list('Event').flatMap(({ reason, message }) => (reason === 'InternalError' ? String(message) : [])),
    mend: () => {
      isBroken = false;
    },
  };
}

/** The problems that the command tells of the node. */
async function status({ kubeconfig }: Scene): Promise<NodeStatus['problems']> {
  const { stdout, exitCode } = await finished(runNsc(['status', '--kubeconfig', kubeconfig, '--output', 'json']));
  assert.equal(exitCode, 1);
  return JSON.parse(stdout).nodes[0].problems;
}
