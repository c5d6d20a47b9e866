import yargs, { type Argv, type CommandModule } from 'yargs';
import { effectiveCommand } from './commands/effective.ts';
import { importCommand } from './commands/import.ts';
import { nodesCommand } from './commands/nodes.ts';
import { planCommand } from './commands/plan.ts';
import { releaseCommand } from './commands/release.ts';
import { revisionCommand } from './commands/revision.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { tryCommand } from './commands/try.ts';
import { validateCommand } from './commands/validate.ts';
import { verifyRolloutCommand } from './commands/verify-rollout.ts';
import { didYouMean } from './policy/suggest.ts';
import { commandWord, refuseMisuse } from './refuse-misuse.ts';
import { VERSION } from './version.ts';

/** In the order in which the help has them. */
export const COMMANDS = [
  runCommand,
  tryCommand,
  validateCommand,
  effectiveCommand,
  revisionCommand,
  planCommand,
  importCommand,
  statusCommand,
  verifyRolloutCommand,
  nodesCommand,
  releaseCommand,
] as unknown as readonly CommandModule[];

/** What a command is called by. */
const NAMES = COMMANDS.map(nameOf);

/** How to get the help of the command that was named, or else that of the program. */
export function helpFor(args: readonly string[]): string {
  const word = commandWord(args);
  return word !== undefined && NAMES.includes(word) ? `nsc ${word} --help` : 'nsc --help';
}

/**
 * All commands with their options. Whoever parses gets an error for a command line that cannot be understood.
 *
 * @param args without the program
 * @param onUnderstood the command is about to run: what fails from then on is no usage error
 * @throws Error when they name no command
 */
export function createCommandLine(args: readonly string[], onUnderstood: () => void): Argv {
  const parser = yargs([...args])
    .scriptName('nsc')
    .usage('$0 <command>\n\nKeeps sick Kubernetes nodes from hurting workloads.');
  for (const command of COMMANDS) parser.command(strict(command, args, onUnderstood));
  if (!args.includes('--help') && !args.includes('--version')) refuseUnknownCommand(commandWord(args));
  return (
    parser
      .strict()
      .version(VERSION)
      .wrap(100)
      // There are no other languages to look for.
      .detectLocale(false)
      .exitProcess(false)
      .fail(false)
  );
}

function strict(command: CommandModule, args: readonly string[], onUnderstood: () => void): CommandModule {
  return {
    ...command,
    builder(parser) {
      const built = buildOptions(command, parser);
      refuseMisuse(command, built, args);
      return built;
    },
    handler(options) {
      onUnderstood();
      return command.handler(options);
    },
  };
}

function refuseUnknownCommand(word: string | undefined): void {
  if (word === undefined) throw new Error(`a command is needed: ${NAMES.join(', ')}`);
  if (NAMES.includes(word)) return;
  const meant = didYouMean(word, NAMES);
  throw new Error(`${word} is not a command (${meant ?? `known: ${NAMES.join(', ')}`})`);
}

function nameOf({ command }: CommandModule): string {
  return String(command).split(' ')[0] ?? '';
}

/** The parser with the options of this command. */
export function buildOptions(command: CommandModule, parser: Argv): Argv {
  return (command.builder as (parser: Argv) => Argv)(parser);
}
