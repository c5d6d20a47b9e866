import { createHash } from 'node:crypto';
import type { PolicyError } from '../core/policy.ts';
import { toPrintable } from '../policy/format-error.ts';
import type { PolicyWarning } from '../policy/warnings/warning.ts';

/** One error or warning about policy files, for the formats of other programs. */
export type Finding = {
  readonly level: 'error' | 'warning';
  /** Stable: what kind it is. */
  readonly rule: string;
  /** As it is told; a path seen from the current directory. */
  readonly file: string;
  /** 1-based; 1 for what is about the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** One visible line. */
  readonly message: string;
  /** The same for as long as the same is wrong at the same place of a document, on whichever line that is; unique in a report. */
  readonly fingerprint: string;
};

/** Every error has this one: what is wrong stands in the message. */
export const ERROR_RULE = 'InvalidPolicy';

/** Errors and warnings in one list, each with a fingerprint of its own. */
export function toFindings(errors: readonly PolicyError[], warnings: readonly PolicyWarning[]): Finding[] {
  const seen = new Map<string, number>();
  const finish = (path: string, finding: Omit<Finding, 'fingerprint'>): Finding => {
    const { rule, file, message } = finding;
    const key = JSON.stringify([rule, file, path, message]);
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    return { ...finding, fingerprint: createHash('sha256').update(`${key}${nth}`).digest('hex') };
  };
  return [
    ...errors.map(({ path, requirement, found, ...place }) =>
      finish(path, {
        level: 'error',
        rule: ERROR_RULE,
        ...placeOf(place),
        message: toPrintable(`${path}: ${requirement}${found === '' ? '' : `, found ${found}`}`),
      }),
    ),
    ...warnings.map(({ id, path, problem, advice, ...place }) =>
      finish(path, {
        level: 'warning',
        rule: id,
        ...placeOf(place),
        message: toPrintable(`${path}: ${problem}; ${advice}`),
      }),
    ),
  ];
}

function placeOf({ file, line, column }: Pick<Finding, 'file' | 'line' | 'column'>) {
  return { file: toPrintable(file), line: Math.max(1, line), column: Math.max(1, column) };
}
