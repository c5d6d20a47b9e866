import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import { type BodyAnswer, type OpenWatch, openWatchConnection, sendBody } from './connection.ts';
import { discover } from './discovery.ts';
import { faultAnswer } from './fault-answer.ts';
import type { Fault, Faults } from './faults.ts';
import { type ApiRequest, answerRequest, isWatch } from './routes.ts';
import { serveWatch, type WatchRequest } from './watch.ts';

/** One request as it came in. */
export interface LoggedRequest {
  readonly method: string;
  /** With the query, as sent. */
  readonly path: string;
  readonly userAgent: string;
  readonly body: string;
  /** Undefined while unanswered, which a stalled or dropped one stays. */
  status: number | undefined;
}

export interface ServerContext {
  readonly cluster: Cluster;
  readonly faults: Faults;
  readonly requests: LoggedRequest[];
  readonly watches: Set<OpenWatch>;
  readonly bookmarkMs: number;
  /** Who does not send it as bearer token is 401; undefined lets everybody in. */
  readonly token: string | undefined;
}

/** Serves one HTTP request from beginning to end, faults included. */
export async function serve(
  context: ServerContext,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', url: path = '/', headers } = incoming;
  const url = new URL(`http://simulator${path}`);
  const body = await readBody(incoming);
  const logged: LoggedRequest = { method, path, userAgent: headers['user-agent'] ?? '', body, status: undefined };
  log(context.requests, logged);
  const fault = context.faults.take(method, path, method === 'GET' && isWatch(url.searchParams));

  if (fault?.kind === 'stall') return;
  if (fault?.kind === 'refuse') return void response.destroy();
  if (fault?.kind === 'delay') await pause(fault.ms);
  const request: ApiRequest = {
    method,
    url,
    accept: headers.accept ?? '',
    contentType: headers['content-type'] ?? '',
    body,
  };
  const answer = fault?.kind === 'status' ? faultAnswer(fault) : safely(() => answerFor(context, request, headers));
  if (fault?.kind === 'drop') return void response.destroy();
  if (response.destroyed) return;
  if ('watch' in answer) return serveWatchRequest(context, answer.watch, logged, response, fault);
  logged.status = answer.code;
  sendBody(response, answer, fault);
}

/** How many requests are remembered at least. */
const LOG_LIMIT = 10_000;

function log(requests: LoggedRequest[], request: LoggedRequest): void {
  requests.push(request);
  if (requests.length > 2 * LOG_LIMIT) requests.splice(0, LOG_LIMIT);
}

type AnyAnswer = BodyAnswer | { readonly watch: WatchRequest };

function answerFor(
  context: ServerContext,
  request: ApiRequest,
  { authorization }: { authorization?: string },
): AnyAnswer {
  if (context.token !== undefined && authorization !== `Bearer ${context.token}`) {
    throw new ApiError(401, 'Unauthorized', 'Unauthorized');
  }
  const { pathname } = request.url;
  if (['/readyz', '/livez', '/healthz'].includes(pathname)) return { code: 200, body: 'ok' };
  const discovered = request.method === 'GET' ? discover(pathname) : undefined;
  return discovered ? { code: 200, body: discovered } : answerRequest(context.cluster, request);
}

function safely(answer: () => AnyAnswer): AnyAnswer {
  try {
    return answer();
  } catch (error) {
    const refusal = error instanceof ApiError ? error : defect(error);
    return { code: refusal.status.code ?? 500, body: refusal.status, retryAfterSeconds: refusal.retryAfterSeconds };
  }
}

/** Shows itself to whoever asked, instead of ending the process that the simulator shares with a test. */
function defect(error: unknown): ApiError {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new ApiError(500, 'InternalError', `Internal error occurred: a defect of the simulator: ${what}`);
}

function serveWatchRequest(
  { cluster, watches, bookmarkMs }: ServerContext,
  request: WatchRequest,
  logged: LoggedRequest,
  response: ServerResponse,
  fault: Fault | undefined,
): void {
  let stopServing = (): void => {};
  const stop = (): void => {
    stopServing();
    watches.delete(watch);
  };
  logged.status = 200;
  const { watch, sink } = openWatchConnection(response, logged, fault, stop);
  watches.add(watch);
  if (fault?.kind === 'watchExpired') watch.expire();
  else stopServing = serveWatch(cluster.store, request, sink, bookmarkMs);
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
