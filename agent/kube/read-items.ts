import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../core/ports.ts';

/** etcd takes no object near this size, so a longer line is no watch event. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;
/** Bookmarks come about once a minute, so a watch silent for longer hangs on a dead connection. */
export const SILENCE_MS = 150_000;

/**
 * Hands over each line of an answer, parsed, until the server ends it in good order; settles at once on the signal.
 *
 * @throws Error when the connection is cut, stays silent or sends what is no JSON, and what `onItem` throws
 */
export function readItems(
  answer: IncomingMessage,
  clock: Clock,
  signal: AbortSignal | undefined,
  onItem: (item: unknown) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let ended = false;
  const end = (error?: Error) => {
    ended = true;
    stopWaiting();
    signal?.removeEventListener('abort', onAbort);
    answer.destroy();
    if (error) reject(error);
    else resolve();
  };
  const onAbort = () => end();
  const { heard, stop: stopWaiting } = watchSilence(clock, end);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  answer.on('data', (chunk: Buffer) => {
    if (ended) return;
    heard();
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    try {
      if (rest.length > MAX_LINE_CHARACTERS) throw new Error('a watch event must be shorter than 16 MiB');
      for (const line of lines) if (!ended) onItem(JSON.parse(line));
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)));
    }
  });
  answer.on('error', end);
  answer.on('close', () => {
    if (!ended) end(answer.complete ? undefined : new Error('the watch was cut'));
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) end();
  return promise;
}

/** Tells when nothing was heard for SILENCE_MS. One timer whatever is heard, which looks again when it fires. */
export function watchSilence(clock: Clock, onSilence: (error: Error) => void): { heard(): void; stop(): void } {
  let heardAt = clock.nowMs();
  let stop = () => {};
  const wait = (ms: number) => {
    stop = clock.after(ms, () => {
      const leftMs = heardAt + SILENCE_MS - clock.nowMs();
      if (leftMs > 0) wait(leftMs);
      else onSilence(new Error(`the watch was silent for ${SILENCE_MS / 1000} s`));
    });
  };
  wait(SILENCE_MS);
  return {
    heard() {
      heardAt = clock.nowMs();
    },
    stop: () => stop(),
  };
}
