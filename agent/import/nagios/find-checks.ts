import { formatPlace, type Note } from '../notes.ts';
import type { Place } from '../source.ts';
import { type Expanded, expandMacros, splitCheckCommand, whyMissing } from './macros.ts';
import { type CallTimeout, type NrpeCall, nrpeCall } from './nrpe-call.ts';
import { Templates } from './objects.ts';
import type { Definition, Directive, Directives } from './read-cfg.ts';
import { RUNS_ANOTHER_COMMAND, type Settings } from './settings.ts';
import { isUnscheduled } from './timing.ts';

/** A command line that is run as a check, its macros replaced, and what is known of how. */
export type FoundCheck = {
  /** As `service Root Partition`, `command check_load`. */
  readonly what: string;
  readonly label: string;
  readonly place: Place;
  readonly line: string;
  /** Where the command line was written. */
  readonly linePlace: Place;
  readonly runBy: 'Nagios' | 'NRPE';
  /** Of the service or host, with what it inherits; null where only the command is known. */
  readonly object: { readonly type: 'service' | 'host'; readonly directives: Directives } | null;
  /** When the check_nrpe of that service gives up; null where none asks for it. */
  readonly callTimeout: CallTimeout | null;
};

export type FoundChecks = { readonly checks: readonly FoundCheck[]; readonly notes: readonly Note[] };

/** Every check that the files define: of services and hosts, and NRPE's commands that none of these runs. */
export function findChecks(definitions: readonly Definition[], settings: Settings): FoundChecks {
  return new CheckFinder(definitions, settings).find();
}

type Command = { readonly line: string; readonly place: Place };

class CheckFinder {
  readonly #definitions: readonly Definition[];
  readonly #settings: Settings;
  readonly #templates: Templates;
  readonly #commands = new Map<string, Command>();
  readonly #run = new Set<string>();
  readonly #notes: Note[] = [];

  constructor(definitions: readonly Definition[], settings: Settings) {
    this.#definitions = definitions;
    this.#settings = settings;
    this.#templates = new Templates(definitions);
    for (const { type, directives } of definitions) {
      const name = directives.get('command_name')?.value;
      const line = directives.get('command_line');
      if (type === 'command' && name !== undefined && line)
        this.#commands.set(name, { line: line.value, place: line.place });
    }
  }

  find(): FoundChecks {
    const checks = this.#definitions.flatMap((definition) => this.#ofDefinition(definition));
    for (const [name, command] of this.#settings.nrpeCommands) {
      if (this.#run.has(`nrpe ${name}`)) continue;
      const alone = { label: name, place: command.place, object: null, callTimeout: null };
      checks.push(...this.#ofNrpe({ what: `command[${name}]`, ...alone }, command, null));
    }
    checks.push(...this.#ofCommands());
    return { checks, notes: [...this.#notes, ...this.#templates.notes] };
  }

  #ofDefinition(definition: Definition): FoundCheck[] {
    const { type, place, directives: own } = definition;
    if (own.get('register')?.value === '0' || type === 'command') return [];
    const isChecked = type === 'service' || type === 'host';
    const directives = isChecked ? this.#templates.resolve(definition) : own;
    const checkCommand = directives.get('check_command');
    if (!isChecked || checkCommand === undefined) {
      return this.#leaveOut(`define ${type}`, place, 'says nothing of a check');
    }
    const { name, args } = splitCheckCommand(checkCommand.value);
    const label = directives.get('service_description')?.value ?? `${type} ${name}`;
    const what = type === 'service' ? `service ${label}` : `host ${directives.get('host_name')?.value ?? ''}`;
    this.#run.add(name);
    if (directives.get('active_checks_enabled')?.value === '0') {
      return this.#leaveOut(what, place, 'its checks are passive: something else runs them and tells the result');
    }
    if (isUnscheduled(directives)) {
      return this.#leaveOut(
        what,
        place,
        'its check_interval is 0: Nagios does not schedule it, something else may run it',
      );
    }
    const command = this.#commands.get(name);
    if (command === undefined) return this.#leaveOut(what, place, `its command ${name} is in none of the files`);
    const values = args.map((arg) => expandMacros(arg, this.#user));
    const { text, missing } = expandMacros(command.line, (macro) => this.#macro(macro, values, ''));
    const nrpe = nrpeCall(text, missing);
    const needed = nrpe === null ? missing : nrpe.missing;
    if (needed.length > 0) {
      const isInArgs = values.some((value) => value.missing.some((macro) => needed.includes(macro)));
      const inArgs = { line: checkCommand.value, place: checkCommand.place };
      return this.#leaveOutMissing(what, place, needed, isInArgs ? [command, inArgs] : [command]);
    }
    const found = { what, label, place, object: { type, directives } } as const;
    if (nrpe !== null) return this.#throughNrpe(found, nrpe);
    return [{ ...found, line: text, linePlace: command.place, runBy: 'Nagios', callTimeout: null }];
  }

  #throughNrpe(
    found: Pick<FoundCheck, 'what' | 'label' | 'place' | 'object'>,
    { name, args, timeout }: NrpeCall,
  ): FoundCheck[] {
    const command = this.#settings.nrpeCommands.get(name);
    if (command === undefined) {
      return this.#leaveOut(found.what, found.place, `NRPE runs it on the node as ${name}; give its nrpe.cfg as well`);
    }
    this.#run.add(`nrpe ${name}`);
    return this.#ofNrpe({ ...found, callTimeout: timeout }, command, args);
  }

  /** @param args null where nothing is known of who asks for the command */
  #ofNrpe(
    found: Pick<FoundCheck, 'what' | 'label' | 'place' | 'object' | 'callTimeout'>,
    { value, place: linePlace }: Directive,
    args: readonly string[] | null,
  ): FoundCheck[] {
    const line = [this.#settings.nrpePrefix, value].filter((part) => part !== '').join(' ');
    const { text, missing } = expandMacros(line, (macro) => this.#macro(macro, args ?? [], args ? '' : undefined));
    if (missing.length > 0)
      return this.#leaveOutMissing(found.what, found.place, missing, [{ line, place: linePlace }]);
    return [{ ...found, line: text, linePlace, runBy: 'NRPE' }];
  }

  /** Commands that no service runs may be anything; where there are no services at all, checks are what they are for. */
  #ofCommands(): FoundCheck[] {
    const others = [
      ...this.#settings.otherCommands,
      ...this.#definitions.flatMap(({ directives }) => otherCommandsOf(directives)),
    ];
    const otherNames = others.flatMap((value) => value.split(',')).map((value) => splitCheckCommand(value).name);
    const hasObjects = this.#definitions.some(({ type }) => type === 'service' || type === 'host');
    return [...this.#commands].flatMap(([name, command]): FoundCheck[] => {
      if (this.#run.has(name)) return [];
      const what = `command ${name}`;
      if (hasObjects || otherNames.includes(name))
        return this.#leaveOut(what, command.place, 'no service or host runs it as its check');
      const { text, missing } = expandMacros(command.line, this.#user);
      if (missing.length > 0) return this.#leaveOutMissing(what, command.place, missing, [command]);
      return [
        {
          what,
          label: name,
          place: command.place,
          line: text,
          linePlace: command.place,
          runBy: 'Nagios',
          object: null,
          callTimeout: null,
        },
      ];
    });
  }

  /** What is no path may be a password: files of such macros are kept from others, and policies are not. */
  readonly #user = (macro: string): string | undefined => {
    const value = this.#settings.macros.get(`$${macro}$`);
    return value?.startsWith('/') ? value : undefined;
  };

  /** @param usual of an argument that is not given */
  #macro<Arg extends string | Expanded>(
    macro: string,
    args: readonly Arg[],
    usual: string | undefined,
  ): Arg | string | undefined {
    const number = /^ARG(\d+)$/.exec(macro)?.[1];
    return number === undefined ? this.#user(macro) : (args[Number(number) - 1] ?? usual);
  }

  /** @param written the lines that the macros stand in */
  #leaveOutMissing(what: string, place: Place, missing: readonly string[], written: readonly Command[]): [] {
    const lines = written.map(({ line, place: linePlace }) => `${formatPlace(linePlace)}: ${line}`);
    const why = whyMissing(missing, (macro) => this.#settings.macros.has(macro));
    return this.#leaveOut(what, place, `${why}; written in ${lines.join(', and ')}`);
  }

  #leaveOut(what: string, place: Place, why: string): [] {
    this.#notes.push({ what, place, why });
    return [];
  }
}

function otherCommandsOf(directives: Directives): string[] {
  const named = [...directives].filter(([name]) => name !== 'check_command' && RUNS_ANOTHER_COMMAND.test(name));
  return named.map(([, { value }]) => value);
}
