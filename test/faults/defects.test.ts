import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBug } from '../../agent/core/bug.ts';
import type { NodeView } from '../../agent/core/node.ts';
import type { NodeCheckPolicy, PolicySet } from '../../agent/core/policy.ts';
import { SAMPLE_DRAIN, sampleBudget, samplePolicy } from '../../agent/core/samples.ts';
import type { Transition } from '../../agent/core/transition.ts';
import { createAgentPodApi } from '../../agent/kube/agent-pod-api.ts';
import { hasStatus } from '../../agent/kube/kube-error.ts';
import { createNodeApi } from '../../agent/kube/node-api.ts';
import { createPodApi, evictionAnswer } from '../../agent/kube/pod-api.ts';
import { createSlotApi, slotLeaseName } from '../../agent/kube/slot-api.ts';
import { watchNode } from '../../agent/kube/watch-node.ts';
import { Agent, type AgentOptions } from '../../agent/loop/agent.ts';
import { createDrainNarrator } from '../../agent/loop/drain-narrator.ts';
import { createCluster } from '../../simulator/simulated-cluster.ts';
import { VirtualClock } from '../../simulator/virtual-clock.ts';

/** Where a defect is: throws, or rejects, for as long as it is not mended. */
type Spoil = (options: AgentOptions, defect: () => void) => Partial<AgentOptions>;
type Case = {
  readonly spoil?: Spoil;
  /** What the agent is given instead of a Node or policies as they should be. */
  readonly node?: (node: NodeView, defect: () => void) => NodeView;
  readonly policies?: (set: PolicySet, defect: () => void) => PolicySet;
  /** From when on the defect is there; at once when absent. */
  readonly from?: 'Drained';
};

/** Throws at once, where a promise is agreed, too. */
function spoiled<T extends object>(api: T, name: keyof T, defect: () => void): T {
  const right = api[name] as (...args: unknown[]) => unknown;
  return {
    ...api,
    [name]: (...args: unknown[]) => {
      defect();
      return right(...args);
    },
  };
}

const inNode = (name: keyof AgentOptions['nodeApi']): Case => ({
  spoil: ({ nodeApi }, defect) => ({ nodeApi: spoiled(nodeApi, name, defect) }),
});
const inSlots = (name: keyof AgentOptions['slotApi']): Case => ({
  spoil: ({ slotApi }, defect) => ({ slotApi: spoiled(slotApi, name, defect) }),
});
const inDrain = (name: keyof AgentOptions['drainApi']): Case => ({
  spoil: ({ drainApi }, defect) => ({ drainApi: spoiled(drainApi, name, defect) }),
});
const inNarrator = (name: keyof AgentOptions['drainNarrator']): Case => ({
  spoil: ({ drainNarrator }, defect) => ({ drainNarrator: spoiled(drainNarrator, name, defect) }),
});
const inMeter = (name: keyof AgentOptions['drainMeter']): Case => ({
  spoil: ({ drainMeter }, defect) => ({ drainMeter: spoiled(drainMeter, name, defect) }),
});

const CASES: Readonly<Record<string, Case>> = {
  'the start of a check': {
    spoil: ({ startCheck }, defect) => spoiled({ startCheck } as never, 'startCheck' as never, defect),
  },
  'what a check came to': {
    spoil: ({ startCheck }, defect) => ({
      startCheck: (policy) => ({ ...startCheck(policy), outcome: startCheck(policy).outcome.finally(defect) }),
    }),
  },
  'the end of a check': {
    spoil: ({ startCheck }, defect) => ({
      startCheck: (policy) => ({ ...startCheck(policy), gone: Promise.resolve().finally(defect) }),
    }),
  },
  'a step that reads the Node': {
    node: (node, defect) => ({
      ...node,
      get annotations() {
        defect();
        return node.annotations;
      },
    }),
  },
  'a step that reads the policies': {
    policies: (set, defect) => ({
      ...set,
      get policies() {
        defect();
        return set.policies;
      },
    }),
  },
  'every step': {
    policies: (set, defect) => ({
      ...set,
      get budgets() {
        defect();
        return set.budgets;
      },
    }),
    from: 'Drained',
  },
  'what a step tells': {
    spoil: ({ onStep }, defect) => ({
      onStep: (step) => {
        onStep(step);
        defect();
      },
    }),
  },
  'reading the Node': inNode('read'),
  'writing to the Node': inNode('patch'),
  'the report': inNode('annotate'),
  'listing slots': inSlots('list'),
  'making a slot': inSlots('create'),
  'looking for cordoned nodes': inSlots('listCordoned'),
  'watching pods': inDrain('watch'),
  'listing pods': inDrain('list'),
  'evicting pods': inDrain('evict'),
  'looking for a DaemonSet': inDrain('findDaemonSet'),
  'what is told of an eviction': inNarrator('drainEvicts'),
  'what is told of pods that stay': inNarrator('drainSkips'),
  'what is told of the end of a drain': inNarrator('drainEnded'),
  'the count of pods': inMeter('podsLeft'),
  'the count of evictions': inMeter('podAccepted'),
  'the count of drains': inMeter('attemptEnded'),
};

for (const [where, each] of Object.entries(CASES)) {
  test(`a defect in ${where} is told as one, ends nothing, and is over once it is mended`, async (t) => {
    const scene = setScene(each);
    const { clock, told, isDone, isDrained, mend } = scene;
    t.after(scene.stop);
    if (each.from === 'Drained') {
      await clock.runUntil(isDrained, { what: 'the drain' });
      scene.spoil();
      scene.heal();
    }
    await clock.runUntil(() => told('InternalError').length > 0, { what: 'the defect to be told' });
    await clock.run(clock.nowMs() + 120_000);
    const news = told('InternalError').filter((bug) => bug.kind === 'InternalError' && bug.isNews);
    assert.deepEqual(
      news.map((bug) => bug.kind === 'InternalError' && bug.text),
      ['TypeError: it is not a function'],
    );
    mend();
    const runs = scene.runs();
    if (each.from === 'Drained') await clock.runUntil(scene.isReleased, { what: 'the release' });
    else await clock.runUntil(isDone, { what: 'the drain' });
    await clock.run(clock.nowMs() + 10_000);
    assert.ok(scene.runs() > runs, 'checks go on');
  });
}

const DAEMON_POD = pod('logs', { kind: 'DaemonSet', name: 'logs', uid: 'ds-1' });

function pod(name: string, { kind, ...owner }: { kind: string; name: string; uid: string }) {
  return {
    kind: 'Pod',
    metadata: { name, ownerReferences: [{ apiVersion: 'apps/v1', kind, ...owner, controller: true }] },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'registry.example/none' }] },
    status: { phase: 'Running' },
  };
}

/** A sick node with a pod of its own and one of a DaemonSet, its budget, and its agent, in virtual time. */
function setScene({ spoil = () => ({}), node: nodeOf = (node) => node, policies: setOf = (set) => set, from }: Case) {
  const clock = new VirtualClock();
  const cluster = createCluster({ clock });
  cluster.seed(
    { kind: 'Node', metadata: { name: 'node-1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    { kind: 'DaemonSet', metadata: { name: 'logs', uid: 'ds-1' } },
    pod('web', { kind: 'ReplicaSet', name: 'web', uid: 'rs-1' }),
    DAEMON_POD,
  );
  let isBroken = from === undefined;
  let isSick = true;
  let runs = 0;
  const defect = () => {
    if (isBroken) throw new TypeError('it is not a function');
  };
  const transport = cluster.connect('agent');
  const told: Transition[] = [];
  const tellBug = (error: unknown) => {
    if (isBug(error)) agent.onProblem(error);
    return isBug(error);
  };
  const options: AgentOptions = {
    nodeName: 'node-1',
    id: 'one',
    boot: 'boot',
    pid: 1,
    hasEnded: () => null,
    ownPod: null,
    clock,
    serverWallMs: transport.serverWallMs,
    nodeApi: createNodeApi(transport, 'node-1'),
    slotApi: {
      ...createSlotApi(transport, 'default'),
      nameOf: slotLeaseName,
      isConflict: (error) => hasStatus(error, 409),
    },
    podApi: createAgentPodApi(transport, null, 'node-1'),
    drainApi: { ...createPodApi(transport, 'node-1'), answerOf: evictionAnswer },
    startCheck(_policy: NodeCheckPolicy) {
      runs += 1;
      const ended = { kind: 'Exited', code: isSick ? 1 : 0 } as const;
      const outcome = { ended, stdout: '', stderr: '', stdoutBytes: 0, stderrBytes: 0, durationMs: 0 };
      return { outcome: Promise.resolve(outcome), gone: Promise.resolve(), kill: () => {} };
    },
    drainNarrator: createDrainNarrator('node-1', () => {}, tellBug),
    drainMeter: { podsLeft() {}, podAccepted() {}, attemptEnded() {} },
    onStep: (step) => void told.push(...step.told),
    onEnd: () => assert.fail(),
  };
  const agent: Agent = new Agent({ ...options, ...spoil(options, defect) });
  const policy = samplePolicy('disk', {
    check: { failureThreshold: 1 },
    actions: { drain: { ...SAMPLE_DRAIN, timeoutSeconds: 60 } },
  });
  const set: PolicySet = { revision: 'a'.repeat(12), policies: [policy], budgets: [sampleBudget('all')] };
  const following = new AbortController();
  agent.onPolicies({ valid: true, set: setOf(set, defect) }, []);
  const onNode = (node: NodeView | null) => agent.onNode(node && nodeOf(node, defect));
  void watchNode(transport, 'node-1', { onNode, onProblem: (error) => agent.onProblem(error) }, following.signal);

  const annotations = () => (cluster.read('Node', 'node-1')?.metadata.annotations ?? {}) as Record<string, string>;
  const isDrained = () =>
    cluster.read('Pod', 'web') === undefined && (annotations()['node-svc-checker/ledger'] ?? '').includes('Drained');
  return {
    clock,
    told: (kind: Transition['kind']) => told.filter((each) => each.kind === kind),
    runs: () => runs,
    isDrained,
    /** The report is what was kept from being written last. */
    isDone: () => isDrained() && 'node-svc-checker/policy' in annotations(),
    isReleased: () => !('node-svc-checker/ledger' in annotations()),
    spoil: () => {
      isBroken = true;
    },
    mend: () => {
      isBroken = false;
    },
    heal: () => {
      isSick = false;
    },
    async stop() {
      following.abort();
      const stopped = agent.stop();
      await clock.run(clock.nowMs() + 60_000);
      await stopped;
      cluster.stop();
    },
  };
}
