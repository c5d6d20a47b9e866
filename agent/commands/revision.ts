import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { formatPolicyErrors } from '../policy/format-error.ts';
import { readPolicyDirectory } from '../policy/read-directory.ts';
import { revisionOf } from '../policy/revision.ts';

type RevisionOptions = { readonly dir: string; readonly output: 'text' | 'json' };

/** `nsc revision`: the name of this content, the same in Git, in a ConfigMap and on a node, valid or not. */
export const revisionCommand: CommandModule<object, RevisionOptions> = {
  command: 'revision <dir>',
  describe: 'Print the revision of a policy directory',
  builder: (yargs) =>
    yargs
      .positional('dir', { type: 'string', demandOption: true, describe: 'A directory of policy files' })
      .nargs('dir', 1)
      .option('output', {
        alias: 'o',
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        describe: 'Format',
      })
      .example('$0 revision policies/', 'print its 12 hex digits'),
  handler: printRevision,
};

async function printRevision({ dir, output }: ArgumentsCamelCase<RevisionOptions>): Promise<void> {
  const { files, errors } = await readPolicyDirectory(dir);
  if (errors.length > 0) {
    process.exitCode = 1;
    // A script captures standard output; in JSON it can tell the one from the other.
    if (output === 'json') process.stdout.write(`${JSON.stringify({ revision: null, errors })}\n`);
    else process.stderr.write(`${formatPolicyErrors(errors).join('\n')}\n`);
    return;
  }
  const revision = revisionOf(files);
  process.stdout.write(output === 'json' ? `${JSON.stringify({ revision })}\n` : `${revision}\n`);
}
