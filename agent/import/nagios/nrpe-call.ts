import { splitCommand } from './split-command.ts';

/** What a command line asks NRPE for. */
export type NrpeCall = {
  readonly name: string;
  readonly args: readonly string[];
  /** Macros without a value in the name and in the arguments; those about the way there do not matter. */
  readonly missing: readonly string[];
  readonly timeout: CallTimeout;
};

/** When check_nrpe itself gives up, and what it calls the service then. */
export type CallTimeout = {
  readonly seconds: number;
  readonly state: 'OK' | 'WARNING' | 'CRITICAL' | 'UNKNOWN';
  /** What was written for the seconds or the state and is none; check_nrpe does not run with that. */
  readonly refused: string | null;
};

/** Of check_nrpe without `-t`. */
const DEFAULT_TIMEOUT: CallTimeout = { seconds: 10, state: 'CRITICAL', refused: null };
const STATES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/** Its options that have a value; all others have none. */
const SHORT_WITH_VALUE = 'HbfcatpPSLCKAdsg';
const LONG_WITH_VALUE =
  /^--(host|bind|config-file|command|args|timeout|port|payload-size|client-cert|(ssl|use)-.+|.*-(file|list))$/;

/** Stands for a macro while a line is split: no shell and no plugin means anything by it. */
const MARK = '\ue000';

/**
 * What a line asks NRPE for; null for a line that does not run check_nrpe.
 *
 * @param missing the macros that are left in the line
 */
export function nrpeCall(line: string, missing: readonly string[]): NrpeCall | null {
  const marked = missing.reduce((text, macro, index) => text.replaceAll(macro, `${MARK}${index}${MARK}`), line);
  const unmark = (word: string) =>
    missing.reduce((text, macro, index) => text.replaceAll(`${MARK}${index}${MARK}`, macro), word);
  const [program = '', ...words] = splitCommand(marked)?.map(unmark) ?? [];
  if (!/(^|\/)check_nrpe$/.test(program)) return null;
  let name: string | undefined;
  let args: readonly string[] = [];
  let timeout = DEFAULT_TIMEOUT;
  for (const { option, value, rest } of optionsOf(words)) {
    if (option === '-c' || option === '--command') name = value;
    if (option === '-t' || option === '--timeout') timeout = readTimeout(value, timeout);
    if (option === '-u' || option === '--unknown-timeout') timeout = { ...timeout, state: 'UNKNOWN' };
    if (option !== '-a' && option !== '--args') continue;
    args = [value, ...rest];
    break;
  }
  if (name === undefined) return null;
  const said = [name, ...args];
  return { name, args, timeout, missing: missing.filter((macro) => said.some((word) => word.includes(macro))) };
}

type Option = { readonly option: string; readonly value: string; readonly rest: readonly string[] };

/** As getopt reads them: `-t 30`, `-t30`, `-nut30`, `--timeout 30`, `--timeout=30`. */
function* optionsOf(words: readonly string[]): Generator<Option> {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word.startsWith('--')) {
      const [, option = '', value] = /^(--[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      if (value === undefined && LONG_WITH_VALUE.test(option)) at++;
      yield { option, value: value ?? words[at] ?? '', rest: words.slice(at + 1) };
    } else if (word.startsWith('-')) {
      for (let letter = 1; letter < word.length; letter++) {
        const option = `-${word[letter]}`;
        const takesValue = SHORT_WITH_VALUE.includes(word[letter] ?? '');
        const joined = word.slice(letter + 1);
        if (takesValue && joined === '') at++;
        yield { option, value: joined || (words[at] ?? ''), rest: words.slice(at + 1) };
        if (takesValue) break;
      }
    }
  }
}

/** `SECONDS`, `SECONDS:STATE` or `:STATE`, the state as a word or a number; it reads no further than the digits of `30s`. */
function readTimeout(value: string, before: CallTimeout): CallTimeout {
  const [, digits = '', rest = '', written = ''] = /^(\d*)([^:]*):?(.*)$/s.exec(value) ?? [];
  const isStateOnly = digits === '' && rest === '' && written !== '';
  const seconds = isStateOnly ? before.seconds : Number(digits);
  const state = STATES.find((each, code) => [each, `${code}`].includes(written.toUpperCase()));
  if (seconds === 0 || (written !== '' && state === undefined)) return { ...before, refused: value };
  return { seconds, state: state ?? before.state, refused: null };
}
