import type { Argv } from 'yargs';
import { Parser } from 'yargs/helpers';

/** Of what yargs knows of the options, what matters here; its types leave `getOptions` out. */
type Known = {
  readonly key: Readonly<Record<string, unknown>>;
  readonly alias: Readonly<Record<string, readonly string[]>>;
  readonly array: readonly string[];
  readonly boolean: readonly string[];
  readonly string: readonly string[];
  readonly number: readonly string[];
};

/**
 * Refuses options that are no lists and are given more than once, by whatever of their names. Yargs would make a list of
 * their values, or take the last one without a word.
 *
 * @param parser with the options of the command that `args` name
 * @throws Error that names the option
 */
export function refuseRepeated(parser: Argv<unknown>, args: readonly string[]): void {
  const known = (parser as unknown as { getOptions(): Known }).getOptions();
  const names = Object.keys(known.key);
  const aliases = new Set(Object.values(known.alias).flat());
  // Every option is read as a list here, so that its length is how often it was given.
  const { argv } = Parser.detailed([...args], {
    key: known.key,
    alias: Object.fromEntries(Object.entries(known.alias).map(([name, others]) => [name, [...others]])),
    array: names,
    boolean: [...known.boolean],
    string: [...known.string],
    configuration: { 'greedy-arrays': false, 'dot-notation': false },
  } as Parameters<typeof Parser.detailed>[1]);
  for (const name of names) {
    if (aliases.has(name) || known.array.includes(name)) continue;
    const times = [argv[name] ?? []].flat().length;
    const enough = known.boolean.includes(name) ? 'once is enough' : 'it takes one value';
    if (times > 1) throw new Error(`--${name} is given ${times} times; ${enough}`);
  }
}
