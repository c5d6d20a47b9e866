import type { PolicyError } from '../core/policy.ts';
import type { PolicyWarning } from './warnings/warning.ts';

/** Characters that could break the line or play tricks on a terminal: control, formatting, line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line: `a.yaml:3:17: $.spec.check.periodSeconds: must be at least 1, found 0`. */
export function formatPolicyError({ file, line, column, path, requirement, found }: PolicyError): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  const text = `${place}: ${path}: ${requirement}${found === '' ? '' : `, found ${found}`}`;
  return toPrintable(text);
}

/** One line, as compilers write it: place, `warning`, path, problem, advice, and the id in brackets. */
export function formatPolicyWarning({ file, line, column, path, problem, advice, id }: PolicyWarning): string {
  return toPrintable(`${file}:${line}:${column}: warning: ${path}: ${problem}; ${advice} [${id}]`);
}

/** The text with what could break the line escaped, as `\u{a}`. */
export function toPrintable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** A line for each error, and one for those that are only counted. */
export function formatPolicyErrors(errors: readonly PolicyError[], omitted = 0): string[] {
  return [...errors.map(formatPolicyError), ...(omitted > 0 ? [`and ${omitted} more`] : [])];
}
