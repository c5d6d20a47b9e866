import { type FSWatcher, watch } from 'node:fs';
import { isBug } from '../core/bug.ts';
import type { PolicyError, PolicyLoad } from '../core/policy.ts';
import { loadPolicyRead } from './load-policies.ts';
import { type DirectoryRead, directoryId, readPolicyDirectory, unreadable } from './read-directory.ts';
import { AT_REST_MS, type Rest, restAfter } from './rest.ts';
import { revisionOf } from './revision.ts';

/** What the file system did not tell us about is found within this time. */
const POLL_MS = 2_000;
/** A swap or an editor's save is several events; one read after the last of them is enough. */
const QUIET_MS = 30;
/** Events without end, such as a log written into the directory, put a read off by no more than this. */
const MAX_POSTPONED_MS = 120;
/** A directory that says now this, now that for so long is reported. */
const RESTLESS_MS = 30_000;
/** A file system that has not answered by then is reported; a dead network file system never does. */
const READ_DEADLINE_MS = 5_000;

/**
 * Hands over what the directory says, and then each time that has changed: on the file system's word, and by polling
 * besides, since watches are lost and are not to be had everywhere. What a swapped link has published is handed over at
 * once, all else when it is at rest (rest.ts), the first as well. If `onLoad` throws, it is called once more with that
 * as an error: a policy that cannot be brought into force is seen, and the next one gets its turn.
 *
 * @param onProblem takes what is wrong with this program: the directory is looked at again all the same
 * @param restlessMs after how long without rest that is handed over as an error; by default 30 s
 */
export function watchPolicyDirectory(
  directory: string,
  onLoad: (load: PolicyLoad) => void,
  onProblem: (error: unknown) => void,
  { restlessMs = RESTLESS_MS } = {},
): { stop(): void } {
  let stopped = false;
  let reading = false;
  let handedOver: string | null = null;
  let rest: Rest | null = null;
  /** The first event that no read has answered yet, on performance.now(). */
  let toldAt: number | null = null;
  let quiet: NodeJS.Timeout | undefined;
  let again: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const directoryWatch = createDirectoryWatch(directory, readSoon);

  function readSoon(): void {
    if (stopped) return;
    const now = performance.now();
    toldAt ??= now;
    clearTimeout(quiet);
    quiet = setTimeout(look, Math.min(QUIET_MS, Math.max(0, toldAt + MAX_POSTPONED_MS - now)));
  }

  function look(): void {
    readAndConsider().catch(onProblem);
  }

  async function readAndConsider(): Promise<void> {
    quiet = undefined;
    // A second read beside one that hangs would only take another of the runtime's few threads.
    if (reading) return;
    reading = true;
    toldAt = null;
    const beganMs = performance.now();
    try {
      const answer = readWatched();
      const read = await Promise.race([answer, lateAnswer()]);
      clearTimeout(deadline);
      if (read !== 'late') {
        consider(read, beganMs);
        return;
      }
      handOver(failed(unreadable(directory, `no answer within ${READ_DEADLINE_MS / 1000} s`)));
      await answer;
      readSoon();
    } finally {
      reading = false;
      if (toldAt !== null && quiet === undefined) readSoon();
    }
  }

  /** Takes what was read if it is at rest, else looks again when it can be. */
  function consider(read: DirectoryRead, beganMs: number): void {
    if (stopped) return;
    const endedMs = performance.now();
    rest = restAfter(rest, { content: contentOf(read), place: read.place, beganMs, endedMs });
    clearTimeout(again);
    if (rest.movingSinceMs === null) {
      handOver(read);
      return;
    }
    if (endedMs - rest.movingSinceMs >= restlessMs) handOver(failed(restless()));
    again = setTimeout(look, Math.max(0, rest.sinceMs + AT_REST_MS - endedMs));
  }

  /** The watch first, so that no change falls between the two. */
  async function readWatched(): Promise<DirectoryRead> {
    await directoryWatch.renew();
    return readPolicyDirectory(directory);
  }

  function lateAnswer(): Promise<'late'> {
    return new Promise((resolve) => {
      deadline = setTimeout(resolve, READ_DEADLINE_MS, 'late');
    });
  }

  function handOver(read: DirectoryRead): void {
    const content = contentOf(read);
    if (stopped || content === handedOver) return;
    handedOver = content;
    let load: PolicyLoad | null = null;
    try {
      load = loadPolicyRead(read);
      onLoad(load);
    } catch (error) {
      if (isBug(error)) onProblem(error);
      const revision = load?.valid ? load.set.revision : (load?.revision ?? null);
      onLoad({ valid: false, revision, errors: [notInForce(error)] });
    }
  }

  function notInForce(error: unknown): PolicyError {
    return broken(`must be possible to bring into force (${error instanceof Error ? error.message : error})`);
  }

  function restless(): PolicyError {
    return broken(`must say the same for ${AT_REST_MS / 1000} s (it has been changing for ${restlessMs / 1000} s)`);
  }

  function broken(requirement: string): PolicyError {
    return { file: directory, line: 0, column: 0, path: '$', requirement, found: '' };
  }

  const poll = setInterval(look, POLL_MS);
  look();
  return {
    stop() {
      stopped = true;
      clearInterval(poll);
      clearTimeout(quiet);
      clearTimeout(again);
      clearTimeout(deadline);
      directoryWatch.close();
    },
  };
}

/**
 * A watch on whatever directory has this path. The directory itself: a watch on a file or on `..data` dies with the
 * first swap of a ConfigMap volume.
 */
function createDirectoryWatch(directory: string, onEvent: () => void) {
  let closed = false;
  let watcher: FSWatcher | null = null;
  let watchedId: string | null = null;

  function drop(): void {
    watcher?.close();
    watcher = null;
  }

  return {
    /**
     * Opens it anew if it was lost, or if another directory took the path, of which a watch says nothing; else nothing,
     * since no event is lost then. Never fails: without a directory or a watch to be had (EMFILE, ENOSPC) there is none.
     */
    async renew(): Promise<void> {
      // Opening blocks the one thread, so only where the file system has just answered.
      const id = await directoryId(directory).catch(() => null);
      if (closed || (watcher !== null && id === watchedId)) return;
      if (watcher !== null) {
        drop();
        // The next look opens one: on Deno, one opened before this one is closed for good stays silent for ever.
        onEvent();
        return;
      }
      watchedId = id;
      if (id === null) return;
      try {
        const opened = watch(directory, onEvent);
        watcher = opened;
        // Here Deno says that it cannot watch.
        opened.on('error', () => {
          if (watcher === opened) drop();
        });
      } catch {
        watcher = null;
      }
    },
    close(): void {
      closed = true;
      drop();
    },
  };
}

function failed(error: PolicyError): DirectoryRead {
  return { files: [], errors: [error], place: null };
}

/** Equal for two reads exactly when they say the same. */
function contentOf({ files, errors }: DirectoryRead): string {
  return JSON.stringify([revisionOf(files), errors]);
}
