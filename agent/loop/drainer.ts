import { backoffMs } from '../core/backoff.ts';
import { type DrainStep, describeWaits, nextDrainStep } from '../core/orders/drain.ts';
import type { DrainCall } from '../core/orders/drain-calls.ts';
import { ordersGiven, podGone, podSeen, podsListed, watchFailed } from '../core/orders/drain-events.ts';
import type { DrainEnd, DrainOrder } from '../core/orders/drain-order.ts';
import { type DrainState, newDrain } from '../core/orders/drain-state.ts';
import type { AttemptEnd } from '../core/orders/drain-verdict.ts';
import type { PodName, PodView } from '../core/orders/pod.ts';
import type { Clock, DrainApi, DrainMeter, DrainNarrator } from '../core/ports.ts';
import { countSkips } from './drain-narrator.ts';
import { DrainSender } from './drain-sender.ts';
import { DrainTally } from './drain-tally.ts';

/** How often somebody who reads the log is told what is waited for. */
const PROGRESS_MS = 10_000;
/** After a defect of this program: the watch of the pods, or the next step. */
const RETRY = { baseMs: 1_000, maxMs: 30_000 };

export type DrainerOptions = {
  readonly nodeName: string;
  /** null when the agent runs in no pod. */
  readonly ownPod: PodName | null;
  readonly api: DrainApi;
  readonly clock: Clock;
  /** The API server's wall clock, in milliseconds since the epoch. */
  readonly serverNowMs: () => number;
  readonly narrator: DrainNarrator;
  readonly meter: DrainMeter;
  onEnd(end: DrainEnd): void;
};

export type Drainer = {
  /**
   * The drains that should be under way now, all of them. Returns at once; one under way that is not among them stops.
   *
   * @param why it is ordered no more, for the log
   */
  obey(orders: readonly DrainOrder[], why?: string): void;
};

/** Drains the node for every policy that orders it: sends what the steps of core/orders/drain.ts say, and answers them. */
export function createDrainer(options: DrainerOptions): Drainer {
  const worker = new Worker(options);
  return { obey: (orders, why) => worker.obey(orders, why) };
}

class Worker {
  readonly #options: DrainerOptions;
  readonly #sender: DrainSender;
  #state: DrainState;
  /** While the pods of the node are followed. */
  #following: { abort: AbortController; tally: DrainTally; toldMs: number } | null = null;
  /** What stays on the node, as last told, by policy. */
  readonly #toldSkips = new Map<string, string>();
  #cancelWake: () => void = () => {};
  #isTurnDue = false;
  /** In a row: steps that a defect kept from being made. */
  #failures = 0;

  constructor(options: DrainerOptions) {
    const { api, clock, narrator } = options;
    this.#options = options;
    this.#sender = new DrainSender({
      api,
      clock,
      narrator,
      onAnswer: (change) => this.#become(change(this.#state)),
    });
    this.#state = newDrain(options.nodeName, options.ownPod, clock.nowMs());
  }

  obey(orders: readonly DrainOrder[], why = 'it is not wanted any more'): void {
    // A node without drains hears this at every run of every check.
    if (orders.length === 0 && this.#state.attempts.size === 0) return;
    const { clock, serverNowMs } = this.#options;
    const { state, stopped } = ordersGiven(this.#state, orders, clock.nowMs(), serverNowMs(), why);
    this.#state = state;
    for (const { attempt, why } of stopped) {
      this.#guard(() => this.#tellEnd({ attempt, state: 'Aborted', skipped: [], problems: [] }, why));
    }
    this.#turn();
  }

  /** However much changes at once, it is one step. */
  #become(state: DrainState): void {
    this.#state = state;
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    queueMicrotask(() => {
      this.#isTurnDue = false;
      this.#turn();
    });
  }

  #turn(): void {
    const { clock, narrator } = this.#options;
    this.#cancelWake();
    const nowMs = clock.nowMs();
    try {
      const step = nextDrainStep(this.#state, nowMs, clock.random());
      this.#state = step.state;
      this.#obeyStep(step, nowMs);
    } catch (error) {
      this.#wakeIn(backoffMs(this.#failures++, RETRY, clock.random()));
      narrator.drainProblem(error);
    }
  }

  #obeyStep(step: DrainStep, nowMs: number): void {
    this.#guard(() => this.#follow(step));
    this.#sender.giveUpUnwanted(step.state);
    for (const call of step.calls) this.#send(call).catch((error) => this.#options.narrator.drainProblem(error));
    const toldMs = this.#guard(() => this.#tellProgress(step, nowMs)) ?? null;
    const wakesMs = [step.wakeAtMs, toldMs].filter((ms) => ms !== null);
    if (wakesMs.length > 0) this.#wakeIn(Math.min(...wakesMs) - nowMs);
    for (const end of step.ends) {
      this.#guard(() => this.#tellEnd(end, ''));
      const { policy, since } = end.attempt.order;
      if (end.state !== 'Aborted') this.#options.onEnd({ policy, since, state: end.state, problems: end.problems });
    }
    this.#failures = 0;
  }

  #wakeIn(ms: number): void {
    this.#cancelWake = this.#options.clock.after(ms, () => this.#become(this.#state));
  }

  /** A defect in one thing is told, and keeps nothing else of a step from being done, which nobody would do again. */
  #guard<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#options.narrator.drainProblem(error);
      return undefined;
    }
  }

  /** Watches the pods for as long as an attempt is under way. */
  #follow({ state, needsPods, wanted, left }: DrainStep): void {
    const { clock, meter, narrator } = this.#options;
    if (!needsPods) {
      this.#following?.abort.abort();
      if (this.#following !== null) meter.podsLeft(0, 0);
      this.#following = null;
      this.#toldSkips.clear();
      return;
    }
    for (const { attempt, choice } of wanted) {
      const counts = JSON.stringify(countSkips(choice.skip));
      if (choice.skip.length > 0 && counts !== this.#toldSkips.get(attempt.order.policy)) {
        narrator.drainSkips(attempt.order.policy, choice.skip);
      }
      this.#toldSkips.set(attempt.order.policy, counts);
    }
    if (this.#following === null) {
      const abort = new AbortController();
      this.#following = { abort, tally: new DrainTally(meter, abort.signal), toldMs: clock.nowMs() };
      void this.#watch(abort.signal);
    }
    if (state.pods !== null) this.#following.tally.looked(left);
  }

  /** Never rejects. A watch ends by itself only where it is wrong, and is begun again. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#options;
    const listener = this.#listener(signal);
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await api.watch(listener, signal);
      } catch (error) {
        listener.onProblem(asError(error));
        await clock.sleep(backoffMs(attempt, RETRY, clock.random()), signal);
      }
    }
  }

  #listener(signal: AbortSignal) {
    const tell = (next: (state: DrainState) => DrainState) => {
      if (!signal.aborted) this.#become(next(this.#state));
    };
    return {
      onList: (pods: readonly PodView[]) => tell((state) => podsListed(state, pods)),
      onPod: (pod: PodView) => tell((state) => podSeen(state, pod)),
      onGone: (pod: PodView) => tell((state) => podGone(state, pod)),
      onProblem: (error: Error) => {
        if (signal.aborted) return;
        this.#options.narrator.drainProblem(error);
        tell((state) => watchFailed(state, error.message));
      },
    };
  }

  /** @returns when the next word is due */
  #tellProgress({ state, left }: DrainStep, nowMs: number): number | null {
    if (this.#following === null) return null;
    if (nowMs - this.#following.toldMs >= PROGRESS_MS) {
      this.#following.toldMs = nowMs;
      this.#options.narrator.drainWaits(describeWaits(state, left, nowMs));
    }
    return this.#following.toldMs + PROGRESS_MS;
  }

  #tellEnd(end: AttemptEnd, why: string): void {
    const tookMs = this.#options.clock.nowMs() - end.attempt.startedMs;
    this.#options.narrator.drainEnded(end.attempt.order, end, tookMs, why);
    this.#options.meter.attemptEnded(end.state, tookMs / 1000);
  }

  async #send(call: DrainCall): Promise<void> {
    if (call.kind !== 'Evict' && call.kind !== 'Delete') {
      return this.#sender.ask(call, (this.#following?.abort ?? new AbortController()).signal);
    }
    if (call.kind === 'Delete') this.#guard(() => this.#options.narrator.drainDeletes(call.pod));
    return this.#sender.sendAway(call, this.#following?.tally ?? null);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
