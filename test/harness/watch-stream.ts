import type { ClientRequest, IncomingMessage } from 'node:http';
import type { WatchEvent } from '../../simulator/types.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';

export type { WatchEvent };

/** An open watch. It collects what arrives; `next` hands it out in order. */
export interface WatchStream {
  readonly status: number;
  /** Every event so far, read or not. */
  readonly events: readonly WatchEvent[];
  /** Lines that were no JSON. */
  readonly malformed: readonly string[];
  /** The next event not handed out yet. @throws Error after the deadline, naming what came instead. */
  next(options?: Partial<WaitOptions>): Promise<WatchEvent>;
  /** True once the server or a broken connection ended it. */
  hasEnded(): boolean;
  close(): void;
}

/** Reads the answer to a watch request line by line. */
export function openWatch(request: ClientRequest, answer: IncomingMessage): WatchStream {
  const events: WatchEvent[] = [];
  const malformed: string[] = [];
  let handedOut = 0;
  let ended = false;
  let rest = '';
  const take = (line: string): void => {
    if (line.trim() === '') return;
    try {
      events.push(JSON.parse(line));
    } catch {
      malformed.push(line);
    }
  };
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(take);
  });
  answer.on('error', () => {});
  answer.once('close', () => {
    take(rest);
    ended = true;
  });
  return {
    status: answer.statusCode ?? 0,
    events,
    malformed,
    async next({ deadlineMs, what = 'the next watch event' } = {}) {
      const event = await waitFor(() => events[handedOut], { deadlineMs, what });
      handedOut += 1;
      return event;
    },
    hasEnded: () => ended,
    close: () => void request.destroy(),
  };
}
