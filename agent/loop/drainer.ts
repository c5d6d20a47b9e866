import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import type { DrainEnd, DrainOrder } from '../core/compare.ts';
import type { PodName } from '../core/pod.ts';
import { attemptDrain, type DrainResult } from './drain-attempt.ts';
import type { DrainApi, DrainMeter, DrainNarrator } from './drain-ports.ts';

/** A drain that gave up is tried again while its policy fails; whoever has to mend something needs minutes. */
const RETRY = { baseMs: 30_000, maxMs: 300_000 };
/** A drain resumed after its deadline still finds out what is left on the node, and under Delete deletes it. */
const RESUMED_MS = 5_000;

export type DrainerOptions = {
  readonly nodeName: string;
  readonly ownPod: PodName | null;
  readonly api: DrainApi;
  readonly narrator: DrainNarrator & { drainEnded(order: DrainOrder, result: DrainResult, tookMs: number): void };
  readonly meter: DrainMeter & { attemptEnded(result: DrainResult['state'], tookSeconds: number): void };
  onEnd(end: DrainEnd): void;
};

export type Drainer = {
  /** What should be drained now; null: nothing. Returns at once; a drain under way that is not this one stops. */
  obey(order: DrainOrder | null): void;
};

/** Keeps at most one drain going, the one that was ordered last. */
export function createDrainer(options: DrainerOptions): Drainer {
  let current: { key: string; abort: AbortController } | null = null;

  async function drain(order: DrainOrder, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const startedAtMs = performance.now();
      const { nodeName, ownPod, api, narrator, meter } = options;
      const deadlineMs = startedAtMs + leftMs(order, attempt);
      const result = await attemptDrain({ order, nodeName, ownPod, api, narrator, meter, deadlineMs, signal }).catch(
        (error: unknown): DrainResult => {
          narrator.drainProblem(error);
          const problem = error instanceof Error ? error.message : String(error);
          return { state: signal.aborted ? 'Aborted' : 'GaveUp', evicted: 0, skipped: [], problems: [problem] };
        },
      );
      const tookMs = performance.now() - startedAtMs;
      narrator.drainEnded(order, result, tookMs);
      meter.attemptEnded(result.state, tookMs / 1000);
      // The drain that took the place of this one counts already.
      if (current === null || current.abort.signal === signal) meter.podsLeft(0, 0);
      if (result.state === 'Aborted') return;
      options.onEnd({ since: order.drain.since, state: result.state, problems: result.problems });
      if (result.state === 'Drained') return;
      await sleep(backoffMs(attempt, RETRY, Math.random()), undefined, { signal }).catch(() => {});
    }
  }

  return {
    obey(order) {
      const key = order === null ? null : JSON.stringify([order.drain.since, order.rules]);
      if (key === (current?.key ?? null)) return;
      current?.abort.abort();
      current = null;
      if (order === null || key === null) return;
      const abort = new AbortController();
      current = { key, abort };
      void drain(order, abort.signal);
    },
  };
}

/** The timeout runs from the landing of the cordon, also over a restart; an attempt after one that gave up has its own. */
function leftMs({ drain, rules }: DrainOrder, attempt: number): number {
  const timeoutMs = rules.timeoutSeconds * 1000;
  if (attempt > 0 || drain.state === 'GaveUp') return timeoutMs;
  const spentMs = Date.now() - Date.parse(drain.since);
  return Math.min(timeoutMs, Math.max(RESUMED_MS, timeoutMs - spentMs));
}
