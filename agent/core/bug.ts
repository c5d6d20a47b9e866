/** What every text about a defect of this program begins with, so that people and programs know one. */
export const BUG_PREFIX = 'internal error: ';

/** A line of a log or a cell of a table. */
const MAX_CHARACTERS = 300;

/** What the runtime throws where a program is wrong. */
const DEFECTS = [TypeError, ReferenceError, RangeError, EvalError, URIError];

/**
 * Whether an error is a defect of this program. Nobody outside can mend one, and trying again seldom helps. What
 * adapters say of the API server, and any other error with a message for people, is none, whatever its cause.
 */
export function isBug(error: unknown): error is Error {
  if (error instanceof AggregateError) return error.errors.some(isBug);
  // Of a text from outside that is no JSON; any other SyntaxError is of a text of ours, such as a regular expression.
  if (error instanceof SyntaxError) return !/\bJSON\b/.test(error.message);
  return DEFECTS.some((kind) => error instanceof kind) || isAssertion(error);
}

/** Kind and message in one short line: the same for the same defect. */
export function describeBug(error: Error): string {
  const text = `${error.name}: ${error.message}`.replace(/\s+/g, ' ').trim();
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 1)}…` : text;
}

function isAssertion(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_ASSERTION';
}
