import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/ports.ts';
import { hasStatus, KubeError } from './kube-error.ts';
import type { KubeRequest, Transport } from './transport.ts';

const RETRY = { baseMs: 1_000, maxMs: 30_000 };
/** As kubectl asks for: a page that neither side has trouble to hold in memory. */
const PAGE_SIZE = 500;
/** A list whose continue token has expired begins anew, so often at most. */
const MAX_LIST_ATTEMPTS = 3;
/** The server ends a watch after this long; the next goes on from the last version without a list. */
const WATCH_SECONDS = 3_600;
const META_V1 = 'g=meta.k8s.io;v=v1';

/** Which objects, and what they are called in messages. */
export type Collection = {
  /** Such as `/api/v1/nodes`. */
  readonly path: string;
  /** Default: none. */
  readonly fieldSelector?: string;
  /** Default: none. */
  readonly labelSelector?: string;
  /** Objects come without spec and status; default false. */
  readonly metadataOnly?: boolean;
  /** Such as `node node-1`: `could not watch node node-1: …`. */
  readonly what: string;
};

export type CollectionListener = {
  /** All objects as they are now, at the beginning and whenever the watch could not go on where it was. */
  onList(objects: readonly unknown[]): void;
  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void;
  /** The watch is interrupted and will be tried again. */
  onProblem(error: Error): void;
};

/**
 * Follows objects by list and watch, as Kubernetes' reflectors do, until the signal. While nothing changes it costs the
 * API server one open request.
 */
export async function listAndWatch(
  transport: Transport,
  collection: Collection,
  listener: CollectionListener,
  signal: AbortSignal,
): Promise<void> {
  let version: string | null = null;
  let attempt = 0;
  while (!signal.aborted) {
    try {
      if (version === null) {
        const list = await listAll(transport, collection, signal);
        if (signal.aborted) return;
        version = list.version;
        listener.onList(list.items);
        if (signal.aborted) return;
      }
      version = await followChanges(transport, collection, version, listener, signal, () => {
        attempt = 0;
      });
      // A server that ends every watch at once must not be asked again at once.
      await pause(transport.clock, 0, signal);
    } catch (error) {
      if (signal.aborted) return;
      // Whatever went wrong, a fresh list cannot be wrong.
      version = null;
      // 410 is how the server says that our version is too old to go on from: no problem, only a list.
      if (!hasStatus(error, 410) || attempt > 0) {
        listener.onProblem(error instanceof Error ? error : new Error(String(error)));
      }
      await pause(transport.clock, attempt++, signal);
    }
  }
}

type Page = { metadata: { resourceVersion: string; continue?: string }; items: unknown[] | null };

/**
 * Lists in pages; begins anew when a page has expired (410).
 *
 * @throws KubeError
 */
export async function listAll(
  transport: Transport,
  collection: Collection,
  signal?: AbortSignal,
): Promise<{ items: readonly unknown[]; version: string }> {
  const { path, metadataOnly, what } = collection;
  for (let attempt = 1; ; attempt++) {
    const items: unknown[] = [];
    let next: string | undefined;
    try {
      do {
        const page = (await transport.request({
          method: 'GET',
          path,
          query: { ...selectorsOf(collection), limit: String(PAGE_SIZE), ...(next && { continue: next }) },
          accept: metadataOnly ? `application/json;as=PartialObjectMetadataList;${META_V1}` : undefined,
          attempt: `read ${what}`,
          signal,
        })) as Page;
        items.push(...(page.items ?? []));
        next = page.metadata.continue;
        if (!next) return { items, version: page.metadata.resourceVersion };
      } while (next);
    } catch (error) {
      if (!hasStatus(error, 410) || attempt === MAX_LIST_ATTEMPTS) throw error;
    }
  }
}

function selectorsOf({ fieldSelector, labelSelector }: Collection): Record<string, string> {
  return { ...(fieldSelector && { fieldSelector }), ...(labelSelector && { labelSelector }) };
}

type WatchEvent = {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: { metadata: { resourceVersion: string }; code?: number; message?: string };
};

/** @returns the version to go on from once the server has ended the watch as agreed */
async function followChanges(
  transport: Transport,
  collection: Collection,
  from: string,
  listener: CollectionListener,
  signal: AbortSignal,
  onAlive: () => void,
): Promise<string> {
  const { path, metadataOnly, what } = collection;
  const attempt = `watch ${what}`;
  let version = from;
  const onItem = (item: unknown) => {
    const event = item as WatchEvent;
    if (event.type === 'ERROR') {
      const status = event.object.code ?? null;
      throw new KubeError(`could not ${attempt}: ${status} ${event.object.message ?? ''}`, { status });
    }
    onAlive();
    version = event.object.metadata.resourceVersion;
    if (event.type !== 'BOOKMARK') listener.onEvent(event.type, event.object);
  };
  const request: KubeRequest = {
    method: 'GET',
    path,
    query: {
      ...selectorsOf(collection),
      resourceVersion: from,
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(WATCH_SECONDS),
    },
    accept: metadataOnly ? `application/json;as=PartialObjectMetadata;${META_V1}` : undefined,
    attempt,
    signal,
  };
  await transport.follow(request, onItem);
  return version;
}

/** Ends early on the signal. */
function pause(clock: Clock, attempt: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(backoffMs(attempt, RETRY, clock.random()), signal);
}
