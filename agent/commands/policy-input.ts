import type { Argv } from 'yargs';
import type { ValidPolicies } from '../policy/load-policies.ts';
import type { PolicySource } from '../policy/read-input.ts';

/** What commands that read policies have in common. */
export type PolicyInputOptions<Format extends string = never> = {
  readonly path: string;
  readonly output: 'text' | 'json' | Format;
};

/**
 * Adds `[path]`, the current directory by default, and `--output`.
 *
 * @param formats what is said of those that only this command has; empty: there are none
 */
export function withPolicyInput<Format extends string = never>(
  yargs: Argv<object>,
  formats: Readonly<Record<Format, string>> | Record<string, never> = {},
): Argv<PolicyInputOptions<Format>> {
  const described = Object.entries(formats).map(([format, what]) => `${format}: ${what}`);
  return yargs
    .positional('path', {
      type: 'string',
      default: '.',
      describe:
        'A directory of policy files, one file, or - for standard input; ' +
        'a file may also be a rendered stream of Kubernetes objects, with the policies in ConfigMaps',
    })
    .nargs('path', 1) // else yargs does not take - for a value
    .option('output', {
      alias: 'o',
      choices: ['text', 'json', ...(Object.keys(formats) as Format[])] as const,
      default: 'text' as const,
      describe: ['Format', ...described].join('; '),
    }) as Argv<PolicyInputOptions<Format>>;
}

/**
 * One set is told as an object with `valid`, `revision` (not of a single file), of a ConfigMap also its name, and what
 * `describeValid` says, or `errors` and `omitted`. Several are told in the list `configMaps`, and together in the
 * fields around it.
 */
export function toJson(
  sources: readonly PolicySource[],
  describeValid: (load: ValidPolicies, source: PolicySource) => object,
): object {
  const results = sources.map((source) => {
    const { kind, name, load } = source;
    return {
      valid: load.valid,
      ...(kind === 'ConfigMap' && { configMap: name }),
      ...(kind !== 'File' && { revision: load.valid ? load.set.revision : load.revision }),
      ...(load.valid ? describeValid(load, source) : { errors: load.errors, omitted: load.omitted ?? 0 }),
    };
  });
  const [first, ...others] = results;
  if (first && others.length === 0) return first;
  const invalid = sources.flatMap(({ load }) => (load.valid ? [] : [load]));
  return {
    valid: invalid.length === 0,
    ...(invalid.length > 0 && {
      errors: invalid.flatMap(({ errors }) => errors),
      omitted: invalid.reduce((sum, { omitted = 0 }) => sum + omitted, 0),
    }),
    configMaps: results,
  };
}
