import { isBug } from '../core/bug.ts';
import type { DrainCall } from '../core/orders/drain-calls.ts';
import { daemonSetAnswered, looked, podAnswered, podRead, podReadFailed } from '../core/orders/drain-events.ts';
import { type DrainState, isCallWanted } from '../core/orders/drain-state.ts';
import type { EvictionAnswer } from '../core/orders/eviction-answer.ts';
import type { DaemonSetLookup } from '../core/orders/eviction-choice.ts';
import type { CallBounds, Clock, DrainApi, DrainNarrator } from '../core/ports.ts';
import type { DrainTally } from './drain-tally.ts';

/** What a call has to settle by itself after its deadline, before nobody waits for it any more. */
const SETTLE_MS = 250;

type SendingAway = Extract<DrainCall, { kind: 'Evict' | 'Delete' }>;
type Asking = Exclude<DrainCall, SendingAway>;

/** What an answer makes of the state that it finds. */
type Change = (state: DrainState) => DrainState;

export type DrainSenderOptions = {
  readonly api: DrainApi;
  readonly clock: Clock;
  readonly narrator: DrainNarrator;
  onAnswer(change: Change): void;
};

/** Makes the calls of a drain. Each ends by its deadline, and at once when nobody wants it any more, whatever the API does. */
export class DrainSender {
  readonly #options: DrainSenderOptions;
  /** The evictions and deletions under way, by UID of the pod. */
  readonly #sentAway = new Map<string, AbortController>();

  constructor(options: DrainSenderOptions) {
    this.#options = options;
  }

  /** Gives up evictions and deletions that no attempt wants any more. They may have happened. */
  giveUpUnwanted(state: DrainState): void {
    for (const [uid, abort] of this.#sentAway) if (!isCallWanted(state, uid)) abort.abort();
  }

  /** @param signal when nobody follows the pods any more: then there is no answer, for it would be none to the next drain */
  async ask(call: Asking, signal: AbortSignal): Promise<void> {
    const { api, clock, narrator, onAnswer } = this.#options;
    const found = async <T>(send: (bounds: CallBounds) => Promise<T>) => {
      const result = await this.#inTime(send, { deadlineMs: call.deadlineMs, signal }).then(
        (value) => ({ value }),
        (error: unknown) => ({ error: asError(error) }),
      );
      if ('error' in result && isBug(result.error)) narrator.drainProblem(result.error);
      return result;
    };
    const answer = (change: Change) => {
      if (!signal.aborted) onAnswer(change);
    };
    switch (call.kind) {
      case 'Read': {
        const { pod } = call;
        const result = await found((bounds) => api.read(pod, bounds));
        return answer((state) =>
          'error' in result ? podReadFailed(state, pod, result.error.message) : podRead(state, pod, result.value),
        );
      }
      case 'FindDaemonSet': {
        const { key, namespace, name } = call;
        const result = await found((bounds) => api.findDaemonSet(namespace, name, bounds));
        const lookup = 'error' in result ? unread(call, result.error) : result.value;
        if (lookup.kind === 'Unknown' && !signal.aborted) narrator.drainProblem(new Error(lookup.problem));
        return answer((state) => daemonSetAnswered(state, key, lookup, clock.nowMs(), clock.random()));
      }
      case 'List': {
        const result = await found((bounds) => api.list(bounds));
        const pods = 'error' in result ? result.error : result.value;
        if (pods instanceof Error && !isBug(pods) && !signal.aborted) narrator.drainProblem(pods);
        return answer((state) => looked(state, pods, clock.nowMs(), clock.random()));
      }
      default:
        return call satisfies never;
    }
  }

  /** A deletion takes the place of an eviction of its pod that hangs. */
  async sendAway({ kind, pod, gracePeriodSeconds, deadlineMs }: SendingAway, tally: DrainTally | null): Promise<void> {
    const { api, clock, narrator, onAnswer } = this.#options;
    const abort = new AbortController();
    this.#sentAway.get(pod.uid)?.abort();
    this.#sentAway.set(pod.uid, abort);
    const send = kind === 'Delete' ? api.delete : api.evict;
    const bounds = { deadlineMs, signal: abort.signal };
    const answer = await this.#inTime(() => send(pod, gracePeriodSeconds, bounds), bounds).then(
      (): EvictionAnswer => ({ status: 201, message: '', causes: [], retryAfterMs: null, isNotFound: false }),
      (error) => {
        if (isBug(error)) narrator.drainProblem(error);
        return error instanceof Unsettled ? error.answer : api.answerOf(error, pod);
      },
    );
    if (this.#sentAway.get(pod.uid) === abort) this.#sentAway.delete(pod.uid);
    onAnswer((state) => podAnswered(state, pod, kind, answer, clock.nowMs(), clock.random()));
    tally?.answered(pod, kind === 'Delete' ? 'Deleted' : 'Evicted', answer.status);
    if (kind === 'Evict' && answer.status !== null && answer.status < 300) narrator.drainEvicts(pod);
  }

  /** Rejects when the call has not settled by itself by its deadline, or is wanted no more; it may go on, for nobody. */
  async #inTime<T>(call: (bounds: CallBounds) => Promise<T>, bounds: CallBounds): Promise<T> {
    const { deadlineMs, signal } = bounds;
    const { promise, reject } = Promise.withResolvers<never>();
    const late = `no answer within ${Math.ceil(deadlineMs) / 1000} s`;
    const cancel = this.#options.clock.after(deadlineMs + SETTLE_MS, () => reject(new Unsettled(late)));
    const onAbort = () => reject(new Unsettled('its answer was not waited for'));
    signal.addEventListener('abort', onAbort);
    try {
      return await Promise.race([call(bounds), promise]);
    } finally {
      cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** A call that was not waited for any longer: it may have happened. */
class Unsettled extends Error {
  readonly answer: EvictionAnswer;

  constructor(message: string) {
    super(message);
    this.answer = { status: null, message, causes: [], retryAfterMs: null, isNotFound: false };
  }
}

function unread({ namespace, name }: { namespace: string; name: string }, error: Error): DaemonSetLookup {
  return { kind: 'Unknown', problem: `could not read DaemonSet ${namespace}/${name}: ${error.message}` };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
