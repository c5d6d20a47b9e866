/**
 * Time and chance as everything that runs takes them, so that an agent, or a fleet of them, runs in virtual time as it
 * does in real time, and a seed replays it.
 */
export type Clock = {
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  nowMs(): number;
  /** Milliseconds since the epoch, for what people and other programs read. */
  wallMs(): number;
  /** Settles after `ms`, or at once on the signal; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once, after `ms` and never before it returns. @returns how to prevent that */
  after(ms: number, callback: () => void): () => void;
  /** From 0 (inclusive) to 1 (exclusive). */
  random(): number;
};
