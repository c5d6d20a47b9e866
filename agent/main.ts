#!/usr/bin/env node
import yargs, { type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { effectiveCommand } from './commands/effective.ts';
import { revisionCommand } from './commands/revision.ts';
import { runCommand } from './commands/run.ts';
import { validateCommand } from './commands/validate.ts';
import { verifyRolloutCommand } from './commands/verify-rollout.ts';
import { VERSION } from './version.ts';

/** Whether the command line was understood: what fails after that is no usage error. */
let understood = false;

const parser = yargs(hideBin(process.argv))
  .scriptName('nsc')
  .usage('$0 <command>\n\nKeeps sick Kubernetes nodes from hurting workloads.')
  .command(understoodBy(runCommand))
  .command(understoodBy(validateCommand))
  .command(understoodBy(effectiveCommand))
  .command(understoodBy(revisionCommand))
  .command(understoodBy(verifyRolloutCommand))
  .demandCommand(1, 'a command is needed')
  .strict()
  .version(VERSION)
  .wrap(100)
  .exitProcess(false)
  .fail(false);

try {
  await parser.parseAsync();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`nsc: ${message}\n${understood ? '' : 'Try: nsc --help\n'}`);
  process.exit(understood ? 1 : 2);
}

function understoodBy<T>(command: CommandModule<object, T>): CommandModule<object, T> {
  return {
    ...command,
    handler(options) {
      understood = true;
      return command.handler(options);
    },
  };
}
