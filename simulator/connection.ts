import type { ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';
import type { KubeObject, KubeStatus, WatchEvent } from './types.ts';
import { tooOld, type WatchSink } from './watch.ts';

/** An answer that is no watch. */
export interface BodyAnswer {
  readonly code: number;
  /** Sent as JSON, or as plain text when it is a string. */
  readonly body: unknown;
  readonly retryAfterSeconds?: number | undefined;
}

/** Sends an answer, damaged as the fault says. */
export function sendBody(response: ServerResponse, answer: BodyAnswer, fault: Fault | undefined): void {
  const { code, body, retryAfterSeconds } = answer;
  const isText = typeof body === 'string';
  const bytes = Buffer.from(isText ? body : `${JSON.stringify(body)}\n`);
  response.writeHead(code, {
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json',
    'content-length': bytes.length,
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
  if (fault?.kind !== 'stallBody' && fault?.kind !== 'truncate') {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => {
    if (fault.kind === 'truncate') response.destroy();
  });
}

/** A watch that is open now, as tests disturb it. */
export interface OpenWatch {
  /** With the query, as asked. */
  readonly path: string;
  readonly userAgent: string;
  /** Breaks the connection. */
  cut(): void;
  /** Ends it in good order, as servers do after a while. */
  end(): void;
  /** Sends a line as it is, for example no JSON. */
  sendLine(line: string): void;
  /** Sends the ERROR event of a forgotten version, then ends it. */
  expire(): void;
}

/** Opens the answer to a watch request. `stop` is called when it is over, whoever ended it. */
export function openWatchConnection(
  response: ServerResponse,
  request: { readonly path: string; readonly userAgent: string },
  fault: Fault | undefined,
  stop: () => void,
): { readonly watch: OpenWatch; readonly sink: WatchSink } {
  let sent = 0;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  response.once('close', stop);
  const sendLine = (line: string): void => {
    if (!response.writableEnded && !response.destroyed) response.write(`${line}\n`);
  };
  const cut = (): void => void response.destroy();
  const sink: WatchSink = {
    send(event: WatchEvent<KubeObject | KubeStatus>) {
      if (fault?.kind === 'watchCut' && sent >= fault.afterEvents) {
        cut();
        return;
      }
      sent += 1;
      sendLine(JSON.stringify(event));
    },
    end: () => void response.end(),
  };
  const watch: OpenWatch = {
    ...request,
    cut,
    end: sink.end,
    sendLine,
    expire() {
      sink.send({ type: 'ERROR', object: tooOld(1, 2) });
      sink.end();
    },
  };
  if (fault?.kind === 'watchLine') sendLine(fault.line);
  if (fault?.kind === 'watchCut' && fault.afterEvents === 0) cut();
  return { watch, sink };
}
