import type { RunOutcome } from '../../agent/core/verdict.ts';

/** How one run of a script ends: with an exit code, or as it may end otherwise. */
export type Ending = number | 'TimedOut' | 'Signaled' | 'NotStarted';

/** Histories that are told apart by what they are about, before those that chance writes. */
const WRITTEN: readonly (readonly Ending[])[] = [
  [0, 0, 0, 0],
  [2, 2, 2, 2, 2],
  [1, 1, 1, 1, 1],
  [0, 2, 0, 2, 0, 2],
  [2, 2, 0, 2, 2, 2, 2, 0, 0],
  [0, 3, 3, 3, 3, 0],
  ['TimedOut', 'TimedOut', 'TimedOut', 'TimedOut', 0],
  [0, 2, 'TimedOut', 2, 1, 2, 3, 2, 0],
  [0, 1, 'Signaled', 1, 'NotStarted', 1, 127, 1, 0],
  ['NotStarted', 126, 127, 137, 255, 0, 2],
];
const COUNT = 50;
const LENGTH = 40;
/** The common ones more often than the others. */
const ENDINGS: readonly Ending[] = [
  0,
  0,
  0,
  1,
  1,
  2,
  2,
  2,
  3,
  4,
  42,
  126,
  127,
  137,
  255,
  'TimedOut',
  'Signaled',
  'NotStarted',
];

/** Fifty histories of a script, the same ones every time. */
export function outcomeSeries(): readonly (readonly Ending[])[] {
  const random = lcg(20_260_101);
  const drawn = Array.from({ length: COUNT - WRITTEN.length }, () =>
    // Some have runs of the same ending, without which no threshold above 1 is ever reached.
    Array.from({ length: LENGTH }).reduce<Ending[]>((series) => {
      const last = series.at(-1);
      const again = last !== undefined && random() < 0.5;
      return [...series, again ? last : (ENDINGS[Math.floor(random() * ENDINGS.length)] ?? 0)];
    }, []),
  );
  return [...WRITTEN, ...drawn];
}

/** As the check runner tells it; every other run complains on stderr. */
export function outcomeOf(ending: Ending, index: number): RunOutcome {
  const stderr = index % 2 === 0 ? '' : 'a warning about the locale\n';
  const ended = (): RunOutcome['ended'] => {
    if (ending === 'TimedOut') return { kind: 'TimedOut' };
    if (ending === 'Signaled') return { kind: 'Signaled', signal: 'SIGSEGV' };
    if (ending === 'NotStarted') return { kind: 'NotStarted', reason: 'not found' };
    return { kind: 'Exited', code: ending };
  };
  return { ended: ended(), stdout: 'words\n', stderr, stdoutBytes: 6, stderrBytes: stderr.length, durationMs: 1 };
}

function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
