#!/usr/bin/env node
import yargs, { type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { effectiveCommand } from './commands/effective.ts';
import { releaseCommand } from './commands/release.ts';
import { revisionCommand } from './commands/revision.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { validateCommand } from './commands/validate.ts';
import { verifyRolloutCommand } from './commands/verify-rollout.ts';
import { findNodeProblem } from './node-version.ts';
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
  .command(understoodBy(statusCommand))
  .command(understoodBy(verifyRolloutCommand))
  .command(understoodBy(releaseCommand))
  .demandCommand(1, 'a command is needed')
  .strict()
  .version(VERSION)
  .wrap(100)
  // There are no other languages to look for.
  .detectLocale(false)
  .exitProcess(false)
  .fail(false);

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`nsc: ${message}\n${understood ? '' : 'Try: nsc --help\n'}`);
  process.exit(understood ? 1 : 2);
});

/** A function, because the executable is made of CommonJS, which has no top-level await. */
async function main() {
  const problem = findNodeProblem(process.versions.node);
  if (problem !== undefined) {
    understood = true;
    throw new Error(problem);
  }
  await parser.parseAsync();
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
