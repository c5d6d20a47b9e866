import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import type { NodeEvent } from '../core/event.ts';
import type { Log } from './log.ts';

/** client-go's EventCorrelator: 25 Events at once, then one every 5 minutes, for one source and object. */
const BURST = 25;
const REFILL_MS = 300_000;
/** client-go's aggregation window: the same Event within it is counted up instead of written again. */
const REPEAT_MS = 600_000;
/** The API server's limit is 1,024 bytes. */
const MAX_MESSAGE_CHARACTERS = 1_000;
const MAX_WAITING = 50;
const MAX_ATTEMPTS = 5;
const RETRY = { baseMs: 500, maxMs: 30_000 };

export type EventSink<Written> = {
  create(event: NodeEvent, at: Date): Promise<Written>;
  /** @returns null when there is nothing left to count up */
  repeat(written: Written, at: Date): Promise<Written | null>;
};

export type EventRecorder = {
  /** Never throws and never waits; what cannot be written after a few tries is dropped with a line in the log. */
  record(event: NodeEvent): void;
  stop(): void;
};

/** Writes Events one after the other, in order, as many as their fair share allows. */
export function createEventRecorder<Written>(sink: EventSink<Written>, log: Log): EventRecorder {
  const waiting: { event: NodeEvent; at: Date }[] = [];
  const written = new Map<string, { value: Written; at: number }>();
  const abort = new AbortController();
  let tokens = BURST;
  let refilledAt = Date.now();
  let writing = false;

  function takeToken(now: number): boolean {
    const refill = Math.floor((now - refilledAt) / REFILL_MS);
    if (refill > 0) {
      tokens = Math.min(BURST, tokens + refill);
      refilledAt += refill * REFILL_MS;
    }
    if (tokens === 0) return false;
    tokens -= 1;
    return true;
  }

  async function writeWaiting(): Promise<void> {
    if (writing) return;
    writing = true;
    for (let next = waiting.shift(); next !== undefined && !abort.signal.aborted; next = waiting.shift()) {
      await writeWithRetries(next.event, next.at);
    }
    writing = false;
  }

  async function writeWithRetries(event: NodeEvent, at: Date): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS && !abort.signal.aborted; attempt++) {
      try {
        await write(event, at);
        return;
      } catch (error) {
        const fields = { reason: event.reason, error: error instanceof Error ? error.message : String(error) };
        if (attempt + 1 === MAX_ATTEMPTS) log({ level: 'warn', message: 'Event not written', fields });
        else await sleep(backoffMs(attempt, RETRY, Math.random()), undefined, abort).catch(() => {});
      }
    }
  }

  async function write(event: NodeEvent, at: Date): Promise<void> {
    const key = JSON.stringify([event.type, event.reason, event.message]);
    for (const [old, entry] of written) if (at.getTime() - entry.at > REPEAT_MS) written.delete(old);
    const before = written.get(key);
    const repeated = before === undefined ? null : await sink.repeat(before.value, at);
    written.set(key, { value: repeated ?? (await sink.create(event, at)), at: at.getTime() });
  }

  return {
    record(event) {
      const at = new Date();
      if (waiting.length >= MAX_WAITING || !takeToken(at.getTime())) {
        log({ level: 'debug', message: 'Event left out, there were too many', fields: { reason: event.reason } });
        return;
      }
      waiting.push({ event: { ...event, message: event.message.slice(0, MAX_MESSAGE_CHARACTERS) }, at });
      void writeWaiting();
    },
    stop: () => abort.abort(),
  };
}
