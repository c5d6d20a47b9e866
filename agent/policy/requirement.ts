import type { ErrorObject } from 'ajv';
import { didYouMean } from './suggest.ts';

/** Beside a suggestion, more known fields than this are not listed. */
const FEW = 8;

const TYPES: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  integer: 'an integer',
  boolean: 'true or false',
  null: 'null',
};

/** What the broken rule of the schema asks for, as a phrase that follows the path. */
export function requirementOf(error: ErrorObject): string {
  const { keyword, params, data } = error;
  const written = textInSchema(error);
  if (written !== undefined) return written;
  switch (keyword) {
    case 'additionalProperties':
      return unknownField(String(params.additionalProperty), Object.keys(error.parentSchema?.properties ?? {}));
    case 'required':
      return 'is required';
    case 'type':
      return mustBeOfType([params.type].flat(), data);
    case 'const':
      return `must be ${params.allowedValue}`;
    case 'enum':
      return mustBeOneOf(params.allowedValues, data);
    case 'minimum':
      return `must be at least ${params.limit}`;
    case 'maximum':
      return `must be at most ${params.limit}`;
    case 'minLength':
    case 'minItems':
      return 'must not be empty';
    case 'maxItems':
      return `must have at most ${params.limit} entries`;
    case 'uniqueItems':
      return 'must have no entry twice';
    case 'maxLength':
      return `must be at most ${params.limit} characters long`;
    default:
      return error.message ?? `must satisfy ${keyword}`;
  }
}

/** The schema's own words, which editors show as well. Those for a pattern say nothing to somebody with a wrong type. */
function textInSchema({ keyword, parentSchema }: ErrorObject): string | undefined {
  const isAboutText = keyword === 'pattern' || keyword === 'not';
  return parentSchema?.errorMessage ?? (isAboutText ? parentSchema?.patternErrorMessage : undefined);
}

function unknownField(name: string, known: readonly string[]): string {
  const meant = didYouMean(name, known);
  const hints = meant ? [meant] : [];
  if (!meant || known.length <= FEW) hints.push(`known: ${known.join(', ')}`);
  return `is not a known field (${hints.join(' ')})`;
}

function mustBeOfType(types: readonly string[], found: unknown): string {
  const isUnquoted = typeof found === 'number' || typeof found === 'boolean';
  const isLeftEmpty = found === null && types.includes('object');
  const hint =
    isUnquoted && types.includes('string')
      ? ' (write it in quotes)'
      : isLeftEmpty
        ? ' (write {} for one without fields)'
        : '';
  return `must be ${types.map((type) => TYPES[type] ?? type).join(' or ')}${hint}`;
}

/** @param found the wrong value, which may be close to a right one */
export function mustBeOneOf(allowed: readonly unknown[], found: unknown): string {
  const names = allowed.filter((value) => typeof value === 'string');
  const meant = typeof found === 'string' ? didYouMean(found, names) : undefined;
  return `must be one of ${allowed.map(String).join(', ')}${meant ? ` (${meant})` : ''}`;
}
