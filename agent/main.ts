#!/usr/bin/env node
import './commands/end-at-once.ts';

import { hideBin } from 'yargs/helpers';
import { createCommandLine, helpFor } from './command-line.ts';
import { findNodeProblem } from './node-version.ts';

/** Whether the command line was understood: what fails after that is no usage error. */
let understood = false;

// Whoever reads may have gone before all is said. Then what is said is nobody's, and the exit code still counts.
const ignoreClosed = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
};
// An agent goes on whatever becomes of its output, and sees to that itself.
if (process.argv[2] !== 'run') for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosed);

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
