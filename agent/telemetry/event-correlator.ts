import { COMBINED, type EventSeries, MAX_MESSAGE_BYTES, type NodeEvent } from '../core/node-event.ts';
import { shorten } from '../core/short-text.ts';

/** client-go's EventCorrelator: 25 Events at once, then one every 5 minutes, for one source and object. */
export const EVENT_BURST = 25;
export const EVENT_REFILL_MS = 300_000;
/** client-go's window: within it the same Event is counted up, and similar ones become one. */
const WINDOW_MS = 600_000;
/** So many Events that differ in their message alone are told apart. */
export const MAX_SIMILAR = 10;

type OpenSeries = { -readonly [K in keyof EventSeries]: EventSeries[K] };

/** Says which Events are the same, as client-go does: equal in all, or the eleventh that differs in its message. */
export class EventCorrelator {
  readonly #series = new Map<string, OpenSeries>();
  /** By all but the message: when each message was last seen. */
  readonly #similar = new Map<string, Map<string, number>>();

  /** Counts it. The series stays the same object for as long as it goes on. */
  note(event: NodeEvent, nowMs: number): EventSeries {
    this.#forgetBefore(nowMs - WINDOW_MS);
    const message = shorten(event.message, MAX_MESSAGE_BYTES);
    const group = JSON.stringify([event.type, event.reason, event.policy]);
    const isOneTooMany = this.#isOneTooMany(group, message, nowMs);
    const key = isOneTooMany ? group : JSON.stringify([group, message]);
    const text = isOneTooMany ? COMBINED + message : message;
    const series: OpenSeries = this.#series.get(key) ?? { event, count: 0, firstMs: nowMs, lastMs: nowMs };
    series.event = { ...event, message: text };
    series.count += 1;
    series.lastMs = nowMs;
    this.#series.set(key, series);
    return series;
  }

  #isOneTooMany(group: string, message: string, nowMs: number): boolean {
    const messages = this.#similar.get(group) ?? new Map<string, number>();
    this.#similar.set(group, messages);
    if (messages.size >= MAX_SIMILAR && !messages.has(message)) return true;
    messages.set(message, nowMs);
    return false;
  }

  #forgetBefore(ms: number): void {
    for (const [key, { lastMs }] of this.#series) if (lastMs < ms) this.#series.delete(key);
    for (const [group, messages] of this.#similar) {
      for (const [message, lastMs] of messages) if (lastMs < ms) messages.delete(message);
      if (messages.size === 0) this.#similar.delete(group);
    }
  }
}

/** The share of Events that one agent may write. */
export class EventShare {
  #tokens = EVENT_BURST;
  #refilledMs: number;

  constructor(nowMs: number) {
    this.#refilledMs = nowMs;
  }

  /** @returns whether there was one left */
  take(nowMs: number): boolean {
    // The clock was set back.
    this.#refilledMs = Math.min(this.#refilledMs, nowMs);
    const refill = Math.floor((nowMs - this.#refilledMs) / EVENT_REFILL_MS);
    if (refill > 0) {
      this.#tokens = Math.min(EVENT_BURST, this.#tokens + refill);
      this.#refilledMs += refill * EVENT_REFILL_MS;
    }
    if (this.#tokens === 0) return false;
    this.#tokens -= 1;
    return true;
  }

  /** How long until there is one, in milliseconds. */
  untilNextMs(nowMs: number): number {
    if (this.#tokens > 0) return 0;
    return Math.min(EVENT_REFILL_MS, Math.max(0, this.#refilledMs + EVENT_REFILL_MS - nowMs));
  }
}
