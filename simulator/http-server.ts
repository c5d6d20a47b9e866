import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { BodyAnswer } from './connection.ts';
import { type Reply, type ServerContext, serve } from './exchange.ts';

/** An HTTP server for a simulated cluster; it does not listen yet. */
export function createHttpServer(context: ServerContext): Server {
  return createServer((incoming, response) => {
    // Only a broken connection fails here, and its client knows.
    receive(context, incoming, response).catch(() => response.destroy());
  });
}

async function receive(context: ServerContext, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url: path = '/', headers } = incoming;
  const { pathname, searchParams: query } = new URL(`http://simulator${path}`);
  const request = {
    method,
    path,
    pathname,
    query,
    accept: headers.accept ?? '',
    contentType: headers['content-type'] ?? '',
    userAgent: headers['user-agent'] ?? '',
    authorization: headers.authorization,
    body: await readBody(incoming),
  };
  serve(
    context,
    request,
    replyOver(response, () => new Date(context.cluster.clock.wallMs())),
  );
}

function replyOver(response: ServerResponse, now: () => Date): Reply {
  const cut = (): void => void response.destroy();
  const begin = (code: number, headers: Readonly<Record<string, string | number>>): void =>
    void response.writeHead(code, { date: now().toUTCString(), ...headers });
  return {
    get isGone() {
      return response.destroyed;
    },
    cut,
    send(answer, damage) {
      const bytes = bytesOf(answer);
      begin(answer.code, headersOf(answer, bytes));
      if (damage === undefined) {
        response.end(bytes);
        return;
      }
      response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => {
        if (damage === 'truncate') cut();
      });
    },
    open(onGone) {
      begin(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      response.once('close', onGone);
      const sendLine = (line: string): void => {
        if (!response.writableEnded && !response.destroyed) response.write(`${line}\n`);
      };
      return { sendLine, sendItem: (item) => sendLine(JSON.stringify(item)), end: () => void response.end(), cut };
    },
  };
}

function bytesOf({ body }: BodyAnswer): Buffer {
  return Buffer.from(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`);
}

function headersOf({ body, contentType, retryAfterSeconds }: BodyAnswer, bytes: Buffer) {
  const usual = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  return {
    'content-type': contentType ?? usual,
    'content-length': bytes.length,
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
