import { describeSaid } from './said.ts';
import type { Now } from './state.ts';
import type { Verdict } from './verdict.ts';
import { visibleLine } from './words.ts';

/** So many runs in a row have to say nothing before it is told. */
export const SILENT_RUNS_UNTIL_TOLD = 3;

/**
 * What was told lasts so long at least, in milliseconds. A check that goes in and out of it has it written twice in that
 * time, however short its period is.
 */
export const SILENCE_LASTS_MS = 60_000;

/** That the runs of a check say nothing of late. */
export type Silence = {
  /** In a row, with those that were left out; no further than {@link SILENT_RUNS_UNTIL_TOLD}. */
  readonly runs: number;
  /** There have been so many: since when, on `Now.ms`, and what was known of it then; null: not yet. */
  readonly lasting: { readonly sinceMs: number; readonly why: string } | null;
};

/** After one more run that said nothing. @param why it did not, a visible line; of a silence that lasts the first one stays */
export function silentAgain(before: Silence | undefined, why: string, now: Now): Silence {
  const runs = (before?.runs ?? 0) + 1;
  if (runs > SILENT_RUNS_UNTIL_TOLD && before) return before;
  const lasting = runs === SILENT_RUNS_UNTIL_TOLD ? { sinceMs: now.ms, why } : null;
  return { runs, lasting: before?.lasting ?? lasting };
}

/** Of a check that was told to be silent. @param why as it was told */
export function silentForSure(why: string, now: Now): Silence {
  return { runs: SILENT_RUNS_UNTIL_TOLD, lasting: { sinceMs: now.ms, why } };
}

/** After a run that said something; undefined: nothing is left of it. */
export function spokenAfter(before: Silence | undefined, now: Now): Silence | undefined {
  const { lasting } = before ?? {};
  return lasting && now.ms < lasting.sinceMs + SILENCE_LASTS_MS ? { runs: 0, lasting } : undefined;
}

/** What a run that says nothing came to, with what its script said of that: one visible line. */
export function whySilent(verdict: Verdict): string {
  return visibleLine(describeSaid(verdict));
}
