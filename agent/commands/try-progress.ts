import type { NodeCheckPolicy } from '../core/policy.ts';

/** After so long without a word, it is said what is waited for. */
const QUIET_MS = 2_000;

/** Where a run stands among all: the number of its check, and its own among those of the check, from 1. */
export type Place = { readonly check: number; readonly checks: number; readonly run: number; readonly runs: number };

/** Says which check runs when nothing has been said for a while: once for each run, and of short ones every two seconds. */
export function createTryProgress(write: (text: string) => void) {
  let text = '';
  let said = '';
  const say = () => {
    if (text !== said) write(text);
    said = text;
  };
  let timer = setInterval(say, QUIET_MS);
  const told = () => {
    clearInterval(timer);
    timer = setInterval(say, QUIET_MS);
  };
  return {
    /** A run begins. */
    runs({ metadata, spec: { check } }: NodeCheckPolicy, place: Place): void {
      const ofChecks = place.checks > 1 ? `, check ${place.check} of ${place.checks}` : '';
      const ofRuns = place.runs > 1 ? `, run ${place.run} of ${place.runs}` : '';
      text = `running ${metadata.name}${ofChecks}${ofRuns}: a run may take ${check.timeoutSeconds} s\n`;
    },
    /** Something else was said. */
    told,
    stop: () => clearInterval(timer),
  };
}
