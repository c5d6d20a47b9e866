import type { Check } from './policy.ts';
import { shorten } from './short-text.ts';
import type { RunOutcome } from './verdict.ts';

/** The longest words, in bytes of UTF-8. */
export const MAX_WORDS_BYTES = 256;

/** What a terminal may take for the end of a line, and what would let one line hide behind another. */
const LINE_END = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/;
/**
 * Escape sequences of ECMA-48: control sequences (colours, cursor), strings (titles, links) to their terminator or the end,
 * and the short ones. Their 8-bit forms as well.
 */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[PX\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?/g;
const CONTROLS = /\p{Cc}/gu;
/** What has no width: marks that turn the direction of text, joiners, a byte order mark. And halves of surrogate pairs. */
const INVISIBLE = /[\p{Cf}\p{Cs}]/gu;

/**
 * The one line of a run that people are shown: of stdout, else of stderr; empty when there is none, or none is wanted.
 *
 * Whatever the script wrote, it is one line of visible characters of at most {@link MAX_WORDS_BYTES}; a longer one is cut
 * and ends with `…`. A line that is blank, also once what is not visible is gone, is passed over.
 */
export function wordsOf(
  outcome: Pick<RunOutcome, 'stdout' | 'stderr' | 'stdoutEnd' | 'stderrEnd'>,
  which: Check['words'],
): string {
  if (which === 'None') return '';
  const { stdout, stdoutEnd, stderr, stderrEnd } = outcome;
  return lineOf(stdout, stdoutEnd, which) || lineOf(stderr, stderrEnd, which);
}

/**
 * The first line of a text that is not blank, cleaned as {@link wordsOf} cleans one, of at most so many bytes of UTF-8; empty
 * without one.
 *
 * @param maxBytes default {@link MAX_WORDS_BYTES}
 */
export function visibleLine(text: string, maxBytes = MAX_WORDS_BYTES): string {
  return firstLine(visibleLines(text), maxBytes);
}

/** @param end the last part of a text of which only the first was kept, too */
function lineOf(start: string, end: string | undefined, which: 'FirstLine' | 'LastLine'): string {
  if (which === 'FirstLine') return firstLine(visibleLines(start));
  // A text that was cut says nothing of how its last line began; what is known of it is said.
  return firstLine(visibleLines(end ?? '').reverse()) || firstLine(visibleLines(start).reverse());
}

function visibleLines(text: string): string[] {
  // Before the lines are told apart: a terminator of a string may stand in another line.
  return text.replace(ESCAPES, '').split(LINE_END);
}

function firstLine(lines: readonly string[], maxBytes = MAX_WORDS_BYTES): string {
  for (const line of lines) {
    const visible = line.replace(CONTROLS, ' ').replace(INVISIBLE, '').trim();
    if (visible !== '') return shorten(visible, maxBytes);
  }
  return '';
}
