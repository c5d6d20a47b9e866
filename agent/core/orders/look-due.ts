import type { DrainState } from './drain-state.ts';
import type { Wanted } from './up-next.ts';

/** A watch may be silent for minutes before it is known to be dead; so often pods that should end are listed all the same. */
const REVIEW_MS = 60_000;
/** So long before its deadline a drain lists the pods once more, so that none that has gone is reported as left. */
const LAST_LIST_MS = 5_000;

/** When a fresh list is due for an attempt, at the earliest; infinity: not as things are. */
export function lookDueMs({ attempt, choice, needsLook }: Wanted, { look, progress }: DrainState): number {
  if (needsLook) return Number.NEGATIVE_INFINITY;
  const { startedMs, untilMs } = attempt;
  const askedMs = Math.max(startedMs, look.askedMs ?? startedMs);
  const lastMs = untilMs - Math.min(LAST_LIST_MS, (untilMs - startedMs) / 2);
  const isEnding =
    choice.wait.length > 0 || choice.evict.some(({ uid }) => progress.get(uid)?.state.kind === 'Accepted');
  return Math.min(
    askedMs < lastMs ? lastMs : Number.POSITIVE_INFINITY,
    isEnding ? askedMs + REVIEW_MS : Number.POSITIVE_INFINITY,
  );
}
