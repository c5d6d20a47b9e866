import type { Clock } from '../core/ports.ts';

/** All in all: of the 3 s within which an agent has to be gone after SIGTERM, the rest is the machine's. */
export const END_WITHIN_MS = 2_500;
/** Of these, how long what is under way is waited for. */
const WRITES_WITHIN_MS = 1_500;

export type Ending = {
  readonly agent: { stop(): Promise<void> };
  readonly recorder: { finish(): Promise<void>; stop(): void };
  readonly clock: Clock;
  /** In milliseconds; default: END_WITHIN_MS. */
  readonly withinMs?: number | undefined;
  onProblem(error: unknown): void;
};

/** Ends an agent: first what it writes, and then what it has to say of that becomes Events. Settles in time, never rejects. */
export async function endInOrder({
  agent,
  recorder,
  clock,
  withinMs = END_WITHIN_MS,
  onProblem,
}: Ending): Promise<void> {
  const endsAtMs = clock.nowMs() + withinMs;
  const within = async (ms: number, work: Promise<void>) => {
    const isOver = new AbortController();
    await Promise.race([work.catch(onProblem), clock.sleep(ms, isOver.signal)]);
    isOver.abort();
  };
  await within(Math.min(WRITES_WITHIN_MS, withinMs / 2), agent.stop());
  await within(endsAtMs - clock.nowMs(), recorder.finish());
  recorder.stop();
}
