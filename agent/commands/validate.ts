import { join } from 'node:path';
import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import type { PolicyError } from '../core/policy.ts';
import { formatPolicyErrors } from '../policy/format-error.ts';
import { type PolicyInput, readPolicyInput } from '../policy/read-input.ts';

type ValidateOptions = { readonly path: string; readonly output: 'text' | 'json' };

/** `nsc validate`: is this what an agent would accept? Exit code 1 if not, or if it cannot be read. */
export const validateCommand: CommandModule<object, ValidateOptions> = {
  command: 'validate [path]',
  describe: 'Tell whether policy files are valid, with every error in them',
  builder: (yargs) =>
    yargs
      .positional('path', {
        type: 'string',
        default: '.',
        describe: 'A directory of policy files, one file, or - for standard input',
      })
      .nargs('path', 1) // else yargs does not take - for a value
      .check(({ _: [, ...unused] }) => {
        if (unused.length > 0) throw new Error(`one path is enough, found also ${unused.join(' ')}`);
        return true;
      })
      .option('output', {
        alias: 'o',
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        describe: 'Format',
      })
      .example('$0 validate policies/', 'every *.yaml, *.yml and *.json in the directory')
      .example('git show HEAD:policies/storage.yaml | $0 validate -', 'what another program prints'),
  handler: validate,
};

async function validate({ path, output }: ArgumentsCamelCase<ValidateOptions>): Promise<void> {
  const input = await readPolicyInput(path, process.stdin);
  const lines = output === 'json' ? [JSON.stringify(toJson(input, path))] : toText(input, path);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (!input.load.valid) process.exitCode = 1;
}

function toText({ kind, load }: PolicyInput, path: string): string[] {
  if (!load.valid) return formatPolicyErrors(withPaths(load.errors, path), load.omitted);
  const { revision, policies, budgets } = load.set;
  const found = [count(policies.length, 'policy', 'policies'), count(budgets.length, 'budget', 'budgets')];
  return [`valid: ${[...found, ...(kind === 'Directory' ? [`revision ${revision}`] : [])].join(', ')}`];
}

/** A revision is that of a directory, so a single file has none. */
function toJson({ kind, load }: PolicyInput, path: string): object {
  if (!load.valid) {
    const { revision, errors, omitted = 0 } = load;
    return { valid: false, ...(kind === 'Directory' && { revision }), errors: withPaths(errors, path), omitted };
  }
  const { revision, policies, budgets } = load.set;
  return {
    valid: true,
    ...(kind === 'Directory' && { revision }),
    policies: policies.map(({ metadata }) => metadata.name),
    budgets: budgets.map(({ metadata }) => metadata.name),
  };
}

/** Files as seen from where the command runs, so that editors and terminals can open them. */
function withPaths(errors: readonly PolicyError[], path: string): PolicyError[] {
  return errors.map((error) => (error.file === path ? error : { ...error, file: join(path, error.file) }));
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
