import { backoffMs } from '../core/backoff.ts';
import { isOlderVersion } from '../core/resource-version.ts';
import { hasStatus, isInterruption, KubeError } from './kube-error.ts';
import { SILENCE_MS } from './read-lines.ts';
import { oddAnswer, requireEvent, requireObject, requirePage } from './shape.ts';
import { DEFAULT_DEADLINE_MS, type KubeRequest, type Transport } from './transport.ts';

const RETRY = { baseMs: 1_000, maxMs: 30_000 };
/** What was heard of and lived so long was no vain attempt: the next is made as after the first one. */
const LIVED_MS = 5_000;
/**
 * So often in a row a watch that brings nothing is begun again where it was. A server that is away for longer may come back
 * with its store restored from a backup, in which our version is in the future.
 */
const MAX_RESUMES = 3;
/** As kubectl asks for: a page that neither side has trouble to hold in memory. */
const PAGE_SIZE = 500;
/** A list whose continue token has expired begins anew, so often at most. */
const MAX_LIST_ATTEMPTS = 3;
/** Kubernetes has no cluster with so many objects of a kind that we ask for; whoever has more pages ends no list. */
const MAX_PAGES = 200;
/** Of a whole list, whatever its pages take. */
const LIST_DEADLINE_MS = 60_000;
/** The server ends a watch after this long; the next goes on from the last version without a list. */
const WATCH_SECONDS = 3_600;
const META_V1 = 'g=meta.k8s.io;v=v1';

/** Which objects, and what they are called in messages. */
export type Collection = {
  /** Such as `/api/v1/nodes`. */
  readonly path: string;
  /** Of the objects, such as `Node`: an answer must be a list of them. Default: a list of any kind. */
  readonly kind?: string;
  /** Default: none. */
  readonly fieldSelector?: string;
  /** Default: none. */
  readonly labelSelector?: string;
  /** Objects come without spec and status; default false. */
  readonly metadataOnly?: boolean;
  /** Such as `node node-1`: `could not watch node node-1: …`. */
  readonly what: string;
  /** Longest pause before the next try, in milliseconds; default 30,000. */
  readonly maxRetryMs?: number;
};

/** Is told of objects whose metadata have a name, a UID and a version; the rest of them was not looked at. */
export type CollectionListener = {
  /** All objects as they are now, at the beginning and whenever the watch could not go on where it was. */
  onList(objects: readonly object[]): void;
  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: object): void;
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
  const { clock } = transport;
  const retry = { ...RETRY, maxMs: collection.maxRetryMs ?? RETRY.maxMs };
  let version: string | null = null;
  let attempt = 0;
  /** In a row: watches that were interrupted before they brought anything. */
  let vain = 0;
  let wasHeard = false;
  let heardAtMs = clock.nowMs();
  /** The latest try failed, and nothing was heard since. */
  let isTroubled = false;
  const onHeard = (next: string) => {
    version = next;
    wasHeard = true;
    heardAtMs = clock.nowMs();
    isTroubled = false;
  };
  const isSilent = () => clock.nowMs() - heardAtMs >= SILENCE_MS;
  while (!signal.aborted) {
    const beganAtMs = clock.nowMs();
    wasHeard = false;
    try {
      if (version === null) {
        const list = await listAll(transport, collection, { signal });
        if (signal.aborted) return;
        version = list.version;
        heardAtMs = clock.nowMs();
        listener.onList(list.items);
        if (signal.aborted) return;
      }
      await followChanges(transport, collection, version, listener, signal, onHeard);
      isTroubled = false;
      // Whoever ends watches that bring nothing, not even a bookmark, may be no API server.
      if (isSilent()) version = null;
    } catch (error) {
      if (signal.aborted) return;
      vain = wasHeard ? 0 : vain + 1;
      // Whatever else went wrong, a fresh list cannot be wrong.
      if (!isInterruption(error) || vain > MAX_RESUMES || isSilent()) version = null;
      // 410 is how the server says that our version is too old to go on from: no problem, only a list.
      if (!hasStatus(error, 410) || isTroubled) {
        listener.onProblem(error instanceof Error ? error : new Error(String(error)));
      }
      isTroubled = true;
    }
    // One that ends at once must not be made again at once, however it ended and whatever it brought.
    const livedMs = clock.nowMs() - beganAtMs;
    if (livedMs >= RETRY.maxMs || (livedMs >= LIVED_MS && wasHeard)) attempt = 0;
    await clock.sleep(backoffMs(attempt++, retry, clock.random()), signal);
  }
}

/**
 * Lists in pages; begins anew when a page has expired (410).
 *
 * @param options.deadlineMs for the whole list; default 60,000
 * @throws KubeError also where the list has no end: after MAX_PAGES pages, or when a page leads to itself
 */
export async function listAll(
  transport: Transport,
  collection: Collection,
  { deadlineMs = LIST_DEADLINE_MS, signal }: { readonly deadlineMs?: number; readonly signal?: AbortSignal } = {},
): Promise<List> {
  const untilMs = transport.clock.nowMs() + deadlineMs;
  for (let round = 1; ; round++) {
    try {
      return await listOnce(transport, collection, untilMs, signal);
    } catch (error) {
      if (!hasStatus(error, 410) || round === MAX_LIST_ATTEMPTS) throw error;
    }
  }
}

type List = { readonly items: readonly object[]; readonly version: string };

async function listOnce(
  transport: Transport,
  collection: Collection,
  untilMs: number,
  signal: AbortSignal | undefined,
): Promise<List> {
  const { path, kind = '', metadataOnly, what } = collection;
  const attempt = `read ${what}`;
  const items: object[] = [];
  let next: string | undefined;
  for (let pages = 1; pages <= MAX_PAGES; pages++) {
    const leftMs = Math.max(1, untilMs - transport.clock.nowMs());
    const answer = await transport.request({
      method: 'GET',
      path,
      query: { ...selectorsOf(collection), limit: String(PAGE_SIZE), ...(next && { continue: next }) },
      accept: metadataOnly ? `application/json;as=PartialObjectMetadataList;${META_V1}` : undefined,
      attempt,
      deadlineMs: Math.min(DEFAULT_DEADLINE_MS, leftMs),
      signal,
    });
    const page = requirePage(answer, metadataOnly ? 'PartialObjectMetadataList' : `${kind}List`, attempt);
    for (const item of page.items) items.push(requireObject(item, kind || 'object', attempt));
    const { continue: token, resourceVersion: version } = page.metadata;
    if (!token) return { items, version };
    if (token === next) throw oddAnswer(attempt, 'another page each time', { continue: token });
    next = token;
  }
  throw oddAnswer(attempt, `the end of a list within ${MAX_PAGES} pages`, { continue: next });
}

function selectorsOf({ fieldSelector, labelSelector }: Collection): Record<string, string> {
  return { ...(fieldSelector && { fieldSelector }), ...(labelSelector && { labelSelector }) };
}

/**
 * Settles once the server has ended the watch as agreed.
 *
 * @param onHeard called after each change and bookmark with the version to go on from
 */
async function followChanges(
  transport: Transport,
  collection: Collection,
  from: string,
  listener: CollectionListener,
  signal: AbortSignal,
  onHeard: (version: string) => void,
): Promise<void> {
  const { path, kind = 'object', metadataOnly, what } = collection;
  const attempt = `watch ${what}`;
  let version = from;
  const onItem = (item: unknown) => {
    const { type, object } = requireEvent(item, attempt);
    if (type === 'ERROR') throw watchError(attempt, object);
    if (type === 'BOOKMARK') {
      version = notBefore(version, versionOf(object, attempt), attempt);
    } else {
      const changed = requireObject(object, kind, attempt);
      listener.onEvent(type, changed);
      version = laterOf(version, changed.metadata.resourceVersion);
    }
    onHeard(version);
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
}

/** @throws KubeError when there is none */
function versionOf(object: object, attempt: string): string {
  const version = (object as { metadata?: { resourceVersion?: unknown } | null }).metadata?.resourceVersion;
  if (typeof version === 'string' && version !== '') return version;
  throw oddAnswer(attempt, 'events with metadata.resourceVersion', object);
}

/**
 * A bookmark says how far the server is. One that is behind us may have gone back, and then is silent until it has caught up.
 *
 * @throws KubeError when it is
 */
function notBefore(known: string, next: string, attempt: string): string {
  if (!isOlderVersion(next, known, false)) return next;
  throw oddAnswer(attempt, `bookmarks of version ${known} or later`, next);
}

/** An older event that is delivered again must not make the next watch begin before what was seen already. */
function laterOf(known: string, next: string): string {
  return isOlderVersion(next, known, false) ? known : next;
}

/** Of an event no status but that of a version too old says what to do: the rest is for people. */
function watchError(attempt: string, { code, message }: { code?: unknown; message?: unknown }): KubeError {
  const text = `could not ${attempt}: ${typeof code === 'number' ? code : null} ${typeof message === 'string' ? message : ''}`;
  return new KubeError(text, { status: code === 410 ? code : null });
}
