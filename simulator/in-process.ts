import type { Clock } from '../agent/core/ports.ts';
import { type CallObserver, type KubeRequest, lostAnswer, type Transport } from '../agent/kube/transport.ts';
import { Call } from './call.ts';
import { type IncomingRequest, type ServerContext, serve } from './exchange.ts';

export interface ConnectOptions {
  /** The client's; the server's when absent. Both have to run in the same time, their wall clocks may differ. */
  readonly clock?: Clock;
  /** Milliseconds that a request takes to the server, and an answer or event back; 0.5 to 2.5 when absent. */
  readonly latencyMs?: () => number;
  /** Told of every call, as of a transport over HTTP. */
  readonly observe?: CallObserver;
}

/** As messages name the server. */
const SERVER = 'http://simulator';

/**
 * A connection without a socket: requests are served by the same code as over HTTP, faults included, and answered with
 * the stored objects themselves, which nobody can change.
 *
 * @param userAgent who this is: in the request log, and as the author of what it writes
 */
export function connectTo(context: ServerContext, userAgent: string, options: ConnectOptions = {}): Transport {
  const server = context.cluster.clock;
  const { clock = server, latencyMs = () => 0.5 + 2 * server.random(), observe = () => {} } = options;
  let latest: { serverWallMs: number; atMs: number } | null = null;
  const link = {
    clock,
    latencyMs,
    observe,
    source: SERVER,
    lost: (request: KubeRequest, cause: unknown) => lostAnswer(request, SERVER, cause),
    // The Date header has whole seconds.
    serverDateMs: () => Math.floor(server.wallMs() / 1000) * 1000,
    noteDate(serverWallMs: number) {
      latest = { serverWallMs, atMs: clock.nowMs() };
    },
  };
  const authorization = context.token === undefined ? undefined : `Bearer ${context.token}`;
  const begin = (request: KubeRequest, onItem: ((item: unknown) => void) | null): Promise<unknown> => {
    const incoming = incomingRequest(request, userAgent, authorization);
    return new Call(link, request, onItem, (reply) => serve(context, incoming, reply)).outcome;
  };
  return {
    clock,
    request: (request) => begin(request, null),
    follow: async (request, onItem) => void (await begin(request, onItem)),
    serverWallMs: () => latest && latest.serverWallMs + clock.nowMs() - latest.atMs,
  };
}

function incomingRequest(request: KubeRequest, userAgent: string, authorization: string | undefined): IncomingRequest {
  const { method, path: pathname, body, accept = 'application/json', contentType = 'application/json' } = request;
  const query = new URLSearchParams(request.query);
  const asked = query.toString();
  return {
    method,
    path: asked === '' ? pathname : `${pathname}?${asked}`,
    pathname,
    query,
    accept,
    contentType,
    userAgent,
    authorization,
    body: body === undefined ? '' : JSON.stringify(body),
  };
}
