import type { Clock } from '../agent/core/ports.ts';
import { type Deadline, startDeadline } from '../agent/kube/deadline.ts';
import { watchSilence } from '../agent/kube/read-lines.ts';
import { refusal } from '../agent/kube/refusal.ts';
import { parseAnswer } from '../agent/kube/shape.ts';
import { type CallObserver, DEFAULT_DEADLINE_MS, type KubeRequest } from '../agent/kube/transport.ts';
import type { BodyAnswer, WatchWire } from './connection.ts';
import type { Reply } from './exchange.ts';

/** What all calls of one connection share. */
export interface Link {
  readonly clock: Clock;
  /** Of each way, in milliseconds. */
  readonly latencyMs: () => number;
  readonly observe: CallObserver;
  /** Of the credentials, for advice in messages. */
  readonly source: string;
  lost(request: KubeRequest, cause: unknown): Error;
  /** What the server writes into an answer as its Date. */
  serverDateMs(): number;
  noteDate(serverDateMs: number): void;
}

/** One request of a client in this process, from its asking to its end, as it would be over HTTP. */
export class Call implements Reply {
  /** As `Transport` has it. */
  readonly outcome: Promise<unknown>;
  /** Nobody waits for it any more. */
  isGone = false;
  readonly #link: Link;
  readonly #request: KubeRequest;
  readonly #onItem: ((item: unknown) => void) | null;
  readonly #serve: (reply: Reply) => void;
  readonly #deadline: Deadline;
  readonly #settle: { resolve(value: unknown): void; reject(error: unknown): void };
  #isObserved = false;
  #isSecond = false;
  /** Ends what goes on only while somebody waits. */
  #leave = (): void => {};

  /** @param onItem for a request that is answered line by line; else null */
  constructor(
    link: Link,
    request: KubeRequest,
    onItem: ((item: unknown) => void) | null,
    serve: (reply: Reply) => void,
  ) {
    this.#link = link;
    this.#request = request;
    this.#onItem = onItem;
    this.#serve = serve;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.outcome = promise;
    this.#settle = { resolve, reject };
    this.#deadline = startDeadline(link.clock, request.deadlineMs ?? DEFAULT_DEADLINE_MS, request.signal);
    this.#deadline.onExpiry((error) => this.#fail(error));
    if (!this.isGone) this.#ask();
  }

  send(answer: BodyAnswer, damage: 'stallBody' | 'truncate' | undefined): void {
    const dateMs = this.#link.serverDateMs();
    this.#later(() => {
      if (damage === undefined) this.#receive(answer, () => this.#link.noteDate(dateMs));
      else if (damage === 'truncate') this.#fail(connectionCut());
    });
  }

  cut(): void {
    this.#later(() => this.#fail(connectionCut()));
  }

  open(onGone: () => void): WatchWire {
    const dateMs = this.#link.serverDateMs();
    const arrive = inOrder(this.#link);
    let isClosed = false;
    const close = (): void => {
      isClosed = true;
      onGone();
    };
    const send = (receive: () => void): void => {
      if (!isClosed) arrive(() => this.isGone || receive());
    };
    this.#leave = close;
    let heard = (): void => {};
    send(() => {
      this.#link.noteDate(dateMs);
      heard = this.#beginToFollow(close);
    });
    const hand = (read: () => unknown) => () => {
      heard();
      this.#try(() => this.#onItem?.(read()));
    };
    return {
      sendItem: (item) => send(hand(() => item)),
      sendLine: (line) => send(hand(() => parseAnswer(line, this.#request.attempt))),
      end: () => {
        send(() => this.#end(200, () => this.#settle.resolve(undefined)));
        close();
      },
      cut: () => {
        send(() => this.#fail(connectionCut()));
        close();
      },
    };
  }

  #ask(): void {
    // It arrives, whether the client still waits or not: what was sent cannot be called back.
    this.#link.clock.after(this.#link.latencyMs(), () => this.#serve(this));
  }

  #later(receive: () => void): void {
    this.#link.clock.after(this.#link.latencyMs(), () => this.isGone || receive());
  }

  /** @param trustDate of an answer that is the API server's */
  #receive(answer: BodyAnswer, trustDate: () => void): void {
    const { code } = answer;
    if (code === 401 && !this.#isSecond) {
      // As the transport over HTTP, which reads its credentials again.
      this.#isSecond = true;
      this.#ask();
      return;
    }
    if (code < 200 || code > 299) {
      const error = refusal(this.#request.attempt, refusingAnswer(answer), this.#link.source);
      if (error.reason !== '') trustDate();
      this.#end(code, () => this.#settle.reject(error));
      return;
    }
    this.#try(() => {
      const { body: sent } = answer;
      const body = typeof sent === 'string' ? parseAnswer(sent, this.#request.attempt) : sent;
      trustDate();
      this.#onItem?.(body);
      this.#end(code, () => this.#settle.resolve(body));
    });
  }

  /** The answer to a watch has begun. @returns what to call whenever something is heard */
  #beginToFollow(close: () => void): () => void {
    const { clock } = this.#link;
    const { signal } = this.#request;
    this.#observe(200);
    this.#deadline.stop();
    const silence = watchSilence(clock, (error) => this.#fail(error));
    const onAbort = (): void => this.#fail(null);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#leave = () => {
      silence.stop();
      signal?.removeEventListener('abort', onAbort);
      close();
    };
    return silence.heard;
  }

  /** What is thrown in it ends the call as it is. */
  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#end(null, () => this.#settle.reject(error));
    }
  }

  #fail(cause: unknown): void {
    if (this.#onItem && this.#request.signal?.aborted) this.#end(null, () => this.#settle.resolve(undefined));
    else this.#end(null, () => this.#settle.reject(this.#link.lost(this.#request, cause)));
  }

  #end(status: number | null, settle: () => void): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#deadline.stop();
    this.#leave();
    this.#observe(status);
    settle();
  }

  #observe(status: number | null): void {
    if (this.#isObserved) return;
    this.#isObserved = true;
    const { method, path } = this.#request;
    this.#link.observe({ method, path, status });
  }
}

function refusingAnswer({ code, body, retryAfterSeconds }: BodyAnswer) {
  return {
    status: code,
    text: typeof body === 'string' ? body : JSON.stringify(body),
    retryAfter: retryAfterSeconds === undefined ? undefined : String(retryAfterSeconds),
  };
}

/** As node:http says it. */
function connectionCut(): Error {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/** A way on which each thing takes its time, but none overtakes another. */
function inOrder({ clock, latencyMs }: Link): (arrive: () => void) => void {
  const onTheWay: (() => void)[] = [];
  return (arrive) => {
    onTheWay.push(arrive);
    // Whosever time it is, the one that was sent first arrives.
    clock.after(latencyMs(), () => onTheWay.shift()?.());
  };
}
