import type { PolicyError } from '../core/policy.ts';
import { MAX_ERRORS } from './limits.ts';
import { type Problem, toPolicyError } from './problem.ts';
import { compareNames } from './revision.ts';

/** Errors as they are found: the first ones are kept, the others counted. Of several about the same thing one is kept. */
export class ErrorList {
  readonly #errors = new Map<string, PolicyError>();
  #omitted = 0;

  get isEmpty(): boolean {
    return this.#errors.size === 0;
  }

  get isFull(): boolean {
    return this.#errors.size >= MAX_ERRORS;
  }

  get omitted(): number {
    return this.#omitted;
  }

  add(...problems: readonly Problem[]): void {
    for (const problem of problems) {
      // Working out a position costs time, which nobody has for errors that are not shown.
      if (this.isFull) this.#omitted++;
      else this.addError(toPolicyError(problem));
    }
  }

  addError(error: PolicyError): void {
    const key = JSON.stringify([error.file, error.line, error.column, error.path]);
    if (this.isFull) this.#omitted++;
    else if (!this.#errors.has(key)) this.#errors.set(key, error);
  }

  /** Counts errors that nobody has to describe because the list is full. */
  omit(count: number): void {
    this.#omitted += count;
  }

  /** What was kept, in the order of the files and of the lines in them. */
  inFileOrder(): readonly PolicyError[] {
    const errors = [...this.#errors.values()];
    return errors.sort((a, b) => compareNames(a.file, b.file) || a.line - b.line || a.column - b.column);
  }
}
