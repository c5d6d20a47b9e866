import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Clock } from '../core/ports.ts';
import type { Credentials } from './credentials.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { KubeError, networkProblem } from './kube-error.ts';
import { readLines } from './read-lines.ts';
import { refusal } from './refusal.ts';
import { parseAnswer } from './shape.ts';

/** No answer we ask for is larger: a page of 500 pods is about 5 MB. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Of a call that names none. */
export const DEFAULT_DEADLINE_MS = 10_000;
/**
 * A burst of evictions shares connections; an agent at rest holds none but its watch. Not on Deno, whose node:http sends
 * a write again by itself when a kept connection has died under it.
 */
const KEEP_ALIVE = 'Deno' in globalThis ? { keepAlive: false } : { keepAlive: true, timeout: 5_000 };

export type KubeRequest = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path of the resource, such as `/api/v1/nodes/node-1`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body; default `application/json`. */
  readonly contentType?: string;
  readonly accept?: string;
  /** What is being attempted, for messages: `read node node-1`. */
  readonly attempt: string;
  /** For the whole call, from name resolution to the last byte; default 10,000. */
  readonly deadlineMs?: number;
  /** Ends the call early, as its deadline would. */
  readonly signal?: AbortSignal;
};

export type Transport = {
  /** The time in which its deadlines, and all pauses between its calls, are kept. */
  readonly clock: Clock;
  /**
   * One call, answered with the parsed body. It settles by its deadline whatever the server or the runtime does.
   *
   * @throws KubeError for every answer but 2xx, and when no whole answer arrived in time
   */
  request(request: KubeRequest): Promise<unknown>;
  /**
   * One call, answered line by line: each is handed over, parsed. The deadline is for its beginning only. It settles when
   * the server has ended the answer in good order, and at once on the signal.
   *
   * @throws KubeError as `request` does, and when the answer was cut, silent for too long or no JSON; what `onItem` throws
   */
  follow(request: KubeRequest, onItem: (item: unknown) => void): Promise<void>;
  /**
   * The API server's wall clock now, in milliseconds since the epoch: by its latest answer, which says whole seconds, and
   * the time since then. null before any answer.
   */
  serverWallMs(): number | null;
};

export type CallObserver = (call: { method: string; path: string; status: number | null }) => void;

/**
 * Calls over node:https with client-node's credentials. client-node's own calls go through undici and its generated
 * models: three times the memory, and on Deno an aborted body can hang past its signal.
 */
export function createTransport(
  credentials: Credentials,
  userAgent: string,
  observe: CallObserver,
  clock: Clock,
): Transport {
  let latest: { serverWallMs: number; atMs: number } | null = null;
  const plainAgent = new http.Agent(KEEP_ALIVE);
  const tlsAgent = new https.Agent(KEEP_ALIVE);

  async function open(request: KubeRequest, deadline: Deadline): Promise<IncomingMessage> {
    const first = await attempt(request, deadline);
    if (first.statusCode !== 401) return first;
    // Rotated on disk since we read them? Then the new ones are good.
    first.destroy();
    deadline.check();
    credentials.reload();
    return await attempt(request, deadline);
  }

  async function attempt(request: KubeRequest, deadline: Deadline): Promise<IncomingMessage> {
    const url = new URL(credentials.server.replace(/\/+$/, '') + request.path);
    for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value);
    const options = await credentials.requestOptions();
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const headers = {
      ...options.headers,
      accept: request.accept ?? 'application/json',
      'user-agent': userAgent,
      ...(body && { 'content-type': request.contentType ?? 'application/json', 'content-length': body.length }),
    };
    const isPlain = url.protocol === 'http:';
    const send = isPlain ? http.request : https.request;
    // client-node's own agents close every connection after one request; those for a proxy have to stay.
    const viaProxy = options.agent?.constructor !== http.Agent && options.agent?.constructor !== https.Agent;
    const agent = viaProxy ? options.agent : isPlain ? plainAgent : tlsAgent;
    // Credentials take their time: a program may make them.
    deadline.check();
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const call: ClientRequest = send(url, { ...options, agent, headers, method: request.method });
      deadline.onExpiry((expired) => {
        call.destroy();
        reject(expired);
      });
      call.on('error', reject);
      call.on('response', (response) => {
        // Errors after this moment belong to whoever reads the body; without a listener they would end the process.
        response.on('error', () => {});
        resolve(response);
      });
      call.end(body);
    });
  }

  /** @param read is handed what makes the answer's Date count, once it proves to be the API server's */
  async function run<T>(
    request: KubeRequest,
    read: (response: IncomingMessage, deadline: Deadline, trustDate: () => void) => Promise<T>,
  ) {
    const deadline = startDeadline(clock, request.deadlineMs ?? DEFAULT_DEADLINE_MS, request.signal);
    let status: number | null = null;
    const call = async () => {
      const response = await open(request, deadline);
      const trustDate = dateOf(response);
      const code = response.statusCode ?? 0;
      if (code < 200 || code > 299) {
        const text = await readBody(response, deadline);
        status = code;
        const answer = { status: code, text, retryAfter: response.headers['retry-after'] };
        const error = refusal(request.attempt, answer, credentials.source);
        if (error.reason !== '') trustDate();
        throw error;
      }
      const result = await read(response, deadline, trustDate);
      status = code;
      return result;
    };
    try {
      return await Promise.race([call(), deadline.expired]);
    } catch (error) {
      throw lostAnswer(request, credentials.server, error);
    } finally {
      deadline.stop();
      observe({ method: request.method, path: request.path, status });
    }
  }

  /** A proxy's page has the proxy's clock, and ages by it would have pods deleted before their time. */
  function dateOf({ headers }: IncomingMessage): () => void {
    const dated = { serverWallMs: Date.parse(headers.date ?? ''), atMs: clock.nowMs() };
    return () => {
      if (!Number.isNaN(dated.serverWallMs) && dated.atMs >= (latest?.atMs ?? dated.atMs)) latest = dated;
    };
  }

  return {
    clock,
    request: (request) =>
      run(request, async (response, deadline, trustDate) => {
        const answer = parseAnswer(await readBody(response, deadline), request.attempt);
        trustDate();
        return answer;
      }),
    async follow(request, onItem) {
      const { signal } = request;
      try {
        const { answer, trustDate } = await run(request, async (answer, _, trustDate) => ({ answer, trustDate }));
        const onLine = (line: string) => {
          const item = parseAnswer(line, request.attempt);
          trustDate();
          onItem(item);
        };
        await readLines(answer, clock, signal, onLine, (error) => lostAnswer(request, credentials.server, error));
      } catch (error) {
        if (!signal?.aborted) throw error;
      }
    },
    serverWallMs: () => latest && latest.serverWallMs + clock.nowMs() - latest.atMs,
  };
}

/** The error of a call without a whole answer: then a write may or may not have happened. */
export function lostAnswer({ attempt }: KubeRequest, server: string, cause: unknown): KubeError {
  if (cause instanceof KubeError) return cause;
  const problem = cause instanceof Error ? networkProblem(cause) : String(cause);
  return new KubeError(`could not ${attempt}: API server ${server}: ${problem}`, { status: null, cause });
}

function readBody(response: IncomingMessage, deadline: Deadline): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (error: Error) => {
      response.destroy();
      reject(error);
    };
    deadline.onExpiry(fail);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) fail(new Error(`the answer must not exceed ${MAX_BODY_BYTES} bytes`));
      else chunks.push(chunk);
    });
    response.on('end', () => {
      if (response.complete) resolve(Buffer.concat(chunks).toString('utf8'));
      else fail(new Error('the answer was cut short'));
    });
    response.on('error', fail);
    response.on('close', () => reject(new Error('the answer was cut short')));
  });
}
