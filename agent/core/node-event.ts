/** What stands before the message of an Event that stands for several. */
export const COMBINED = '(combined from similar Events): ';
/**
 * Of a message, in bytes of UTF-8, so that it fits with {@link COMBINED} before it: the API server takes 1,024 of an Event's
 * `note`, which is the `message` of older clients (NoteLengthLimit in pkg/apis/core/validation/events.go).
 */
export const MAX_MESSAGE_BYTES = 1_024 - COMBINED.length;

/** What the agent ends by. Nothing comes after it, so it waits for no share of Events. */
export const FATAL_TOPIC = 'fatal';

/** A Kubernetes Event on our Node. Reasons are stable: people and alerts match on them. */
export type NodeEvent = {
  readonly type: 'Normal' | 'Warning';
  /** One CamelCase word. */
  readonly reason: string;
  /**
   * What it is the latest word on, such as `drain`. Where not all Events can be written, this is what must not be missing in
   * the end: how things are now.
   */
  readonly topic: string;
  /** Whoever writes it shortens what takes more than {@link MAX_MESSAGE_BYTES}. */
  readonly message: string;
  /** The policy it is about; absent: the node, or all policies. */
  readonly policy?: string;
};

/** Events that count as the same one, and how often it has happened. */
export type EventSeries = {
  /** The last one. */
  readonly event: NodeEvent;
  readonly count: number;
  /** When it happened first and last, in milliseconds since the epoch. */
  readonly firstMs: number;
  readonly lastMs: number;
};
