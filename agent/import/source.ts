import type { PolicyError } from '../core/policy.ts';

/** Where something was written, as a person finds it. */
export type Place = Pick<PolicyError, 'file' | 'line' | 'column'>;

/** A text, and where each of its characters stands in a file. */
export type Source = { readonly text: string; readonly placeOf: (offset: number) => Place };

/** A whole file, without a byte order mark. */
export function fileSource(file: string, text: string): Source {
  const starts = [0];
  for (const { index } of text.matchAll(/\n/g)) starts.push(index + 1);
  const placeOf = (offset: number) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return { file, line: line + 1, column: [...text.slice(starts[line], offset)].length + 1 };
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
