import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { formatPolicyErrors } from '../policy/format-error.ts';
import { type PolicySource, readPolicyInput } from '../policy/read-input.ts';
import { type PolicyInputOptions, toJson, type ValidPolicies, withPolicyInput } from './policy-input.ts';

/** `nsc validate`: is this what an agent would accept? Exit code 1 if not, or if it cannot be read. */
export const validateCommand: CommandModule<object, PolicyInputOptions> = {
  command: 'validate [path]',
  describe: 'Tell whether policy files are valid, with every error in them',
  builder: (yargs) =>
    withPolicyInput(yargs)
      .example('$0 validate policies/', 'every *.yaml, *.yml and *.json in the directory')
      .example('git show HEAD:policies/storage.yaml | $0 validate -', 'what another program prints')
      .example('kubectl kustomize overlays/tokyo | $0 validate -', 'the ConfigMaps with policies in a rendered stream'),
  handler: validate,
};

async function validate({ path, output }: ArgumentsCamelCase<PolicyInputOptions>): Promise<void> {
  const sources = await readPolicyInput(path, process.stdin);
  const lines = output === 'json' ? [JSON.stringify(toJson(sources, namesOf))] : sources.flatMap(toText);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (sources.some(({ load }) => !load.valid)) process.exitCode = 1;
}

function toText({ kind, name, load }: PolicySource): string[] {
  if (!load.valid) return formatPolicyErrors(load.errors, load.omitted);
  const { revision, policies, budgets } = load.set;
  const found = [count(policies.length, 'policy', 'policies'), count(budgets.length, 'budget', 'budgets')];
  if (kind !== 'File') found.push(`revision ${revision}`);
  return [`valid: ${found.join(', ')}${kind === 'ConfigMap' ? ` (ConfigMap ${name})` : ''}`];
}

function namesOf({ set: { policies, budgets } }: ValidPolicies): object {
  return {
    policies: policies.map(({ metadata }) => metadata.name),
    budgets: budgets.map(({ metadata }) => metadata.name),
  };
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
