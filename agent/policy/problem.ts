import type { PolicyError } from '../core/policy.ts';
import type { Place } from './source-text.ts';

/** Field names and list indices from a document's root to a value in it. */
export type Path = readonly (string | number)[];

/** What is wrong, before its position is worked out; only the first few of very many get that far. */
export type Problem = {
  readonly place: Place;
  readonly path: Path;
  readonly requirement: string;
  readonly found: string;
  /** Another place one has to look at, and what it is, as `also at`. */
  readonly related?: { readonly words: string; readonly place: Place };
};

const LONGEST_FIELD_NAME = 100;

/** The problem as the rest of the program knows it. */
export function toPolicyError({ place, path, requirement, found, related }: Problem): PolicyError {
  const { file, line, column } = positionOf(place);
  if (!related) return { file, line, column, path: formatPath(path), requirement, found };
  const other = positionOf(related.place);
  const otherPlace = `${other.file === file ? '' : `${other.file}:`}${other.line}:${other.column}`;
  const extended = `${requirement} (${related.words} ${otherPlace})`;
  return { file, line, column, path: formatPath(path), requirement: extended, found };
}

/** The place as people write it. */
export function positionOf({ source, offset }: Place): Pick<PolicyError, 'file' | 'line' | 'column'> {
  return { file: source.file, ...source.positionOf(offset) };
}

/** `$.spec.check.command[0]`; a field name that is no plain word is quoted, as in `$.spec.matchLabels["a/b"]`. */
export function formatPath(path: Path): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    if (/^[A-Za-z_$][\w$]{0,99}$/.test(step)) return `.${step}`;
    return `[${JSON.stringify(shorten(step, LONGEST_FIELD_NAME))}]`;
  });
  return `$${steps.join('')}`;
}

/** The beginning of a text, with `…` in place of the rest. */
export function shorten(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${[...text.slice(0, 2 * characters)].slice(0, characters - 1).join('')}…`;
}
