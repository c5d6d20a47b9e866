import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** null: all is well; else what is not, as one line. */
export type Probe = () => string | null;

export type HttpOptions = {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** The loop turns; says nothing of the API server or the checks. */
  readonly healthz: Probe;
  /** A valid policy is in force and the Node was read. */
  readonly readyz: Probe;
};

/** A slow reader is not waited for longer. */
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Serves `/metrics`, `/healthz` and `/readyz`.
 *
 * @throws Error that names the address, when it cannot be listened on
 */
export async function serveHttp(options: HttpOptions): Promise<{ address: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const { status, type, body } = await answer(request.url ?? '/', options);
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
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

type Answer = { readonly status: number; readonly type: string; readonly body: string };

async function answer(url: string, { registry, healthz, readyz }: HttpOptions): Promise<Answer> {
  switch (url.split('?')[0]) {
    case '/metrics':
      return { status: 200, type: registry.contentType, body: await registry.metrics() };
    case '/healthz':
      return probeAnswer(healthz());
    case '/readyz':
      return probeAnswer(readyz());
    default:
      return { status: 404, type: 'text/plain; charset=utf-8', body: 'try /metrics, /healthz or /readyz\n' };
  }
}

function probeAnswer(problem: string | null): Answer {
  return { status: problem === null ? 200 : 503, type: 'text/plain; charset=utf-8', body: `${problem ?? 'ok'}\n` };
}

function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Error(`cannot listen on --metrics-address ${host}:${port}: ${cause.message}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
}
