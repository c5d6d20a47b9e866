import { ApiError } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import { type BodyAnswer, type OpenWatch, openWatchConnection, type WatchWire } from './connection.ts';
import { discover } from './discovery.ts';
import { faultAnswer } from './fault-answer.ts';
import type { Fault, Faults } from './faults.ts';
import { type ApiRequest, answerRequest, isWatch } from './routes.ts';
import { serveWatch, type WatchRequest } from './watch.ts';

/** One request as it came in. */
export interface LoggedRequest {
  /** When, in milliseconds of the simulator's clock. */
  readonly atMs: number;
  readonly method: string;
  /** With the query, as sent. */
  readonly path: string;
  /** Who asks; of a connection in this process the name it was opened with. */
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

/** One request, by whatever way it came. */
export interface IncomingRequest extends ApiRequest {
  /** With the query, as sent. */
  readonly path: string;
  readonly userAgent: string;
  /** The header; undefined when there is none. */
  readonly authorization: string | undefined;
}

/** The way back to who asked. */
export interface Reply {
  /** Nobody waits for the answer any more. */
  readonly isGone: boolean;
  /** Sends one body; with a damage only half of it, and then nothing, or the end of the connection. */
  send(answer: BodyAnswer, damage: 'stallBody' | 'truncate' | undefined): void;
  /** Breaks the connection. */
  cut(): void;
  /** Begins the answer to a watch. `onGone` is called when it is over, whoever ended it. */
  open(onGone: () => void): WatchWire;
}

/** Serves one request from beginning to end, faults included. */
export function serve(context: ServerContext, request: IncomingRequest, reply: Reply): void {
  const { clock } = context.cluster;
  const { method, path, userAgent, body } = request;
  const logged: LoggedRequest = { atMs: clock.nowMs(), method, path, userAgent, body, status: undefined };
  log(context.requests, logged);
  const fault = context.faults.take(request, method === 'GET' && isWatch(request.query));
  if (fault?.kind === 'stall') return;
  if (fault?.kind === 'refuse') reply.cut();
  else if (fault?.kind === 'late') clock.after(fault.ms, () => void answerFor(context, request));
  else if (fault?.kind === 'delay') clock.after(fault.ms, () => answer(context, request, reply, logged, fault));
  else answer(context, request, reply, logged, fault);
}

function answer(
  context: ServerContext,
  request: IncomingRequest,
  reply: Reply,
  logged: LoggedRequest,
  fault: Fault | undefined,
): void {
  const given = instead(fault) ?? answerFor(context, request);
  if (fault?.kind === 'drop') {
    reply.cut();
    return;
  }
  if (reply.isGone) return;
  if ('watch' in given) {
    answerWatch(context, given.watch, reply, logged, fault);
    return;
  }
  logged.status = given.code;
  reply.send(given, fault?.kind === 'stallBody' || fault?.kind === 'truncate' ? fault.kind : undefined);
}

/** What a fault answers in the server's place. */
function instead(fault: Fault | undefined): BodyAnswer | undefined {
  if (fault?.kind === 'status') return faultAnswer(fault);
  return fault?.kind === 'answer' ? fault : undefined;
}

/** How many requests are remembered at least. */
const LOG_LIMIT = 10_000;

function log(requests: LoggedRequest[], request: LoggedRequest): void {
  requests.push(request);
  if (requests.length > 2 * LOG_LIMIT) requests.splice(0, LOG_LIMIT);
}

type AnyAnswer = BodyAnswer | { readonly watch: WatchRequest };

function answerFor(context: ServerContext, request: IncomingRequest): AnyAnswer {
  return safely(() => context.cluster.store.writeAs(request.userAgent, () => route(context, request)));
}

function route({ cluster, token }: ServerContext, request: IncomingRequest): AnyAnswer {
  if (token !== undefined && request.authorization !== `Bearer ${token}`) {
    throw new ApiError(401, 'Unauthorized', 'Unauthorized');
  }
  const { method, pathname } = request;
  if (['/readyz', '/livez', '/healthz'].includes(pathname)) return { code: 200, body: 'ok' };
  const discovered = method === 'GET' ? discover(pathname) : undefined;
  return discovered ? { code: 200, body: discovered } : answerRequest(cluster, request);
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

function answerWatch(
  { cluster, watches, bookmarkMs }: ServerContext,
  request: WatchRequest,
  reply: Reply,
  logged: LoggedRequest,
  fault: Fault | undefined,
): void {
  let stopServing = (): void => {};
  let isOver = false;
  const wire = reply.open(() => {
    isOver = true;
    stopServing();
    watches.delete(watch);
  });
  logged.status = 200;
  const { watch, sink } = openWatchConnection(wire, logged, fault);
  watches.add(watch);
  if (fault?.kind === 'watchLine') watch.sendLine(fault.line);
  if (fault?.kind === 'watchCut' && fault.afterEvents === 0) watch.cut();
  else if (fault?.kind === 'watchEnd') watch.end();
  else if (fault?.kind === 'watchExpired') watch.expire();
  else stopServing = serveWatch(cluster, request, sink, bookmarkMs);
  if (isOver) stopServing();
}
