import { createServer, type IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request that passes the proxy. */
export interface PassingRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly accept: string | undefined;
}

export interface FaultProxyOptions {
  /** The API server behind the proxy. */
  readonly target: string;
  /** PEM, for https. */
  readonly ca?: string;
  /**
   * Looked at when a request has arrived whole, before it is forwarded; false: it is not forwarded and never answered;
   * a number: it is refused with this status.
   */
  readonly onRequest?: (request: PassingRequest) => boolean | number;
  /** Looked at when the API server has answered, before the answer is passed on; false: it is never passed on. */
  readonly onResponse?: (request: PassingRequest, status: number) => boolean;
}

export interface FaultProxy {
  /** Plain http. */
  readonly url: string;
  close(): Promise<void>;
}

/** Stands between an agent and a real API server, so that a test can strike at the very moment of a write. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const server = createServer((incoming, response) => forward(options, incoming, response));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function forward(options: FaultProxyOptions, incoming: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', url = '/', headers } = incoming;
  const passing = { method, url, accept: headers.accept };
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const verdict = options.onRequest?.(passing) ?? true;
    if (typeof verdict === 'number') response.writeHead(verdict).end(`refused ${method} ${url}`);
    if (verdict !== true) return;
    const send = options.target.startsWith('https:') ? tlsRequest : plainRequest;
    const { host: _, ...passedHeaders } = headers;
    const onward = send(new URL(url, options.target), { method, headers: passedHeaders, ca: options.ca }, (answer) => {
      if (options.onResponse?.(passing, answer.statusCode ?? 0) === false) return;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // A watch has nothing to say at first, but that it was accepted must be known.
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.end(Buffer.concat(chunks));
  });
}
