import type { AgentEvent } from '../core/agent-event.ts';
import { describeBug, isBug } from '../core/bug.ts';
import type { Claim } from '../core/claim.ts';
import type { EndOrder } from '../core/fatal.ts';
import { isDisrupting, readLedger } from '../core/ledger.ts';
import type { LeftOutside } from '../core/left-outside.ts';
import type { NodeView } from '../core/node.ts';
import type { Orders } from '../core/orders/orders.ts';
import type { PodName } from '../core/orders/pod.ts';
import type { NodeCheckPolicy, PolicyLoad } from '../core/policy.ts';
import type {
  AgentPodApi,
  Clock,
  DrainApi,
  DrainMeter,
  DrainNarrator,
  HasEnded,
  NodeApi,
  Run,
  SlotApi,
} from '../core/ports.ts';
import { type AgentState, lastNodeOf, type Now, newState, nodeOf } from '../core/state.ts';
import { type Step, step } from '../core/step.ts';
import { take } from '../core/take.ts';
import { timestamp } from '../core/timestamp.ts';
import { createCheckTimers } from './check-timers.ts';
import { createDrainer } from './drainer.ts';
import { createLooks } from './looks.ts';
import { createNodeWriter } from './node-writer.ts';
import { readNode } from './read-node.ts';
import { createSlots } from './slots.ts';
import { createUntaken } from './untaken.ts';

/** So many defects are told of what one event sets off; a defect that each telling brings about again ends there. */
const MAX_BUGS_AT_ONCE = 10;

export type AgentOptions = {
  readonly nodeName: string;
  /** Tells this life of the agent from all others. */
  readonly id: string;
  readonly boot: string;
  readonly pid: number;
  readonly hasEnded: HasEnded;
  /** The pod the agent runs in; null when it runs in none. */
  readonly ownPod: PodName | null;
  readonly clock: Clock;
  /** The API server's wall clock, in milliseconds since the epoch; null while it is not known. */
  serverWallMs(): number | null;
  readonly nodeApi: NodeApi;
  readonly slotApi: SlotApi;
  readonly podApi: AgentPodApi;
  readonly drainApi: DrainApi;
  readonly startCheck: (policy: NodeCheckPolicy) => Run;
  readonly drainNarrator: DrainNarrator;
  readonly drainMeter: DrainMeter;
  /** Takes every step, to tell what it has to tell. */
  onStep(step: Step): void;
  /** A check demands that the agent ends; said again with every step until it has. */
  onEnd(order: EndOrder): void;
  /** How long a request without an answer may still land, in milliseconds; default: the API server's limit. */
  readonly mayLandMs?: number | undefined;
};

/**
 * One node's agent: an inbox in front of the step, and the actors that obey its orders and send it events.
 *
 * One event is taken at a time, at once and whole: when `send` returns, the orders are those that follow from it.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #own: Claim;
  readonly #inbox: AgentEvent[] = [];
  #isTaking = false;
  #isStopping = false;
  #state: AgentState;
  /** The latest; null before the first event. */
  #latest: Step | null = null;
  /** The latest whose orders follow from its state; null before the first one. */
  #decided: Step | null = null;
  /** What they say, of the events that are being taken. */
  readonly #bugsMet = new Set<string>();
  readonly #untaken: ReturnType<typeof createUntaken>;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #cancelWake: () => void = () => {};
  readonly #checks: ReturnType<typeof createCheckTimers>;
  readonly #writer: ReturnType<typeof createNodeWriter>;
  readonly #looks: ReturnType<typeof createLooks>;
  readonly #slots: ReturnType<typeof createSlots>;
  readonly #drainer: ReturnType<typeof createDrainer>;

  constructor(options: AgentOptions) {
    const { nodeName, id, boot, pid, hasEnded, ownPod, clock, nodeApi, slotApi, podApi, drainApi } = options;
    this.#options = options;
    this.#own = { id, pod: ownPod, boot, pid, since: timestamp(this.#now().wallMs), hasStandby: false };
    this.#state = newState(nodeName, this.#own, this.#now());
    const send = (event: AgentEvent) => this.send(event);
    const onProblem = (error: unknown, loop?: 'effects') => this.onProblem(error, loop);
    this.#untaken = createUntaken(clock, send);
    const known = () => lastNodeOf(this.#state)?.resourceVersion ?? null;
    this.#checks = createCheckTimers({ clock, startCheck: options.startCheck, send, onProblem });
    this.#slots = createSlots({
      api: slotApi,
      clock,
      stillDisrupted: () => this.#stillDisrupted(),
      onAnswer: (answer) => send({ kind: 'SlotsAnswered', answer }),
      onProblem,
      mayLandMs: options.mayLandMs,
    });
    this.#writer = createNodeWriter({
      api: nodeApi,
      clock,
      known,
      orders: () => this.#latest?.orders ?? NO_ORDERS,
      send,
      onProblem,
      slots: this.#slots,
    });
    this.#looks = createLooks({ nodeApi, known, podApi, hasEnded, ownPod, clock, send, onProblem });
    this.#drainer = createDrainer({
      nodeName,
      ownPod,
      api: drainApi,
      clock,
      serverNowMs: () => this.#now().wallMs,
      narrator: options.drainNarrator,
      meter: options.drainMeter,
      onEnd: (end) => send({ kind: 'DrainEnded', end }),
    });
  }

  /** The Node as last seen; null while there is none or it was never read. */
  get node(): NodeView | null {
    return nodeOf(this.#state);
  }

  /** null when ready: a valid policy is in force and the Node was read. */
  notReadyBecause(): string | null {
    const { inForce, node, nodeName } = this.#state;
    if (inForce === null) return 'no valid policy was loaded yet';
    if (node.kind === 'Unread') return `node ${nodeName} was not read yet`;
    return node.kind === 'Gone' ? `there is no node ${nodeName}` : null;
  }

  /** Takes an event. One that is sent while another is taken waits for it. */
  send(event: AgentEvent): void {
    this.#inbox.push(event);
    this.#takeAll();
  }

  #takeAll(): void {
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) this.#take(next);
    } finally {
      this.#isTaking = false;
      this.#bugsMet.clear();
    }
  }

  /** Takes what the policy directory says now. @param errors of an invalid one, as people read them */
  onPolicies(load: PolicyLoad, errors: readonly string[]): void {
    this.send({ kind: 'PoliciesRead', load, errors });
  }

  /** Takes the Node as it is now; null when there is none of that name. */
  onNode(node: NodeView | null): void {
    this.send(node === null ? { kind: 'NodeGone' } : { kind: 'NodeSeen', node });
  }

  /** Takes what checks have left running outside of their process groups: all of it, by policy. */
  onLeftOutside(left: ReadonlyMap<string, LeftOutside>): void {
    this.send({ kind: 'LeftOutsideSeen', left });
  }

  /** Something did not succeed and will be tried again. A defect of this program is told as what it is. */
  onProblem(error: unknown, loop?: 'effects'): void {
    if (isBug(error)) {
      this.#meet(error);
      this.#takeAll();
    } else this.send({ kind: 'Failed', message: messageOf(error), ...(loop && { loop }) });
  }

  /** Ends checks, waits for writes under way, and hands the node over; it stays as it is. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelWake();
    this.#untaken.stop();
    this.#checks.stop();
    this.#looks.stop();
    this.#drainer.obey([], 'the agent ends');
    await Promise.all([this.#writer.stop(() => this.node, this.#state.own), this.#slots.stop()]);
  }

  #take(event: AgentEvent): void {
    const result = this.#stepOf(event);
    if (result === null) return;
    this.#latest = result;
    this.#state = result.state;
    this.#guard(() => this.#options.onStep(result));
    if (!this.#isStopping) this.#obey(result);
  }

  /** @returns null when the event cannot be taken, which is told, and changes nothing */
  #stepOf(event: AgentEvent): Step | null {
    const now = this.#now();
    try {
      const result = step(this.#state, event, now, this.#decided ?? undefined);
      this.#decided = result;
      this.#untaken.forget(event);
      return result;
    } catch (error) {
      if (event.kind !== 'BugMet' || this.#latest === null) {
        this.#meet(error);
        this.#untaken.keep(event);
        return null;
      }
      // Whatever is heard, no decision comes of it: this is told all the same, and the orders stay as they are.
      const { state, transitions } = take(this.#state, event, now);
      return { ...this.#latest, state, told: transitions };
    }
  }

  #obey({ orders, wakeAtMs }: Step): void {
    // First what has to stop.
    this.#guard(() => this.#drainer.obey(orders.drains, orders.drainsRest ?? undefined));
    this.#guard(() => orders.slots !== null && this.#slots.obey(orders.slots));
    this.#guard(() => this.#checks.obey(orders.checks));
    this.#guard(() => this.#writer.obey());
    this.#guard(() => this.#looks.obey(orders));
    this.#guard(() => this.#wakeAt(wakeAtMs));
    const { end } = orders;
    if (end !== null) this.#guard(() => this.#options.onEnd(end));
  }

  /** Whatever is wrong with this program shows, and keeps nothing else from being done. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#meet(error);
    }
  }

  /** Once for all that one event sets off: an actor that meets it at each order would go round in circles. */
  #meet(error: unknown): void {
    const bug = bugMet(error instanceof Error ? error : new Error(String(error)));
    if (this.#bugsMet.has(bug.text) || this.#bugsMet.size === MAX_BUGS_AT_ONCE) return;
    this.#bugsMet.add(bug.text);
    this.#inbox.push(bug);
  }

  #wakeAt(atMs: number): void {
    if (atMs === this.#wakeAtMs) return;
    this.#cancelWake();
    this.#wakeAtMs = atMs;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#cancelWake = this.#options.clock.after(atMs - this.#options.clock.nowMs(), () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.send({ kind: 'Tick' });
    });
  }

  #now(): Now {
    const { clock, serverWallMs } = this.#options;
    return { ms: clock.nowMs(), wallMs: serverWallMs() ?? clock.wallMs() };
  }

  async #stillDisrupted(): Promise<boolean> {
    const { nodeApi } = this.#options;
    try {
      const node = await readNode(
        nodeApi,
        () => lastNodeOf(this.#state)?.resourceVersion ?? null,
        (event) => this.send(event),
      );
      const reading = readLedger(node);
      return !reading.readable || isDisrupting(reading.ledger);
    } catch (error) {
      if (nodeApi.isGone(error)) return false;
      throw error;
    }
  }
}

/** Before the first event. */
const NO_ORDERS: Orders = {
  effects: null,
  report: null,
  conditions: null,
  drains: [],
  drainsRest: null,
  slots: null,
  checks: [],
  readNode: false,
  readTolerations: false,
  lookFor: null,
  end: null,
};

function bugMet(error: Error): Extract<AgentEvent, { kind: 'BugMet' }> {
  return { kind: 'BugMet', text: describeBug(error), stack: error.stack ?? error.message };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
