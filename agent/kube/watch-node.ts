import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import type { NodeView } from '../core/node.ts';
import { KubeError, networkProblem } from './kube-error.ts';
import { toNodeView } from './node-api.ts';
import type { Transport } from './transport.ts';

const RETRY = { baseMs: 1_000, maxMs: 30_000 };
/** The server ends a watch after this long; the next goes on from the last version without a list. */
const WATCH_SECONDS = 3_600;
/** Bookmarks come about once a minute, so a watch silent for longer hangs on a dead connection. */
const SILENCE_MS = 150_000;
/** etcd takes no object near this size, so a longer line is no watch event. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;

export type NodeListener = {
  /** The Node as it is now; null when there is none of that name. Called on every change, not only ours. */
  onNode(node: NodeView | null): void;
  /** The watch is interrupted and will be tried again. */
  onProblem(error: Error): void;
};

/**
 * Follows one Node by list and watch, as Kubernetes' reflectors do, until the signal. While nothing changes it costs
 * the API server one open request.
 */
export async function watchNode(
  transport: Transport,
  nodeName: string,
  listener: NodeListener,
  signal: AbortSignal,
): Promise<void> {
  const query = { fieldSelector: `metadata.name=${nodeName}` };
  let version: string | null = null;
  let attempt = 0;
  while (!signal.aborted) {
    try {
      if (version === null) {
        const list = await listNode(transport, nodeName, query);
        if (signal.aborted) return;
        version = list.version;
        listener.onNode(list.node);
      }
      version = await followChanges(
        transport,
        nodeName,
        { ...query, resourceVersion: version },
        listener,
        signal,
        () => {
          attempt = 0;
        },
      );
    } catch (error) {
      if (signal.aborted) return;
      // Whatever went wrong, a fresh list cannot be wrong.
      version = null;
      const problem = error instanceof Error ? error : new Error(String(error));
      // 410 is how the server says that our version is too old to go on from: no problem, only a list.
      if (!(error instanceof KubeError && error.status === 410 && attempt === 0)) listener.onProblem(problem);
      await pause(attempt++, signal);
    }
  }
}

async function listNode(transport: Transport, nodeName: string, query: Record<string, string>) {
  const attempt = `read node ${nodeName}`;
  const list = (await transport.request({ method: 'GET', path: '/api/v1/nodes', query, attempt })) as {
    metadata: { resourceVersion: string };
    items: unknown[] | null;
  };
  const first = list.items?.[0];
  return { version: list.metadata.resourceVersion, node: first === undefined ? null : toNodeView(first) };
}

type WatchEvent = { type: string; object: { metadata: { resourceVersion: string }; code?: number; message?: string } };

/** @returns the version to go on from once the server has ended the watch as agreed */
async function followChanges(
  transport: Transport,
  nodeName: string,
  query: { fieldSelector: string; resourceVersion: string },
  listener: NodeListener,
  signal: AbortSignal,
  onAlive: () => void,
): Promise<string> {
  const attempt = `watch node ${nodeName}`;
  const stream = await transport.stream({
    method: 'GET',
    path: '/api/v1/nodes',
    query: { ...query, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(WATCH_SECONDS) },
    attempt,
  });
  let version = query.resourceVersion;
  const onLine = (line: string) => {
    const event = JSON.parse(line) as WatchEvent;
    if (event.type === 'ERROR') {
      const status = event.object.code ?? null;
      throw new KubeError(`could not ${attempt}: ${status} ${event.object.message ?? ''}`, { status });
    }
    onAlive();
    version = event.object.metadata.resourceVersion;
    if (event.type === 'DELETED') listener.onNode(null);
    else if (event.type !== 'BOOKMARK') listener.onNode(toNodeView(event.object));
  };
  try {
    await readLines(stream, signal, onLine);
  } catch (error) {
    if (error instanceof KubeError || !(error instanceof Error)) throw error;
    throw new KubeError(`could not ${attempt}: ${networkProblem(error)}`, { status: null, cause: error });
  }
  return version;
}

/** Hands over each line until the stream ends; settles at once on the signal, on silence and when `onLine` throws. */
function readLines(stream: IncomingMessage, signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let ended = false;
  const end = (error?: Error) => {
    ended = true;
    clearTimeout(silence);
    signal.removeEventListener('abort', onAbort);
    stream.destroy();
    if (error) reject(error);
    else resolve();
  };
  const onAbort = () => end();
  const onSilence = () => end(new Error(`the watch was silent for ${SILENCE_MS / 1000} s`));
  let silence = setTimeout(onSilence, SILENCE_MS);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    if (ended) return;
    clearTimeout(silence);
    silence = setTimeout(onSilence, SILENCE_MS);
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    try {
      if (rest.length > MAX_LINE_CHARACTERS) throw new Error('a watch event must be shorter than 16 MiB');
      for (const line of lines) if (!ended) onLine(line);
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)));
    }
  });
  stream.on('error', end);
  stream.on('close', () => {
    if (!ended) end(stream.complete ? undefined : new Error('the watch was cut'));
  });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) end();
  return promise;
}

/** Ends early, and without an error, on the signal. */
async function pause(attempt: number, signal: AbortSignal): Promise<void> {
  await sleep(backoffMs(attempt, RETRY, Math.random()), undefined, { signal }).catch(() => {});
}
