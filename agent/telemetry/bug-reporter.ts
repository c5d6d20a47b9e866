import { BUG_PREFIX, describeBug, isBug } from '../core/bug.ts';
import type { NodeEvent } from '../core/event.ts';
import type { Log } from './log.ts';

/** A defect that has not shown for so long is over; a drain that gave up is tried again every five minutes. */
export const BUG_LASTS_MS = 600_000;
/** So many different ones are told; what has this many has one cause, and the metric goes on counting. */
const MAX_TOLD = 20;

const REPORT =
  'This is a defect of node-svc-checker. Please report it, as docs/runbooks.md#nodecheckagentinternalerror says';

export type BugReporter = {
  /**
   * Counts an error that is a defect of this program, and tells it if it is news. Never throws.
   *
   * @returns false, and nothing was done, when it is none
   */
  tell(error: unknown): boolean;
  /** Those that have shown of late, the first one first: what stands in the Node's report. */
  lasting(): readonly string[];
  /** Another policy is in force: whether any of them still shows is open, and told anew. */
  forget(): void;
};

export type BugReporterOptions = {
  readonly log: Log;
  readonly record: (event: NodeEvent) => void;
  readonly count: () => void;
  /** There is another one in what `lasting` says. */
  readonly onNews: () => void;
  /** Milliseconds on a clock that never goes back. Default: the clock. */
  readonly nowMs?: () => number;
};

/**
 * Makes a defect of this program known wherever people look, once for as long as it lasts: taken for a problem of the
 * API server it would be tried again for ever, and nobody would hear of it.
 */
export function createBugReporter(options: BugReporterOptions): BugReporter {
  const { log, record, count, onNews, nowMs = () => performance.now() } = options;
  /** By its text, when each was last seen. */
  const seenAtMs = new Map<string, number>();

  function forgetOld(): void {
    const beforeMs = nowMs() - BUG_LASTS_MS;
    for (const [text, atMs] of seenAtMs) if (atMs < beforeMs) seenAtMs.delete(text);
  }

  return {
    tell(error) {
      if (!isBug(error)) return false;
      count();
      forgetOld();
      const text = describeBug(error);
      const isNews = !seenAtMs.has(text);
      if (isNews && seenAtMs.size >= MAX_TOLD) return true;
      seenAtMs.set(text, nowMs());
      if (!isNews) return true;
      const message = `${BUG_PREFIX}${text}`;
      log({ level: 'error', message: `${message}. ${REPORT}; checks go on`, fields: { stack: error.stack } });
      record({ type: 'Warning', reason: 'InternalError', message: `${message}. ${REPORT}` });
      onNews();
      return true;
    },
    forget: () => seenAtMs.clear(),
    lasting() {
      forgetOld();
      return [...seenAtMs.keys()];
    },
  };
}
