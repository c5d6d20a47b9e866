import { isBug } from '../core/bug.ts';
import type { DrainOrder } from '../core/compare.ts';
import {
  type DrainStep,
  nextDrainStep,
  type PodProgress,
  progressAfter,
  progressInFlight,
  saidBefore,
} from '../core/drain.ts';
import { decideEviction, type EvictionAnswer } from '../core/eviction-answer.ts';
import { type Choice, chooseEvictions, type DaemonSetLookup, daemonSetKey } from '../core/eviction-choice.ts';
import type { PodListener, PodName, PodView } from '../core/pod.ts';
import type { DrainApi, DrainMeter, DrainNarrator } from './drain-ports.ts';
import { DrainTally } from './drain-tally.ts';
import { KnownPods } from './known-pods.ts';

/** No single call of a drain takes longer, whatever is left until its deadline. */
const CALL_DEADLINE_MS = 10_000;
/** A node that seems empty is worth one more look, even past the deadline. */
const LAST_LOOK_MS = 2_000;
/** How long pods deleted at the deadline may take to end, beyond the grace period the policy gives them. */
const DELETED_GRACE_MS = 60_000;
/** How often somebody who reads the log is told what is waited for. */
const PROGRESS_MS = 10_000;

export type DrainAttemptOptions = {
  readonly order: DrainOrder;
  readonly nodeName: string;
  readonly ownPod: PodName | null;
  readonly api: DrainApi;
  readonly narrator: DrainNarrator;
  readonly meter: DrainMeter;
  /** On the clock of performance.now(). */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
};

export type DrainResult = {
  readonly state: 'Drained' | 'GaveUp' | 'Aborted';
  readonly evicted: number;
  readonly skipped: Choice['skip'];
  readonly problems: readonly string[];
};

/** Tries once to empty the node, and ends by its deadline or within moments of the signal. Never throws. */
export async function attemptDrain(options: DrainAttemptOptions): Promise<DrainResult> {
  const ended = new AbortController();
  try {
    return await new DrainAttempt(options, AbortSignal.any([options.signal, ended.signal])).run();
  } finally {
    ended.abort();
  }
}

class DrainAttempt {
  readonly #options: DrainAttemptOptions;
  /** Ends the watch and everything that waits, at the latest when the attempt is over. */
  readonly #signal: AbortSignal;
  readonly #pods = new KnownPods();
  readonly #tally: DrainTally;
  #progress = new Map<string, PodProgress>();
  #daemonSets = new Map<string, DaemonSetLookup>();
  #skips: Choice['skip'] = [];
  #evicted = 0;
  #deletedAtMs: number | null = null;
  #fatal: string | null = null;
  #lastProblem: string | null = null;
  #progressToldMs = performance.now();
  /** Something changed since the last step was chosen. */
  #dirty = false;
  #endWait: () => void = () => {};

  constructor(options: DrainAttemptOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#tally = new DrainTally(options.meter, signal);
  }

  async run(): Promise<DrainResult> {
    void this.#options.api.watch(this.#listener(), this.#signal);
    this.#signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!this.#options.signal.aborted) {
      this.#dirty = false;
      if (this.#fatal !== null) return this.#end('GaveUp', [this.#fatal]);
      const pods = this.#pods.all;
      if (pods === null) {
        if (performance.now() >= this.#deadlineMs()) {
          return this.#end('GaveUp', [`the pods of the node could not be read: ${this.#lastProblem ?? 'no answer'}`]);
        }
        await this.#untilWoken(null);
        continue;
      }
      const result = await this.#step(pods);
      if (result !== null) return result;
    }
    return this.#end('Aborted', []);
  }

  /** @returns the result when the attempt is over */
  async #step(pods: readonly PodView[]): Promise<DrainResult | null> {
    const choice = await this.#choose(pods);
    if (this.#options.signal.aborted) return null;
    const step = nextDrainStep(choice, this.#progress, performance.now(), this.#deadlineMs());
    switch (step.kind) {
      case 'Refused':
        return this.#end('GaveUp', step.problems);
      case 'Empty':
        return (await this.#isReallyEmpty()) ? this.#end('Drained', []) : null;
      case 'Late':
        return this.#late(step);
      case 'Go':
        for (const pod of step.evict) void this.#send(pod);
        this.#tellProgress(choice);
        await this.#untilWoken(step.wakeAtMs);
        return null;
      default:
        return step satisfies never;
    }
  }

  async #choose(pods: readonly PodView[]): Promise<Choice> {
    const { nodeName, ownPod, order, narrator } = this.#options;
    const keys = new Set(pods.map(daemonSetKey).filter((key) => key !== null && !this.#daemonSets.has(key)));
    await this.#inTime(Promise.all([...(keys as Set<string>)].map((key) => this.#findDaemonSet(key))));
    const choice = chooseEvictions(pods, { nodeName, ownPod, drain: order.rules, daemonSets: this.#daemonSets });
    this.#tally.looked(choice);
    if (choice.skip.length > this.#skips.length) narrator.drainSkips(choice);
    this.#skips = choice.skip;
    return choice;
  }

  async #findDaemonSet(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    const lookup = await this.#options.api.findDaemonSet(namespace, name);
    if (lookup.kind === 'Unknown') this.#options.narrator.drainProblem(new Error(lookup.problem));
    this.#daemonSets.set(key, lookup);
  }

  /** Evicts the pod; past the deadline, where the policy says so, deletes it. */
  async #send(pod: PodView): Promise<void> {
    const { api, order, narrator } = this.#options;
    const attempts = this.#progress.get(pod.uid)?.attempts ?? 0;
    const inFlight = progressInFlight(this.#progress.get(pod.uid));
    this.#progress.set(pod.uid, inFlight);
    const isDeletion = this.#deletedAtMs !== null;
    if (isDeletion) narrator.drainDeletes(pod);
    const deadlineMs = Math.min(CALL_DEADLINE_MS, Math.max(1, this.#leftMs()));
    const answer = await (isDeletion ? api.delete : api.evict)(pod, order.rules.gracePeriodSeconds, deadlineMs).then(
      (): EvictionAnswer => ({ status: 201, message: '', causes: [], retryAfterMs: null }),
      (error: unknown) => {
        if (isBug(error)) narrator.drainProblem(error);
        return api.answerOf(error);
      },
    );
    this.#tally.answered(pod, isDeletion ? 'Deleted' : 'Evicted', answer.status);
    // What became of the eviction matters no more once the pod is deleted.
    if (this.#progress.get(pod.uid) !== inFlight) return;
    const next = decideEviction(answer, attempts, this.#leftMs(), Math.random());
    this.#progress.set(pod.uid, progressAfter(inFlight, next, performance.now()));
    if (next.kind === 'Wait') {
      this.#evicted += 1;
      if (!isDeletion) narrator.drainEvicts(pod);
    }
    if (next.kind === 'Gone') this.#pods.forget(pod);
    if (next.kind === 'Fail') this.#fatal = `pod ${pod.namespace}/${pod.name}: ${next.why}`;
    if (next.kind === 'Recheck') await this.#recheck(pod, inFlight, answer);
    this.#wake();
  }

  /** Whether this very pod is still there says more than an answer that was lost, or one about another of its name. */
  async #recheck(pod: PodView, inFlight: PodProgress, answer: EvictionAnswer): Promise<void> {
    const known = answer.status === null ? saidBefore(inFlight) : null;
    const wait = (problem: string) => {
      const transient = { ...answer, status: 503, message: known ?? problem };
      const next = decideEviction(transient, inFlight.attempts - 1, this.#leftMs(), Math.random());
      this.#progress.set(pod.uid, progressAfter(inFlight, next, performance.now()));
    };
    wait(answer.message);
    try {
      const now = await this.#options.api.read(pod);
      if (now === null || now.uid !== pod.uid || now.nodeName !== pod.nodeName) this.#pods.forget(pod);
      else this.#pods.update(now);
    } catch (error) {
      if (isBug(error)) this.#options.narrator.drainProblem(error);
      wait(error instanceof Error ? error.message : String(error));
    }
  }

  /** The watch may be behind; a list says what is there now. */
  async #isReallyEmpty(): Promise<boolean> {
    try {
      const pods = await this.#inTime(this.#options.api.list(), LAST_LOOK_MS);
      if (pods === null) throw new Error('whether pods are left could not be read in time');
      this.#pods.replace(pods);
      const { evict, wait, refuse } = await this.#choose(pods);
      return evict.length + wait.length + refuse.length === 0;
    } catch (error) {
      if (this.#signal.aborted) return false;
      this.#options.narrator.drainProblem(error);
      if (this.#leftMs() <= 0) this.#fatal = error instanceof Error ? error.message : String(error);
      else await this.#untilWoken(performance.now() + 1_000);
      return false;
    }
  }

  /** @returns the result, or null when there is now more time, for deleting what is left */
  #late({ problems }: Extract<DrainStep, { kind: 'Late' }>): DrainResult | null {
    if (this.#options.order.rules.onTimeout === 'GiveUp' || this.#deletedAtMs !== null) {
      return this.#end('GaveUp', problems);
    }
    this.#deletedAtMs = performance.now();
    this.#progress.clear();
    return null;
  }

  #listener(): PodListener {
    return {
      onList: (pods) => {
        this.#pods.replace(pods);
        this.#wake();
      },
      onPod: (pod) => {
        this.#pods.update(pod);
        this.#wake();
      },
      onGone: (pod) => {
        this.#pods.forget(pod);
        this.#wake();
      },
      onProblem: (error) => {
        this.#lastProblem = error.message;
        this.#options.narrator.drainProblem(error);
      },
    };
  }

  #tellProgress({ evict, wait }: Choice): void {
    if (performance.now() - this.#progressToldMs < PROGRESS_MS) return;
    this.#progressToldMs = performance.now();
    const step = nextDrainStep({ evict, wait, skip: [], refuse: [] }, this.#progress, Number.POSITIVE_INFINITY, 0);
    if (step.kind === 'Late') this.#options.narrator.drainWaits(step.problems);
  }

  /** Until something changed, a pod may be tried again, the log wants a word, or the deadline has come. */
  async #untilWoken(wakeAtMs: number | null): Promise<void> {
    const untilMs = Math.min(wakeAtMs ?? Number.POSITIVE_INFINITY, this.#deadlineMs(), performance.now() + PROGRESS_MS);
    if (this.#dirty || this.#signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, untilMs - performance.now()));
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #wake(): void {
    this.#dirty = true;
    this.#endWait();
  }

  /** null when the attempt was aborted or its deadline came first; what was called goes on alone, to its own deadline. */
  async #inTime<T>(call: Promise<T>, atLeastMs = 0): Promise<T | null> {
    const { promise, resolve } = Promise.withResolvers<null>();
    const give = () => resolve(null);
    const timer = setTimeout(give, Math.min(CALL_DEADLINE_MS, Math.max(atLeastMs, this.#leftMs())));
    this.#signal.addEventListener('abort', give, { once: true });
    if (this.#signal.aborted) give();
    try {
      return await Promise.race([call, promise]);
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener('abort', give);
    }
  }

  #deadlineMs(): number {
    if (this.#deletedAtMs === null) return this.#options.deadlineMs;
    const graceMs = (this.#options.order.rules.gracePeriodSeconds ?? 0) * 1000;
    return this.#deletedAtMs + graceMs + DELETED_GRACE_MS;
  }

  #leftMs(): number {
    return this.#deadlineMs() - performance.now();
  }

  #end(state: DrainResult['state'], problems: readonly string[]): DrainResult {
    return { state, evicted: this.#evicted, skipped: this.#skips, problems };
  }
}
