import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers';

/** The longest delay a timer takes, in milliseconds (about 24 days); it would fire at once for more. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Calls back after `delayMs`, unless the function returned is called before.
 *
 * What happened in the meantime is told first: an agent that was held up itself, by a throttled CPU say, must not take
 * an exit in time for a late one, nor lose output that is already in the pipe.
 */
export function afterMs(delayMs: number, callback: () => void): () => void {
  let immediate: ReturnType<typeof setImmediate> | undefined;
  const timer = setTimeout(
    () => {
      immediate = setImmediate(callback);
    },
    Math.min(delayMs, MAX_DELAY_MS),
  );
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}

/** Resolves when `event` settles, or after `delayMs` without that. */
export function within(delayMs: number, event: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = afterMs(delayMs, resolve);
    const end = () => {
      cancel();
      resolve();
    };
    event.then(end, end);
  });
}
