import type { Argv, CommandModule } from 'yargs';
import { Parser } from 'yargs/helpers';
import { MAY_BE_EMPTY } from './commands/cluster-options.ts';
import { mustBeOneOf } from './policy/requirement.ts';
import { didYouMean } from './policy/suggest.ts';

/** Of what yargs knows of the options, what matters here; its types leave it out. */
type Known = {
  readonly key: Readonly<Record<string, unknown>>;
  readonly alias: Readonly<Record<string, readonly string[]>>;
  readonly array: readonly string[];
  readonly boolean: readonly string[];
  readonly string: readonly string[];
  readonly number: readonly string[];
  readonly choices: Readonly<Record<string, readonly string[]>>;
};
type Inside = { getOptions(): Known; getDemandedOptions(): Readonly<Record<string, unknown>> };

/** Each option's values, in the order in which they were given, and in `_` all that are none. */
type Given = { readonly _: readonly (string | number)[]; readonly [name: string]: unknown };

/**
 * Refuses a command line that cannot be meant, in words that name what is wrong with it. Yargs would guess: it makes a
 * list of what is given twice, an empty text or a number that is none of a value, and of an unknown word an argument.
 *
 * @param parser with the options of the command
 * @param args without the program; with --help or --version among them nothing is refused
 * @throws Error for the first mistake
 */
export function refuseMisuse(command: CommandModule, parser: Argv<unknown>, args: readonly string[]): void {
  const inside = parser as unknown as Inside;
  const known = inside.getOptions();
  const positionals = positionalsOf(command);
  const options = namesOf(known).filter((name) => !positionals.some((positional) => positional.name === name));
  const given = readGiven(known, args);
  refuseRepeated(known, given);
  if ([given.help, given.version].flat().includes(true)) return;
  refuseUnknown(given, options, known.alias, args);
  for (const name of options) {
    if (given[name] !== undefined) refuseValues(known, name, [given[name]].flat(), args);
    else if (name in inside.getDemandedOptions()) throw new Error(`--${name} is required`);
  }
  refuseWords(command, positionals, given._.slice(1).map(String), known.choices);
}

/** The word that names the command; undefined if there is none. */
export function commandWord(args: readonly string[]): string | undefined {
  const [word] = Parser([...args])._;
  return word === undefined ? undefined : String(word);
}

/** Every option is read as a list here, so that its length is how often it was given. */
function readGiven(known: Known, args: readonly string[]): Given {
  const { argv } = Parser.detailed([...args], {
    key: known.key,
    alias: Object.fromEntries(Object.entries(known.alias).map(([name, others]) => [name, [...others]])),
    array: namesOf(known),
    boolean: [...known.boolean],
    string: ['_', ...known.string, ...known.number],
    configuration: { 'greedy-arrays': false, 'dot-notation': false },
  } as Parameters<typeof Parser.detailed>[1]);
  return argv;
}

/** Without their other names. */
function namesOf({ key, alias }: Known): string[] {
  const others = new Set(Object.values(alias).flat());
  return Object.keys(key).filter((name) => !others.has(name));
}

function refuseUnknown(given: Given, options: readonly string[], alias: Known['alias'], args: readonly string[]): void {
  const names = options.flatMap((name) => [name, Parser.camelCase(name), ...(alias[name] ?? [])]);
  const unknown = Object.keys(given).find((name) => name !== '_' && !names.includes(name));
  if (unknown === undefined) return;
  const meant = didYouMean(unknown, options)?.replaceAll(/(?<=mean |or )/g, '--');
  // Yargs reads --no-x as x: false.
  const negated = flagOf(`no-${unknown}`);
  const written = args.some((arg) => arg.split('=', 1)[0] === negated) ? negated : flagOf(unknown);
  throw new Error(`${written} is not a known option${meant ? ` (${meant})` : ''}`);
}

/** Yargs would take the last value, or make a list of them. */
function refuseRepeated(known: Known, given: Given): void {
  for (const name of namesOf(known)) {
    const times = [given[name] ?? []].flat().length;
    if (times <= 1 || known.array.includes(name)) continue;
    const enough = known.boolean.includes(name) ? 'once is enough' : 'it takes one value';
    throw new Error(`--${name} is given ${times} times; ${enough}`);
  }
}

/** @param values none of an option that is given without one */
function refuseValues(known: Known, name: string, values: readonly unknown[], args: readonly string[]): void {
  if (known.boolean.includes(name)) return;
  for (const value of values.length === 0 ? [undefined] : values) {
    const isEmpty = value === '' || (value === undefined && isGivenEmpty(known, name, args));
    if (isEmpty && MAY_BE_EMPTY.includes(name)) continue;
    if (isEmpty) throw new Error(`--${name} must not be empty`);
    if (typeof value !== 'string') throw new Error(`--${name} needs a value`);
    refuseOther(`--${name}`, value, known.choices[name]);
    if (known.number.includes(name) && Number.isNaN(Number(value))) {
      throw new Error(`--${name} must be a number, found ${JSON.stringify(value)}`);
    }
  }
}

/** As in `--policy-dir=`. */
function isGivenEmpty({ alias }: Known, name: string, args: readonly string[]): boolean {
  const names = [name, Parser.camelCase(name), ...(alias[name] ?? [])];
  return names.some((each) => args.includes(`${flagOf(each)}=`));
}

function flagOf(name: string): string {
  return `${name.length > 1 ? '--' : '-'}${name}`;
}

type Positional = { readonly name: string; readonly isRequired: boolean; readonly isList: boolean };

/** As yargs reads `revision <dir>`, `validate [path]` and `release [nodes..]`. */
function positionalsOf({ command }: CommandModule): Positional[] {
  const words = String(command).matchAll(/([<[])(\w+)(\.\.)?[>\]]/g);
  return [...words].map(([, bracket, name = '', dots]) => ({
    name,
    isRequired: bracket === '<',
    isList: dots !== undefined,
  }));
}

function refuseWords(
  { command }: CommandModule,
  positionals: readonly Positional[],
  words: readonly string[],
  choices: Known['choices'],
): void {
  const [name] = String(command).split(' ');
  if (!positionals.some(({ isList }) => isList) && words.length > positionals.length) {
    throw new Error(`${enough(name, positionals)} ${words.slice(positionals.length).join(' ')}`);
  }
  for (const [index, word] of words.entries()) {
    const { name } = positionals[index] ?? positionals.at(-1) ?? { name: '' };
    if (word === '') throw new Error(`<${name}> must not be empty`);
    refuseOther(`<${name}>`, word, choices[name]);
  }
  // After what is wrong with those that are there: it decides what else is needed.
  const missing = positionals.find(({ isRequired }, index) => isRequired && words[index] === undefined);
  if (missing) throw new Error(`${name} needs <${missing.name}>`);
}

function enough(command: string | undefined, [one, ...others]: readonly Positional[]): string {
  if (one === undefined) return `${command} takes options only, found`;
  if (others.length === 0) return `one ${one.name} is enough, found also`;
  return `${command} takes ${[one, ...others].map(({ name }) => `<${name}>`).join(' and ')}, found also`;
}

function refuseOther(subject: string, value: string, choices: readonly string[] | undefined): void {
  if (choices === undefined || choices.includes(value)) return;
  throw new Error(`${subject} ${mustBeOneOf(choices, value)}, found ${JSON.stringify(value)}`);
}
