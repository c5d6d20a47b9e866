import { type FSWatcher, watch } from 'node:fs';
import type { PolicyLoad } from '../core/policy.ts';
import { loadPolicyRead } from './load-policies.ts';
import { type DirectoryRead, readPolicyDirectory } from './read-directory.ts';
import { revisionOf } from './revision.ts';

/** What the file system did not tell us about is found within this time. */
const POLL_MS = 2_000;
/** A swap or an editor's save is several events; one read after the last of them is enough. */
const SETTLE_MS = 30;

/**
 * Hands over what the directory says now, and then each time its content has changed: on the file system's word, and by
 * polling besides, since watches are lost and are not to be had everywhere.
 */
export function watchPolicyDirectory(directory: string, onLoad: (load: PolicyLoad) => void): { stop(): void } {
  let stopped = false;
  let loading = false;
  let again = false;
  let lastContent: string | null = null;
  let watcher: FSWatcher | null = null;
  let settle: NodeJS.Timeout | undefined;

  async function load(): Promise<void> {
    if (loading) {
      again = true;
      return;
    }
    loading = true;
    do {
      again = false;
      const read = await readPolicyDirectory(directory);
      const content = contentOf(read);
      if (stopped || content === lastContent) continue;
      lastContent = content;
      onLoad(loadPolicyRead(read));
    } while (again && !stopped);
    loading = false;
  }

  function startWatching(): void {
    try {
      // The directory itself: a watch on a file or on `..data` dies with the first swap of a ConfigMap volume.
      watcher = watch(directory, () => {
        clearTimeout(settle);
        settle = setTimeout(() => void load(), SETTLE_MS);
      });
      watcher.on('error', stopWatching);
    } catch {
      // No such directory, or no watch to be had (EMFILE, ENOSPC): the poll tries again.
      watcher = null;
    }
  }

  function stopWatching(): void {
    watcher?.close();
    watcher = null;
  }

  const poll = setInterval(() => {
    // A watch follows the inode, so one on a directory that was replaced would stay silent for ever.
    stopWatching();
    startWatching();
    void load();
  }, POLL_MS);
  startWatching();
  void load();
  return {
    stop() {
      stopped = true;
      clearInterval(poll);
      clearTimeout(settle);
      stopWatching();
    },
  };
}

/** Equal for two reads exactly when they say the same. */
function contentOf({ files, errors }: DirectoryRead): string {
  return JSON.stringify([revisionOf(files), errors]);
}
