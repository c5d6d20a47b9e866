import { type DrainStep, nextDrainStep } from './drain.ts';
import type { DrainCall } from './drain-calls.ts';
import {
  daemonSetAnswered,
  looked,
  ordersGiven,
  podAnswered,
  podGone,
  podRead,
  podReadFailed,
  podSeen,
  podsListed,
} from './drain-events.ts';
import type { DrainOrder } from './drain-order.ts';
import { type DrainState, newDrain } from './drain-state.ts';
import type { AttemptEnd } from './drain-verdict.ts';
import type { EvictionAnswer } from './eviction-answer.ts';
import type { DaemonSetLookup } from './eviction-choice.ts';
import type { PodView } from './pod.ts';

/** For tests: drains in virtual time, against an API server that says what the test says. */

/** When the orders are given, in milliseconds since the epoch; virtual time counts from here. */
export const PLAY_BEGAN = Date.parse('2025-01-01T00:00:00Z');
/** No play needs more steps; one that does asks without a pause. */
const MAX_STEPS = 20_000;

export type Sent = { readonly atMs: number; readonly call: DrainCall };
export type Ended = { readonly atMs: number; readonly end: AttemptEnd };

/** What a call is answered, `afterMs` later (default 5). Nothing said: the usual. */
export type Reply = {
  readonly afterMs?: number;
  /** To an eviction or a deletion; the usual is 201. */
  readonly answer?: Partial<EvictionAnswer>;
  /** To the look-up of a DaemonSet; the usual is NotFound. */
  readonly lookup?: DaemonSetLookup;
  /** To a reading; the usual is what is there. */
  readonly found?: PodView | null | Error;
  /** To a list; the usual is what is there. */
  readonly pods?: readonly PodView[] | Error;
};

/** What becomes of the orders, in order of time. */
export type Change = {
  readonly atMs: number;
  readonly orders: readonly DrainOrder[];
  /** By an agent that has just started, and knows nothing of what the one before it did. */
  readonly isRestart?: boolean;
};

export type Play = {
  readonly orders: readonly DrainOrder[];
  readonly changes?: readonly Change[];
  readonly pods: readonly PodView[];
  /** How long the watch takes to list the pods, once they are needed; null: for ever. Default 1. */
  readonly listMs?: number | null;
  /** The watch says nothing after its first list. Default false. */
  readonly isSilent?: boolean;
  /** How long it lasts; default an hour. */
  readonly forMs?: number;
  /** From an accepted eviction to the end of the pod; null: it never ends. Default 20. */
  readonly terminationMs?: (pod: PodView) => number | null;
  readonly reply?: (call: DrainCall, nowMs: number, world: World) => Reply;
  /** A pod has gone. */
  readonly onGone?: (pod: PodView, world: World) => void;
  /** Called after each step. */
  readonly onStep?: (step: DrainStep, world: World) => void;
  /** Default 0.5, always. */
  readonly random?: () => number;
};

/** The pods as the API server has them; what a test changes here, the watch tells. */
export class World {
  readonly pods = new Map<string, PodView>();
  nowMs = 0;
  state: DrainState;
  /** Counts the agents: what an earlier one asked for is answered to nobody. */
  life = 0;
  /** Counts the watches: one that was ended lists nothing any more. */
  watch = 0;
  isSilent = false;
  /** The latest eviction or deletion of each pod. */
  readonly writes = new Map<string, DrainCall>();
  readonly #due: { atMs: number; act: () => void }[] = [];

  constructor(state: DrainState) {
    this.state = state;
  }

  at(atMs: number, act: () => void): void {
    this.#due.push({ atMs, act });
    this.#due.sort((a, b) => a.atMs - b.atMs);
  }

  put(pod: PodView): void {
    this.pods.set(pod.uid, pod);
    if (!this.isSilent) this.state = podSeen(this.state, pod);
  }

  end(pod: PodView): void {
    this.pods.delete(pod.uid);
    if (!this.isSilent) this.state = podGone(this.state, pod);
  }

  nextMs(): number {
    return this.#due[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  runDue(): void {
    while (this.nextMs() <= this.nowMs) this.#due.shift()?.act();
  }
}

/** Plays it to its end: no attempt is under way and none will be, or the time is over. Throws on a wake that is not later. */
export function playDrain(play: Play): { sent: readonly Sent[]; ends: readonly Ended[]; world: World } {
  const { orders, changes = [], forMs = 3_600_000, listMs = 1, random = () => 0.5 } = play;
  const world = new World(newDrain('node-1', null, 0));
  world.isSilent = play.isSilent ?? false;
  for (const pod of play.pods) world.pods.set(pod.uid, pod);
  order(world, { atMs: 0, orders });
  for (const change of changes) world.at(change.atMs, () => order(world, change));
  const sent: Sent[] = [];
  const ends: Ended[] = [];
  let isFollowed = false;
  let life = 0;
  for (let steps = 0; world.nowMs <= forMs; steps++) {
    if (steps > MAX_STEPS) throw new Error(`more than ${MAX_STEPS} steps until ${world.nowMs} ms`);
    const step = nextDrainStep(world.state, world.nowMs, random());
    world.state = step.state;
    play.onStep?.(step, world);
    for (const call of step.calls) {
      sent.push({ atMs: world.nowMs, call });
      answer(play, world, call, random);
    }
    for (const end of step.ends) ends.push({ atMs: world.nowMs, end });
    if (step.wakeAtMs !== null && step.wakeAtMs <= world.nowMs) throw new Error(`woken at ${step.wakeAtMs}, now`);
    // As the drainer does: one watch for as long as they are needed.
    const wasFollowed: boolean = isFollowed && life === world.life;
    if (step.needsPods !== wasFollowed) world.watch += 1;
    if (step.needsPods && !wasFollowed && listMs !== null) list(world, listMs);
    isFollowed = step.needsPods;
    life = world.life;
    const next = Math.min(step.wakeAtMs ?? Number.POSITIVE_INFINITY, world.nextMs());
    if (next === Number.POSITIVE_INFINITY) break;
    world.nowMs = next;
    world.runDue();
  }
  return { sent, ends, world };
}

function order(world: World, { orders, isRestart = false }: Change): void {
  if (isRestart) {
    world.life += 1;
    world.state = newDrain('node-1', null, world.nowMs);
  }
  const known = isRestart ? orders.map(({ landedMs, ...unseen }) => unseen) : orders;
  world.state = ordersGiven(world.state, known, world.nowMs, PLAY_BEGAN + world.nowMs, 'test').state;
}

function list(world: World, listMs: number): void {
  const { watch } = world;
  world.at(world.nowMs + listMs, () => {
    if (watch === world.watch) world.state = podsListed(world.state, [...world.pods.values()]);
  });
}

function answer(play: Play, world: World, call: DrainCall, random: () => number): void {
  const reply = play.reply?.(call, world.nowMs, world) ?? {};
  const atMs = world.nowMs + Math.min(reply.afterMs ?? 5, call.deadlineMs);
  const isCut = (reply.afterMs ?? 5) > call.deadlineMs;
  const { life } = world;
  if (call.kind === 'Evict' || call.kind === 'Delete') world.writes.set(call.pod.uid, call);
  world.at(atMs, () => {
    if (life !== world.life) {
      if ('gracePeriodSeconds' in call && !isCut && (reply.answer?.status ?? 201) === 201) terminate(play, world, call);
      return;
    }
    switch (call.kind) {
      case 'Evict':
      case 'Delete': {
        const usual = { status: 201, message: '', causes: [], retryAfterMs: null, isNotFound: false };
        const said = { ...usual, ...reply.answer, ...(isCut && { status: null, message: 'no whole answer' }) };
        if (said.status === 201) terminate(play, world, call);
        // One that was given up for another is answered to nobody.
        if (world.writes.get(call.pod.uid) !== call) return;
        world.state = podAnswered(world.state, call.pod, call.kind, said, world.nowMs, random());
        return;
      }
      case 'Read': {
        const found = isCut ? new Error('no whole answer') : reply.found;
        if (found instanceof Error) world.state = podReadFailed(world.state, call.pod, found.message);
        else {
          const there = [...world.pods.values()].find(({ name }) => name === call.pod.name) ?? null;
          world.state = podRead(world.state, call.pod, found === undefined ? there : found);
        }
        return;
      }
      case 'FindDaemonSet': {
        const unknown = { kind: 'Unknown', problem: 'no whole answer' } as const;
        const lookup = isCut ? unknown : (reply.lookup ?? { kind: 'NotFound' });
        world.state = daemonSetAnswered(world.state, call.key, lookup, world.nowMs, random());
        return;
      }
      case 'List': {
        const pods = isCut ? new Error('no whole answer') : (reply.pods ?? [...world.pods.values()]);
        world.state = looked(world.state, pods, world.nowMs, random());
        return;
      }
      default:
        call satisfies never;
    }
  });
}

function terminate(play: Play, world: World, call: Extract<DrainCall, { kind: 'Evict' | 'Delete' }>): void {
  const there = world.pods.get(call.pod.uid);
  if (there === undefined) return;
  const seconds = call.gracePeriodSeconds ?? there.terminationGracePeriodSeconds;
  world.put({ ...there, terminating: true, deletionGracePeriodSeconds: seconds });
  const ms = (play.terminationMs ?? (() => 20))(there);
  if (ms === null) return;
  world.at(world.nowMs + ms, () => {
    if (!world.pods.has(there.uid)) return;
    world.end(there);
    play.onGone?.(there, world);
  });
}
