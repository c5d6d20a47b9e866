import type { NodeCheckPolicy, PolicyLoad } from '../../agent/core/policy.ts';
import type { Run } from '../../agent/core/ports.ts';
import type { RunOutcome } from '../../agent/core/verdict.ts';
import { seededRandom } from '../../simulator/random.ts';
import { createCluster, type SimulatedCluster } from '../../simulator/simulated-cluster.ts';
import type { Change } from '../../simulator/store.ts';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { Life, NAMESPACE, type Witness } from './life.ts';

/** What a run of a check comes to. `hang`: it times out, and its process stays for ever. */
export type Outcome = 'healthy' | 'failed' | 'unknown' | 'timeout' | 'hang' | 'fatal';

/** What a check says: these first, one run after the other, and then always the same. */
export type Script = { readonly first: readonly Outcome[]; readonly always: Outcome };

/** Told of everything in the world, in the order in which it happens. */
export type Observer = Witness & {
  began(life: Life): void;
  runEnded(life: Life, policy: NodeCheckPolicy, token: object, outcome: Outcome): void;
  runStarted(life: Life, policy: NodeCheckPolicy): object;
  changed(change: Change): void;
};

export type NodeOptions = { readonly labels?: Readonly<Record<string, string>> };

/** Longest run of a check, in milliseconds. */
const RUN_MS = 200;
/** Until the kubelet starts a container again that has ended. */
const RESTART_MS = 3_000;

/** One cluster in virtual time, its nodes, and the agents that live on them. One seed decides everything. */
export class World {
  readonly clock: VirtualClock;
  readonly cluster: SimulatedCluster;
  readonly lives: Life[] = [];
  readonly observer: Observer;
  /** Of the histories' own choices, so that an agent that draws more numbers changes nothing of them. */
  readonly random: () => number;
  readonly #scripts = new Map<string, { queue: Outcome[]; always: Outcome }>();
  /** By node: what its policy directory says. */
  readonly #loads = new Map<string, PolicyLoad>();
  readonly #hung: (() => void)[] = [];
  #canHang = true;
  #runs = 0;
  #born = 0;

  constructor(seed: number, observer: Observer) {
    this.clock = new VirtualClock({ seed, shuffle: true, maxTimersAtOnce: 20_000 });
    this.random = seededRandom(seed ^ 0x5eed);
    this.cluster = createCluster({ clock: this.clock });
    this.observer = observer;
    this.cluster.subscribe((change) => observer.changed(change));
    this.cluster.seed(
      { kind: 'Namespace', metadata: { name: NAMESPACE } },
      { kind: 'DaemonSet', metadata: { name: 'nsc', namespace: NAMESPACE, uid: 'uid-of-daemonset-nsc' } },
    );
  }

  addNode(name: string, { labels = {} }: NodeOptions = {}, uid?: string): void {
    this.cluster.seed({
      kind: 'Node',
      metadata: { name, labels, ...(uid !== undefined && { uid }) },
      status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }] },
    });
  }

  /** The directory of every agent of the node says this from now on; those that are alive read it at once. */
  give(nodeName: string, load: PolicyLoad): void {
    this.#loads.set(nodeName, load);
    for (const life of this.livingOn(nodeName)) if (life.state === 'alive') life.onPolicies(load);
  }

  livingOn(nodeName: string): Life[] {
    return this.lives.filter((life) => life.nodeName === nodeName && life.state !== 'dead');
  }

  /**
   * @param pod of the agent; one that is there already is used again, as when a container is started anew
   * @param namespace of the pod and its Leases: another one is that of a second install
   */
  start(nodeName: string, pod = `agent-${nodeName}`, load = this.#loads.get(nodeName), namespace = NAMESPACE): Life {
    this.#born += 1;
    if (!this.cluster.read('Pod', pod, namespace)) this.cluster.seed(agentPod(pod, nodeName, namespace));
    const life = new Life({
      cluster: this.cluster,
      clock: this.clock,
      nodeName,
      name: `life-${this.#born}`,
      pod: { namespace, name: pod },
      startCheck: (self, policy) => this.#run(self, policy),
      witness: this.observer,
      onFatal: (self, { byMs }) => this.#endFatally(self, byMs - this.clock.nowMs()),
    });
    this.lives.push(life);
    this.observer.began(life);
    if (load !== undefined) life.onPolicies(load);
    return life;
  }

  /** What the check with this command says on the node from now on. */
  script(nodeName: string, command: string, { first, always }: Script): void {
    this.#scripts.set(`${nodeName} ${command}`, { queue: [...first], always });
  }

  /** The kubelet starts the container of an agent that ended itself anew. */
  #endFatally(life: Life, withinMs: number): void {
    if (life.state !== 'alive') return;
    life.stop(withinMs, withinMs);
    const { name, namespace } = life.pod;
    this.clock.after(RESTART_MS, () => {
      const isThere = this.livingOn(life.nodeName).some(({ pod }) => pod.name === name);
      if (!isThere && this.cluster.read('Pod', name, namespace)) this.start(life.nodeName, name, undefined, namespace);
    });
  }

  /** What hangs comes to its end at last. */
  endHung(): void {
    this.#canHang = false;
    for (const end of this.#hung.splice(0)) end();
  }

  #run(life: Life, policy: NodeCheckPolicy): Run {
    const { command, timeoutSeconds } = policy.spec.check;
    const script = this.#scripts.get(`${life.nodeName} ${command.join(' ')}`);
    const outcome = script?.queue.shift() ?? script?.always ?? 'healthy';
    const token = this.observer.runStarted(life, policy);
    this.#runs += 1;
    const run = this.#runs;
    const isLate = outcome === 'timeout' || outcome === 'hang';
    const durationMs = isLate ? timeoutSeconds * 1000 : 1 + this.clock.random() * RUN_MS;
    const gone = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<RunOutcome>();
    let isKilled = false;
    const hang = (end: () => void) => (this.#canHang ? this.#hung.push(end) : end());
    this.clock.after(durationMs, () => {
      if (life.state === 'dead' || isKilled) return;
      this.observer.runEnded(life, policy, token, outcome);
      ended.resolve(outcomeOf(outcome, durationMs, run));
      if (outcome === 'hang') hang(gone.resolve);
      else gone.resolve();
    });
    return {
      outcome: ended.promise,
      gone: gone.promise,
      kill() {
        isKilled = true;
        ended.resolve(outcomeOf('unknown', 0, run));
        if (outcome === 'hang') hang(gone.resolve);
        else gone.resolve();
      },
    };
  }
}

function agentPod(name: string, nodeName: string, namespace = NAMESPACE) {
  return {
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nsc', uid: 'uid-of-daemonset-nsc', controller: true },
      ],
    },
    spec: { nodeName, tolerations: [{ operator: 'Exists' }] },
    status: { phase: 'Running' },
  };
}

/** No two runs say the same, as plugins with performance data; and two codes take turns. */
function outcomeOf(outcome: Outcome, durationMs: number, run: number): RunOutcome {
  const stderr = outcome === 'fatal' ? 'no such tool' : '';
  const stdout = `run ${run} | load=${run % 7};5;6`;
  return {
    ended: endOf(outcome, run),
    stdout,
    stderr,
    stdoutBytes: stdout.length,
    stderrBytes: stderr.length,
    durationMs,
  };
}

function endOf(outcome: Outcome, run: number): RunOutcome['ended'] {
  switch (outcome) {
    case 'healthy':
      return { kind: 'Exited', code: 0 };
    case 'failed':
      return { kind: 'Exited', code: 1 + (run % 3) };
    case 'fatal':
      return { kind: 'Exited', code: 1 };
    case 'unknown':
      return { kind: 'NotStarted', reason: 'no such file' };
    case 'timeout':
    case 'hang':
      return { kind: 'TimedOut' };
    default:
      return outcome satisfies never;
  }
}
