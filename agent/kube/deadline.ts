import type { Clock } from '../core/ports.ts';

export type Deadline = {
  /** Rejects when time is up, or nobody needs the call any more. */
  readonly expired: Promise<never>;
  /** Ends what would otherwise go on without anybody waiting for it; at once when time is up already. */
  onExpiry(abandon: (error: Error) => void): void;
  /** Throws when time is up, though its timer be late, or nobody needs the call any more: then nothing may be sent. */
  check(): void;
  stop(): void;
};

/**
 * A timer of our own, because neither runtime keeps its promise to abort in every state of a connection.
 *
 * @param ms from now
 * @param signal ends the call early, as the deadline would
 */
export function startDeadline(clock: Clock, ms: number, signal: AbortSignal | undefined): Deadline {
  const abandoned: ((error: Error) => void)[] = [];
  const { promise: expired, reject } = Promise.withResolvers<never>();
  expired.catch(() => {});
  let over: Error | null = null;
  const untilMs = clock.nowMs() + ms;
  const expire = (reason: string) => {
    if (over !== null) return;
    const error = new Error(reason);
    over = error;
    reject(error);
    for (const abandon of abandoned) abandon(error);
  };
  const onTime = () => expire(`no whole answer within ${Math.ceil(ms) / 1000} s`);
  const stopTimer = clock.after(ms, onTime);
  const onAbort = () => expire('not needed any more');
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  return {
    expired,
    onExpiry(abandon) {
      if (over === null) abandoned.push(abandon);
      else abandon(over);
    },
    check() {
      if (clock.nowMs() >= untilMs) onTime();
      if (over !== null) throw over;
    },
    stop() {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    },
  };
}
