import { isBug } from '../../agent/core/bug.ts';
import type { EndOrder } from '../../agent/core/fatal.ts';
import type { PodName } from '../../agent/core/orders/pod.ts';
import type { NodeCheckPolicy, PolicyLoad } from '../../agent/core/policy.ts';
import type { Clock, Run } from '../../agent/core/ports.ts';
import type { Transition } from '../../agent/core/transition.ts';
import { createAgentPodApi } from '../../agent/kube/agent-pod-api.ts';
import { canRetryEvent, createEventApi } from '../../agent/kube/event-api.ts';
import { hasStatus } from '../../agent/kube/kube-error.ts';
import { createNodeApi } from '../../agent/kube/node-api.ts';
import { createPodApi, evictionAnswer } from '../../agent/kube/pod-api.ts';
import { createSlotApi, slotLeaseName } from '../../agent/kube/slot-api.ts';
import type { KubeRequest, Transport } from '../../agent/kube/transport.ts';
import { watchNode } from '../../agent/kube/watch-node.ts';
import { Agent } from '../../agent/loop/agent.ts';
import { createDrainNarrator } from '../../agent/loop/drain-narrator.ts';
import { endInOrder } from '../../agent/loop/end-in-order.ts';
import { createEventRecorder, type EventRecorder } from '../../agent/telemetry/event-recorder.ts';
import { createLog } from '../../agent/telemetry/log.ts';
import { createTelling } from '../../agent/telemetry/telling.ts';
import type { SimulatedCluster } from '../../simulator/simulated-cluster.ts';

/** Where the agents and their slots are, but for those of a second install. */
export const NAMESPACE = 'nsc';
/** Longest time that a request is held back in its own process, where a death can still stop it. */
const HOLD_MS = 1;

/** `stopping`: it was told to end in good order. */
type LifeState = 'alive' | 'stopping' | 'dead';

/** Told of all that one agent does, as it does it. */
export type Witness = {
  sent(life: Life, request: KubeRequest): void;
  given(life: Life, load: PolicyLoad): void;
  told(life: Life, transition: Transition): void;
};

export type LifeOptions = {
  readonly cluster: SimulatedCluster;
  readonly clock: Clock;
  readonly nodeName: string;
  /** As the author of what it writes; one of its own. */
  readonly name: string;
  readonly pod: PodName;
  readonly startCheck: (life: Life, policy: NodeCheckPolicy) => Run;
  readonly witness: Witness;
  /** A check demands the end. */
  readonly onFatal: (life: Life, order: EndOrder) => void;
};

/**
 * One life of one agent, joined as `nsc run` joins it, over a connection without a socket. When it is killed it neither
 * hears nor sends anything from then on; what is on its way to the API server arrives all the same.
 */
export class Life {
  readonly name: string;
  readonly nodeName: string;
  readonly pod: PodName;
  readonly agent: Agent;
  /** Its log, without the lines about each run of a check. */
  readonly lines: string[] = [];
  /** Of this program, in one line each. */
  readonly bugs: string[] = [];
  state: LifeState = 'alive';
  readonly #ending = new AbortController();
  readonly #recorder: EventRecorder;
  readonly #options: LifeOptions;

  constructor(options: LifeOptions) {
    const { nodeName, name, pod, cluster, clock: worldClock, witness } = options;
    this.#options = options;
    this.name = name;
    this.nodeName = nodeName;
    this.pod = pod;
    const clock = this.#mortal(worldClock);
    const transport = this.#mortalTransport(cluster.connect(name), clock);
    const log = createLog({
      format: 'text',
      debug: false,
      write: (line) => this.lines.push(`${Math.round(clock.nowMs())} ${line.trimEnd()}`),
      now: () => new Date(0),
    });
    const tellBug = (error: unknown) => {
      if (isBug(error)) this.agent.onProblem(error);
      return isBug(error);
    };
    const eventApi = createEventApi(transport);
    const recorder = createEventRecorder(
      {
        create: async (series, id) => {
          const node = this.agent.node;
          if (node === null) throw new Error('the Node was not read yet, so no Event can be about it');
          return eventApi.create(node, series, id);
        },
        repeat: eventApi.repeat,
        canRetry: canRetryEvent,
      },
      log,
      { clock, tellBug },
    );
    this.#recorder = recorder;
    const tell = createTelling({ nodeName, log, recorder, counted: COUNTS_NOTHING });
    this.agent = new Agent({
      nodeName,
      id: name,
      boot: name,
      pid: 1,
      // Only containers of one pod ask for one another's process, and one begins when the other has ended; of what is no
      // process at all nobody can say so.
      hasEnded: ({ boot }) => (boot === '' ? null : true),
      ownPod: pod,
      clock,
      serverWallMs: transport.serverWallMs,
      nodeApi: createNodeApi(transport, nodeName),
      slotApi: {
        ...createSlotApi(transport, pod.namespace),
        nameOf: slotLeaseName,
        isConflict: (error) => hasStatus(error, 409),
      },
      podApi: createAgentPodApi(transport, pod, nodeName),
      drainApi: { ...createPodApi(transport, nodeName), answerOf: evictionAnswer },
      startCheck: (policy) => options.startCheck(this, policy),
      drainNarrator: createDrainNarrator(nodeName, log, tellBug),
      drainMeter: { podsLeft() {}, podAccepted() {}, attemptEnded() {} },
      onStep: (step) => {
        for (const transition of step.told) {
          if (transition.kind === 'InternalError') this.bugs.push(transition.stack);
          witness.told(this, transition);
        }
        tell({ ...step, told: step.told.filter(({ kind }) => !QUIET.has(kind)) });
      },
      onEnd: (order) => options.onFatal(this, order),
    });
    void watchNode(
      transport,
      nodeName,
      { onNode: (node) => this.agent.onNode(node), onProblem: (error) => this.agent.onProblem(error) },
      this.#ending.signal,
    );
  }

  onPolicies(load: PolicyLoad): void {
    this.#options.witness.given(this, load);
    this.agent.onPolicies(load, load.valid ? [] : load.errors.map(({ requirement }) => requirement));
  }

  /** As SIGKILL. */
  kill(): void {
    this.state = 'dead';
    this.#ending.abort(ENDED);
  }

  /** As SIGTERM; what has not ended after the time of grace is killed. @param withinMs that it takes; default: as SIGTERM */
  stop(graceMs: number, withinMs?: number): void {
    if (this.state !== 'alive') return;
    this.state = 'stopping';
    this.#ending.abort(ENDED);
    const { clock } = this.#options;
    clock.after(graceMs, () => this.kill());
    const onProblem = (error: unknown) => this.agent.onProblem(error);
    void endInOrder({ agent: this.agent, recorder: this.#recorder, clock, withinMs, onProblem }).then(() =>
      this.kill(),
    );
  }

  #isDead(): boolean {
    return this.state === 'dead';
  }

  #mortal(clock: Clock): Clock {
    const after: Clock['after'] = (ms, callback) =>
      clock.after(ms, () => {
        if (this.state !== 'dead') callback();
      });
    const sleep: Clock['sleep'] = async (ms, signal) => {
      await clock.sleep(ms, signal);
      if (this.state === 'dead') await NEVER;
    };
    return { nowMs: clock.nowMs, wallMs: clock.wallMs, random: clock.random, after, sleep };
  }

  #mortalTransport(inner: Transport, clock: Clock): Transport {
    const held = async (request: KubeRequest, send: () => Promise<unknown>) => {
      if (this.#isDead()) return NEVER;
      // It is judged by what is known when it is made, not at once as the agent begins: what comes while it is on its way cannot
      // stop it.
      await null;
      this.#options.witness.sent(this, request);
      await clock.sleep(clock.random() * HOLD_MS);
      const settled = await send().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if (this.#isDead()) return NEVER;
      if ('error' in settled) throw settled.error;
      return settled.value;
    };
    return {
      clock,
      serverWallMs: inner.serverWallMs,
      request: (request) => held(request, () => inner.request(request)),
      follow: async (request, onItem) => {
        const signal = request.signal ? AbortSignal.any([request.signal, this.#ending.signal]) : this.#ending.signal;
        const listen = (item: unknown) => {
          if (this.state !== 'dead') onItem(item);
        };
        await held(request, () => inner.follow({ ...request, signal }, listen));
      },
    };
  }
}

/** What happens at every run, and nobody looks for. */
const QUIET: ReadonlySet<Transition['kind']> = new Set(['CheckStarted', 'CheckEnded', 'CheckSkipped']);

/** Without a reason of its own an abort makes an Error, with all its stack. */
const ENDED = 'ended';

const NEVER = new Promise<never>(() => {});

const COUNTS_NOTHING = {
  checkEnded() {},
  checkSkipped() {},
  nodeWritten() {},
  slotDenied() {},
  policiesLoaded() {},
  internalError() {},
};
