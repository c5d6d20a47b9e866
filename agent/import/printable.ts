/** What could break a line, or play tricks on a terminal or a reader. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Of one text of others, in a comment or a summary. */
const LONGEST_TEXT = 1000;

/** One line of visible characters; the others as `\u{a}`, what is very long cut. */
export function printable(text: string): string {
  const line = text.replaceAll(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return line.length > LONGEST_TEXT ? `${[...line].slice(0, LONGEST_TEXT - 1).join('')}…` : line;
}
