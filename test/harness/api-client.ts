import * as http from 'node:http';
import * as https from 'node:https';
import type { KubeObject } from '../../simulator/types.ts';
import { openWatch, type WatchStream } from './watch-stream.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type { KubeList, KubeObject, KubeStatus, ObjectMeta } from '../../simulator/types.ts';

export interface RequestOptions {
  readonly body?: unknown;
  /** Sent as is instead of JSON made of `body`. */
  readonly rawBody?: string;
  /** application/json when absent; a PATCH is a merge patch. */
  readonly contentType?: string;
  readonly accept?: string;
  /** Instead of the client's own; null sends none. */
  readonly token?: string | null;
  /** Milliseconds until the call fails; 30 s when absent. */
  readonly deadlineMs?: number;
}

export interface ApiResponse<T> {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The parsed JSON; the bare text where it is none. */
  readonly body: T;
}

/** One API server, real or simulated, over HTTP or HTTPS. */
export interface ApiClient {
  /** Any status is an answer; only a broken connection or a missed deadline throws. */
  request<T = KubeObject>(method: Method, path: string, options?: RequestOptions): Promise<ApiResponse<T>>;
  /** The body of a 2xx answer. @throws Error with method, path and the Status otherwise. */
  requestOk<T = KubeObject>(method: Method, path: string, options?: RequestOptions): Promise<T>;
  /** A GET with watch=true; `path` carries the query. Close it. */
  watch(path: string, options?: Pick<RequestOptions, 'accept' | 'token'>): Promise<WatchStream>;
  /** Ends idle connections. */
  close(): void;
}

export interface ServerAddress {
  readonly url: string;
  /** PEM, for https. */
  readonly ca?: string;
  readonly token?: string;
}

/** A client of one API server with the given credentials. */
export function connect({ url, ca, token }: ServerAddress): ApiClient {
  const { agent, start } = transport(url, ca);
  const open = (method: Method, path: string, options: RequestOptions): http.ClientRequest => {
    const payload = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const headers = requestHeaders(method, payload, options, options.token === undefined ? token : options.token);
    const request = start(new URL(path, url), { method, headers, agent });
    request.end(payload);
    return request;
  };
  const request: ApiClient['request'] = async <T>(method: Method, path: string, options: RequestOptions = {}) => {
    const outgoing = open(method, path, options);
    const answered = async () => {
      const answer = await responseOf(outgoing);
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: parse(await textOf(answer)) as T };
    };
    return withDeadline(answered(), options.deadlineMs ?? 30_000, `${method} ${path}`, () => outgoing.destroy());
  };
  return {
    request,
    async requestOk<T>(method: Method, path: string, options?: RequestOptions) {
      const { status, body } = await request<T>(method, path, options);
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
      return body;
    },
    async watch(path, options = {}) {
      const outgoing = open('GET', withWatch(path), options);
      return openWatch(outgoing, await responseOf(outgoing));
    },
    close: () => agent.destroy(),
  };
}

/** Fails in time even when the server never does, and gives up the connection then. */
async function withDeadline<T>(answer: Promise<T>, deadlineMs: number, what: string, giveUp: () => void): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`${what}: no complete answer in ${deadlineMs} ms`));
    giveUp();
  }, deadlineMs);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => {});
  }
}

type Start = (url: URL, options: http.RequestOptions) => http.ClientRequest;

function transport(url: string, ca: string | undefined): { agent: http.Agent; start: Start } {
  if (url.startsWith('https:')) return { agent: new https.Agent({ keepAlive: true, ca }), start: https.request };
  return { agent: new http.Agent({ keepAlive: true }), start: http.request };
}

function requestHeaders(
  method: Method,
  payload: string | undefined,
  { contentType, accept }: RequestOptions,
  token: string | null | undefined,
): http.OutgoingHttpHeaders {
  const usual = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  return {
    accept: accept ?? 'application/json',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(payload === undefined
      ? {}
      : { 'content-type': contentType ?? usual, 'content-length': Buffer.byteLength(payload) }),
  };
}

function withWatch(path: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}watch=true`;
}

function responseOf(request: http.ClientRequest): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  request.once('response', resolve);
  request.on('error', reject);
  return promise;
}

async function textOf(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
