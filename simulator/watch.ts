import type { Clock } from '../agent/core/ports.ts';
import { ApiError, expired } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import { type Presentation, presentObject } from './present.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { type Matches, selectorOf } from './selectors.ts';
import type { Change } from './store.ts';
import type { KubeObject, KubeStatus, WatchEvent } from './types.ts';

/** One watch as it was asked for. */
export interface WatchRequest {
  readonly resource: Resource;
  /** Where it begins; 0: with what is there. */
  readonly since: number;
  readonly matches: Matches;
  readonly presentation: Presentation;
  readonly wantsBookmarks: boolean;
  /** 0: until somebody ends it. */
  readonly timeoutSeconds: number;
}

/** @throws ApiError 400 for a query that cannot be read, 500 for a resourceVersion that is none. */
export function parseWatch(
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
  presentation: Presentation,
): WatchRequest {
  const selected = selectorOf(resource, query);
  return {
    resource,
    since: versionOf(query),
    matches: (object) => (namespace === undefined || object.metadata.namespace === namespace) && selected(object),
    presentation,
    wantsBookmarks: ['true', '1'].includes(query.get('allowWatchBookmarks') ?? ''),
    timeoutSeconds: Number(query.get('timeoutSeconds') ?? 0),
  };
}

/** Where a watch's lines go. */
export interface WatchSink {
  send(event: WatchEvent<KubeObject | KubeStatus>): void;
  /** The watch is over, in good order. */
  end(): void;
}

/**
 * Serves one watch: what happened since its resourceVersion, or what exists, then what happens.
 * A version that is forgotten gets one ERROR event with a 410 Status.
 * @param bookmarkMs how often a bookmark goes out to a watch that wants them.
 * @returns how to stop it.
 */
export function serveWatch(
  { store, clock }: Cluster,
  request: WatchRequest,
  sink: WatchSink,
  bookmarkMs: number,
): () => void {
  const { resource, since, matches, presentation } = request;
  const send = (event: WatchEvent | undefined): void => {
    if (event) sink.send({ ...event, object: presentObject(event.object, presentation) });
  };
  const missed =
    since === 0 ? store.list(resource).map((object) => added(object, resource)) : store.since(since, resource);
  if (missed === undefined) {
    sink.send({ type: 'ERROR', object: tooOld(since, store.version) });
    sink.end();
    return () => {};
  }
  for (const change of missed) send(eventOf(change, matches));

  const unsubscribe = store.subscribe((change) => {
    if (change.resource === resource && change.version > since) send(eventOf(change, matches));
  });
  const stopTimers = startTimers(
    clock,
    request,
    bookmarkMs,
    () => send(bookmark(resource, store.version)),
    () => {
      stop();
      sink.end();
    },
  );
  const stop = (): void => {
    unsubscribe();
    stopTimers();
  };
  return stop;
}

/** The Status in the ERROR event of a watch from a forgotten version. */
export function tooOld(asked: number, oldest: number): KubeStatus {
  return expired(`too old resource version: ${asked} (${oldest})`).status;
}

function startTimers(
  clock: Clock,
  { wantsBookmarks, timeoutSeconds }: WatchRequest,
  bookmarkMs: number,
  onBookmark: () => void,
  onTimeout: () => void,
): () => void {
  const stopTimeout = timeoutSeconds > 0 ? clock.after(timeoutSeconds * 1000, onTimeout) : () => {};
  let stopBookmarks = () => {};
  const waitForBookmark = (): void => {
    stopBookmarks = clock.after(bookmarkMs, () => {
      waitForBookmark();
      onBookmark();
    });
  };
  if (wantsBookmarks) waitForBookmark();
  return () => {
    stopBookmarks();
    stopTimeout();
  };
}

/** What a change means to a watch that sees only what matches: entering is ADDED, leaving is DELETED. */
function eventOf(change: Omit<Change, 'by'>, matches: Matches): WatchEvent | undefined {
  const { type, object, previous } = change;
  const before = previous !== undefined && matches(previous);
  if (type === 'DELETED') return before ? { type, object } : undefined;
  const after = matches(object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', object };
  if (!before) return undefined;
  // As it was when it still matched, but under the version that took it out.
  const { resourceVersion } = object.metadata;
  return { type: 'DELETED', object: { ...previous, metadata: { ...previous.metadata, resourceVersion } } };
}

function added(object: KubeObject, resource: Resource): Omit<Change, 'by'> {
  return { version: Number(object.metadata.resourceVersion), type: 'ADDED', resource, object, previous: undefined };
}

function bookmark(resource: Resource, version: number): WatchEvent {
  const metadata = { resourceVersion: String(version) } as KubeObject['metadata'];
  return { type: 'BOOKMARK', object: { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata } };
}

/** What a server says of a resourceVersion that is none. */
export function invalidVersion(text: string): string {
  return `resourceVersion: Invalid value: "${text}": invalid syntax`;
}

function versionOf(query: URLSearchParams): number {
  const text = query.get('resourceVersion') || '0';
  const version = Number(text);
  // Not the 400 of a list: the real server does so too.
  if (!Number.isInteger(version) || version < 0) throw new ApiError(500, undefined, invalidVersion(text));
  return version;
}
