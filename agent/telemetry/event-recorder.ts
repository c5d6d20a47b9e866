import { backoffMs } from '../core/backoff.ts';
import { isBug } from '../core/bug.ts';
import { type EventSeries, FATAL_TOPIC, type NodeEvent } from '../core/node-event.ts';
import type { Clock } from '../core/ports.ts';
import { EventCorrelator, EventShare } from './event-correlator.ts';
import type { Log } from './log.ts';

/** Topics whose latest Event waits for a share. There are some of the node, and three of each policy. */
const MAX_HELD_BACK = 100;
const RETRY = { baseMs: 500, maxMs: 30_000 };

export type EventSink<Written> = {
  /** @param id the same each time that the same Event is tried: an attempt whose answer was lost makes no second one */
  create(series: EventSeries, id: string): Promise<Written>;
  /** Says how often it has happened by now. @returns null when there is nothing left to count up */
  repeat(written: Written, series: EventSeries): Promise<Written | null>;
  /** Whether an attempt that ended in this error, the so-manieth of the same Event (from 1), is worth another one. */
  canRetry(error: unknown, attempts: number): boolean;
};

export type EventRecorder = {
  /** Never throws and never waits; what the API server will not have is dropped with a line in the log. */
  record(event: NodeEvent): void;
  /** What kept an Event from being written may be over, so it is tried at once. */
  wake(): void;
  /**
   * What waits is tried once more, and given up where that does not succeed; so is what was held back, if the agent ends by
   * it. Settles when nothing waits any more.
   */
  finish(): Promise<void>;
  /** Nothing is sent from now on. */
  stop(): void;
};

export type RecorderOptions = {
  readonly clock: Clock;
  /** Takes what went wrong. @returns whether it is a defect of this program, which no other attempt would mend */
  readonly tellBug?: (error: unknown) => boolean;
};

/**
 * Writes Events one after the other, in order, as many as their fair share allows. Beyond it, where client-go drops, the
 * latest of each topic is held back until there is a share for it.
 */
export function createEventRecorder<Written>(
  sink: EventSink<Written>,
  log: Log,
  { clock, tellBug = isBug }: RecorderOptions,
): EventRecorder {
  const correlator = new EventCorrelator();
  const share = new EventShare(clock.wallMs());
  const stopping = new AbortController();
  const { signal } = stopping;
  const waiting: EventSeries[] = [];
  /** By topic, in the order in which they began to be held back, so that each has its turn. */
  const heldBack = new Map<string, EventSeries>();
  const written = new WeakMap<EventSeries, Written>();
  let writing = false;
  let worked: Promise<void> = Promise.resolve();
  let releasing = false;
  let finishing = false;
  /** Ends a back-off. */
  let wake = () => {};

  function enqueue(series: EventSeries): void {
    waiting.push(series);
    if (writing) wake();
    else worked = writeWaiting().catch(report);
  }

  async function writeWaiting(): Promise<void> {
    writing = true;
    try {
      for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
        await writeWithRetries(next);
      }
    } finally {
      writing = false;
    }
  }

  async function writeWithRetries(series: EventSeries): Promise<void> {
    const id = `${series.lastMs.toString(16)}${Math.floor(clock.random() * 0xffff).toString(16)}`;
    for (let attempt = 0; !signal.aborted; ) {
      try {
        await write(series, id);
        return;
      } catch (error) {
        if (tellBug(error) || finishing || !sink.canRetry(error, attempt + 1)) {
          logUnwritten(error, series.event.reason);
          return;
        }
        // What news brought forward is no reason to give up sooner.
        if (await backOff(backoffMs(attempt, RETRY, clock.random()))) attempt++;
      }
    }
  }

  /** @returns whether all of the time has passed */
  async function backOff(ms: number): Promise<boolean> {
    const waking = new AbortController();
    wake = () => waking.abort();
    if (!signal.aborted) await clock.sleep(ms, waking.signal);
    wake = () => {};
    return !waking.signal.aborted;
  }

  function report(error: unknown): void {
    if (!tellBug(error)) logUnwritten(error);
  }

  function logUnwritten(error: unknown, reason?: string): void {
    const problem = error instanceof Error ? error.message : String(error);
    log({ level: 'warn', message: 'Event not written', fields: { ...(reason && { reason }), error: problem } });
  }

  async function write(series: EventSeries, id: string): Promise<void> {
    const before = written.get(series);
    const repeated = before === undefined ? null : await sink.repeat(before, series);
    written.set(series, repeated ?? (await sink.create(series, id)));
  }

  function holdBack(series: EventSeries): void {
    const { reason, topic, policy } = series.event;
    heldBack.set(JSON.stringify([topic, policy]), series);
    if (heldBack.size > MAX_HELD_BACK) heldBack.delete(heldBack.keys().next().value ?? '');
    log({ level: 'debug', message: 'Event held back, there were too many', fields: { reason } });
    if (!releasing) release().catch(report);
  }

  async function release(): Promise<void> {
    releasing = true;
    try {
      while (heldBack.size > 0 && !signal.aborted) {
        await clock.sleep(share.untilNextMs(clock.wallMs()), signal);
        // What waits for an API server that is away needs no company.
        await worked;
        const [next] = heldBack;
        if (next === undefined || signal.aborted || !share.take(clock.wallMs())) continue;
        heldBack.delete(next[0]);
        enqueue(next[1]);
      }
    } finally {
      releasing = false;
    }
  }

  return {
    record(event) {
      const nowMs = clock.wallMs();
      const series = correlator.note(event, nowMs);
      // Its count goes out with it.
      if (waiting.includes(series)) return;
      if (heldBack.size === 0 && share.take(nowMs)) enqueue(series);
      else holdBack(series);
    },
    wake: () => wake(),
    async finish() {
      finishing = true;
      wake();
      for (const [key, series] of heldBack) {
        if (series.event.topic !== FATAL_TOPIC) continue;
        heldBack.delete(key);
        enqueue(series);
      }
      while (writing) await worked;
    },
    stop() {
      stopping.abort();
      wake();
    },
  };
}
