#!/usr/bin/env node
import './commands/end-at-once.ts';

import { hideBin } from 'yargs/helpers';
import { createCommandLine, helpFor } from './command-line.ts';
import { findNodeProblem } from './node-version.ts';

/** Whether the command line was understood: what fails after that is no usage error. */
let understood = false;

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`nsc: ${message}${understood ? '' : `; see ${helpFor(hideBin(process.argv))}`}\n`);
  process.exit(understood ? 1 : 2);
});

/** A function, because the executable is made of CommonJS, which has no top-level await. */
async function main() {
  const problem = findNodeProblem(process.versions.node);
  if (problem !== undefined) {
    understood = true;
    throw new Error(problem);
  }
  const commandLine = createCommandLine(hideBin(process.argv), () => {
    understood = true;
  });
  await commandLine.parseAsync();
}
