import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Registry } from 'prom-client';

/** null: all is well; else what is not, as one line. */
export type Probe = () => string | null;

export type HttpOptions = {
  /** Empty: every address of both families, as in Go; of IPv4 alone where IPv6 is off. */
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** The loop turns; says nothing of the API server or the checks. */
  readonly healthz: Probe;
  /** A valid policy is in force and the Node was read. */
  readonly readyz: Probe;
  /** How long a request may take to arrive, and an answer to be taken, in milliseconds each; default 5,000. */
  readonly patienceMs?: number;
  /** Connections at a time; one more takes the place of the oldest. Default 32. */
  readonly maxConnections?: number;
  /** Takes what is wrong with an answer, which says so, too. */
  onProblem?(error: unknown): void;
};

/** A slow client is not waited for longer; Prometheus' own default for a scrape is 10 s, the kubelet's for a probe 1 s. */
const PATIENCE_MS = 5_000;
/** Prometheus and the kubelet take one each; each may keep a whole scrape in memory. */
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8 * 1024;

/**
 * Serves `/metrics`, `/healthz` and `/readyz`, to GET and HEAD. Metrics are Prometheus' text format 0.0.4, whatever the
 * client would rather have: `nsc_drain_pods` and `nsc_drain_pods_total` would be one name in OpenMetrics.
 *
 * @throws Error that names the address, when it cannot be listened on
 */
export async function serveHttp(options: HttpOptions): Promise<{ address: string; close(): void }> {
  const { patienceMs = PATIENCE_MS, maxConnections = MAX_CONNECTIONS } = options;
  const limits = {
    headersTimeout: patienceMs,
    requestTimeout: patienceMs,
    connectionsCheckingInterval: patienceMs / 5,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const server = createServer(limits, (request, response) => {
    const timer = setTimeout(() => request.socket.destroy(), patienceMs);
    response.once('close', () => clearTimeout(timer));
    respond(request, response, options).catch((error: unknown) => options.onProblem?.(error));
  });
  keepNewest(server, maxConnections);
  await listen(server, options);
  const { address, port, family } = server.address() as AddressInfo;
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * @param address `host:port`; an IPv6 host in brackets, an empty one is every address
 * @throws Error when it is none
 */
export function parseAddress(address: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(?:\[(?=.*\]))?([^\]]*?)\]?:(\d{1,5})$/.exec(address) ?? [];
  if (port === '' || Number(port) > 65_535) {
    throw new Error(`--metrics-address must be host:port, found ${JSON.stringify(address)}`);
  }
  return { host, port: Number(port) };
}

type Answer = { readonly status: number; readonly type?: string; readonly body: string };

async function respond(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  const {
    status,
    type = 'text/plain; charset=utf-8',
    body,
  } = await answer(request, options).catch((error: unknown): Answer => {
    options.onProblem?.(error);
    return { status: 500, body: `${error instanceof Error ? error.message : error}\n` };
  });
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    ...(status === 405 && { allow: 'GET, HEAD', connection: 'close' }),
  });
  response.end(body);
}

async function answer({ method, url = '/' }: IncomingMessage, options: HttpOptions): Promise<Answer> {
  const { registry, healthz, readyz } = options;
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'only GET and HEAD\n' };
  switch (url.split('?')[0]) {
    case '/metrics':
      return { status: 200, type: registry.contentType, body: await registry.metrics() };
    case '/healthz':
      return probeAnswer(healthz());
    case '/readyz':
      return probeAnswer(readyz());
    default:
      return { status: 404, body: 'try /metrics, /healthz or /readyz\n' };
  }
}

function probeAnswer(problem: string | null): Answer {
  return { status: problem === null ? 200 : 503, body: `${problem ?? 'ok'}\n` };
}

/** Turning the newest away would let whoever holds all of them keep the kubelet from asking how we are. */
function keepNewest(server: Server, max: number): void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const [oldest] = open;
    if (open.size > max) oldest?.destroy();
  });
}

function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Error(`cannot listen on --metrics-address ${host}:${port}: ${cause.message}`, { cause })),
    );
    // Only without a host does the runtime take what the machine has.
    server.listen({ port, ...(host !== '' && { host }) }, resolve);
  });
}
