import type { PolicyError } from '../core/policy.ts';

/** Where something was written, as a person finds it. */
export type Place = Pick<PolicyError, 'file' | 'line' | 'column'>;

/** A text, and where each of its characters stands in a file. */
export type Source = { readonly text: string; readonly placeOf: (offset: number) => Place };

/** A whole file, without a byte order mark. Places are asked for in the order of the text, mostly. */
export function fileSource(file: string, text: string): Source {
  let [at, line, column] = [0, 1, 1];
  const placeOf = (offset: number) => {
    if (offset < at) [at, line, column] = [0, 1, 1];
    for (; at < offset; at++) {
      const unit = text.charCodeAt(at);
      if (unit === 0x0a) [line, column] = [line + 1, 1];
      // Columns are characters, and the second half of a pair of units is none.
      else if (unit < 0xdc00 || unit > 0xdfff) column++;
    }
    return { file, line, column };
  };
  return { text, placeOf };
}

/** A part of a text, from one offset to another. */
export function partOf({ text, placeOf }: Source, from: number, to: number): Source {
  return { text: text.slice(from, to), placeOf: (offset) => placeOf(from + offset) };
}

/** One thing that keeps a file from being translated. */
export class Refusal extends Error {
  readonly error: PolicyError;

  /** @param path as `$.rules[0].path`; `$` for the document */
  constructor(place: Place, path: string, requirement: string, found = '') {
    super(requirement);
    this.error = { ...place, path, requirement, found };
  }
}
