import type { Note } from '../notes.ts';
import { parseNumber } from './parse-number.ts';
import type { Setting } from './read-cfg.ts';

/** Of all files together, what they say about how checks run. Of several values the last one counts. */
export type Settings = {
  /** Seconds of one unit of check_interval and retry_interval; Nagios: 60. */
  readonly intervalLength: number;
  /** Seconds after which Nagios ends the check of a service; 60. */
  readonly serviceTimeout: number;
  /** The same of a host; 30. */
  readonly hostTimeout: number;
  /** What Nagios makes of such a check: a letter as in its configuration; `c`, CRITICAL. */
  readonly timeoutState: string;
  /** Seconds after which NRPE ends a command; 60. */
  readonly nrpeTimeout: number;
  /** What NRPE puts before every command, or the empty string. */
  readonly nrpePrefix: string;
  /** By name, as `$USER1$`. */
  readonly macros: ReadonlyMap<string, string>;
  /** NRPE's commands by name. */
  readonly nrpeCommands: ReadonlyMap<string, Setting>;
  /** The commands that do something instead of checking something. */
  readonly otherCommands: readonly string[];
  readonly notes: readonly Note[];
};

/** By these a file names others. */
export const FILE_REFERENCES: readonly string[] = ['cfg_file', 'resource_file', 'include', 'include_file'];
export const DIRECTORY_REFERENCES: readonly string[] = ['cfg_dir', 'include_dir'];
/** In settings and objects alike: these run a command that is no check. */
export const RUNS_ANOTHER_COMMAND = /(_handler|_commands?|_perfdata_command|_file_processing_command)$/;

const KNOWN = [
  'interval_length',
  'service_check_timeout',
  'host_check_timeout',
  'service_check_timeout_state',
  'command_timeout',
  'command_prefix',
];

/** Reads what of the settings is about checks, and notes the others. */
export function readSettings(settings: readonly Setting[]): Settings {
  const values = new Map(settings.map(({ name, value }) => [name, value]));
  const refused: Note[] = [];
  const number = (name: string, usual: number) => {
    const setting = settings.findLast((each) => each.name === name);
    const value = setting && parseNumber(setting.value);
    if (value || setting === undefined) return value || usual;
    const why = `must be a number above zero; the default, ${usual}, is taken`;
    refused.push({ what: `${name}=${setting.value}`, place: setting.place, why });
    return usual;
  };
  const nrpeCommands = new Map<string, Setting>();
  const others: Setting[] = [];
  const replaced: Setting[] = [];
  for (const setting of settings) {
    const command = /^command\[(.+)\]$/.exec(setting.name)?.[1];
    if (command !== undefined) {
      const before = nrpeCommands.get(command);
      if (before) replaced.push(before);
      nrpeCommands.set(command, setting);
    } else if (!isAboutChecks(setting.name)) others.push(setting);
  }
  return {
    intervalLength: number('interval_length', 60),
    serviceTimeout: number('service_check_timeout', 60),
    hostTimeout: number('host_check_timeout', 30),
    timeoutState: values.get('service_check_timeout_state') ?? 'c',
    nrpeTimeout: number('command_timeout', 60),
    nrpePrefix: values.get('command_prefix') ?? '',
    macros: values,
    nrpeCommands,
    otherCommands: settings.filter(({ name }) => RUNS_ANOTHER_COMMAND.test(name)).map(({ value }) => value),
    notes: [
      ...refused,
      ...others.map(({ name, place }) => ({ what: name, place, why: 'about the program, not about its checks' })),
      ...replaced.map(({ name, place }) => ({
        what: name,
        place,
        why: 'defined again after that, and the last one counts',
      })),
    ],
  };
}

function isAboutChecks(name: string): boolean {
  return KNOWN.includes(name) || [...FILE_REFERENCES, ...DIRECTORY_REFERENCES].includes(name) || /^\$.*\$$/.test(name);
}
