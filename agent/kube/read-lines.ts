import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../core/ports.ts';

/** etcd takes no object near this size, so a longer line is no watch event. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;
/** Bookmarks come about once a minute, so a watch silent for longer hangs on a dead connection. */
export const SILENCE_MS = 150_000;

/**
 * Hands over each line of an answer until the server ends it in good order; settles at once on the signal.
 *
 * @param lost makes the error of a connection that was cut, stays silent or sends no end of a line
 * @throws what `lost` makes, and what `onLine` throws
 */
export function readLines(
  answer: IncomingMessage,
  clock: Clock,
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
  lost: (cause: Error) => Error,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let ended = false;
  const end = (error?: unknown) => {
    ended = true;
    stopWaiting();
    signal?.removeEventListener('abort', onAbort);
    answer.destroy();
    if (error) reject(error);
    else resolve();
  };
  const onAbort = () => end();
  const fail = (cause: Error) => end(lost(cause));
  const { heard, stop: stopWaiting } = watchSilence(clock, fail);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  answer.on('data', (chunk: Buffer) => {
    if (ended) return;
    heard();
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    try {
      for (const line of lines) if (!ended) onLine(line);
    } catch (error) {
      end(error);
    }
    if (!ended && rest.length > MAX_LINE_CHARACTERS) fail(new Error('a watch event must be shorter than 16 MiB'));
  });
  answer.on('error', (error) => ended || fail(error));
  answer.on('close', () => {
    if (ended) return;
    if (answer.complete) end();
    else fail(new Error('the watch was cut'));
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
