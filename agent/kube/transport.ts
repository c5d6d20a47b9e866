import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Credentials } from './credentials.ts';
import { adviceFor, KubeError, networkProblem, type StatusSubject } from './kube-error.ts';

/** No answer we ask for is larger: a page of 500 pods is about 5 MB. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const DEFAULT_DEADLINE_MS = 10_000;
/** Of what a server says in a refusal; holds a PodDisruptionBudget's name of any legal length. */
const MAX_MESSAGE_CHARACTERS = 600;
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
  /**
   * One call, answered with the parsed body. It settles by its deadline whatever the server or the runtime does.
   *
   * @throws KubeError for every answer but 2xx, and when no whole answer arrived in time
   */
  request(request: KubeRequest): Promise<unknown>;
  /**
   * Opens a stream of lines; the deadline is for its beginning only.
   *
   * @throws KubeError as `request` does
   */
  stream(request: KubeRequest): Promise<IncomingMessage>;
};

export type CallObserver = (call: { method: string; path: string; status: number | null }) => void;

/**
 * Calls over node:https with client-node's credentials. client-node's own calls go through undici and its generated
 * models: three times the memory, and on Deno an aborted body can hang past its signal.
 */
export function createTransport(credentials: Credentials, userAgent: string, observe: CallObserver): Transport {
  const plainAgent = new http.Agent(KEEP_ALIVE);
  const tlsAgent = new https.Agent(KEEP_ALIVE);

  async function open(request: KubeRequest, deadline: Deadline): Promise<IncomingMessage> {
    const first = await attempt(request, deadline);
    if (first.statusCode !== 401) return first;
    // Rotated on disk since we read them? Then the new ones are good.
    first.destroy();
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

  async function run<T>(request: KubeRequest, read: (response: IncomingMessage, deadline: Deadline) => Promise<T>) {
    const deadline = startDeadline(request.deadlineMs ?? DEFAULT_DEADLINE_MS, request.signal);
    let status: number | null = null;
    const call = async () => {
      const response = await open(request, deadline);
      const code = response.statusCode ?? 0;
      if (code < 200 || code > 299) {
        const text = await readBody(response, deadline);
        status = code;
        throw refusal(request, code, text, response, credentials.source);
      }
      const result = await read(response, deadline);
      status = code;
      return result;
    };
    try {
      return await Promise.race([call(), deadline.expired]);
    } catch (error) {
      if (error instanceof KubeError) throw error;
      const problem = error instanceof Error ? networkProblem(error) : String(error);
      throw new KubeError(`could not ${request.attempt}: API server ${credentials.server}: ${problem}`, {
        status: null,
        cause: error,
      });
    } finally {
      deadline.stop();
      observe({ method: request.method, path: request.path, status });
    }
  }

  return {
    request: (request) => run(request, async (response, deadline) => JSON.parse(await readBody(response, deadline))),
    stream: (request) => run(request, async (response) => response),
  };
}

type Deadline = {
  /** Rejects when time is up. */
  readonly expired: Promise<never>;
  /** Ends what would otherwise go on without anybody waiting for it. */
  onExpiry(abandon: (error: Error) => void): void;
  stop(): void;
};

/** A timer of our own, because neither runtime keeps its promise to abort in every state of a connection. */
function startDeadline(ms: number, signal: AbortSignal | undefined): Deadline {
  const abandoned: ((error: Error) => void)[] = [];
  const { promise: expired, reject } = Promise.withResolvers<never>();
  expired.catch(() => {});
  let over: Error | null = null;
  const expire = (reason: string) => {
    const error = new Error(reason);
    over = error;
    reject(error);
    for (const abandon of abandoned) abandon(error);
  };
  const timer = setTimeout(() => expire(`no whole answer within ${Math.ceil(ms) / 1000} s`), ms);
  const onAbort = () => expire('not needed any more');
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  return {
    expired,
    onExpiry(abandon) {
      if (over === null) abandoned.push(abandon);
      else abandon(over);
    },
    stop() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
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

function refusal(
  request: KubeRequest,
  status: number,
  text: string,
  response: IncomingMessage,
  source: string,
): KubeError {
  const { message, reason, causes, subject } = readStatus(text);
  const retryAfter = Number(response.headers['retry-after']);
  const answer = `${status} ${message}${adviceFor(status, source)}`;
  return new KubeError(`could not ${request.attempt}: ${answer}`, {
    status,
    answer,
    reason,
    causes,
    subject,
    retryAfterMs: Number.isFinite(retryAfter) && response.headers['retry-after'] ? retryAfter * 1000 : null,
  });
}

type StatusBody = {
  message?: unknown;
  reason?: unknown;
  details?: { kind?: unknown; name?: unknown; causes?: { reason?: unknown; message?: unknown }[] };
};

type StatusReading = { message: string; reason: string; causes: string[]; subject: StatusSubject | null };

/** What a metav1.Status says; of anything else (a proxy's page, priority-and-fairness' text) its first line. */
function readStatus(text: string): StatusReading {
  try {
    const { message, reason, details } = JSON.parse(text) as StatusBody;
    if (typeof message === 'string') {
      const causes = details?.causes ?? [];
      // Which PodDisruptionBudget it is stands in the cause alone.
      const budgets = causes.filter((cause) => cause.reason === 'DisruptionBudget');
      return {
        message: oneLine([message, ...budgets.map((cause) => cause.message ?? '')].join(' ')),
        reason: typeof reason === 'string' ? reason : '',
        causes: causes.map((cause) => String(cause.reason ?? '')),
        subject: details?.kind && details.name ? { kind: String(details.kind), name: String(details.name) } : null,
      };
    }
  } catch {
    // Not a Status: fall through to the text.
  }
  return { message: oneLine(text) || '(empty answer)', reason: '', causes: [], subject: null };
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ').slice(0, MAX_MESSAGE_CHARACTERS);
}
