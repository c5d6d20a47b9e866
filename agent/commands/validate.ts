import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { formatPolicyErrors, formatPolicyWarning } from '../policy/format-error.ts';
import type { ValidPolicies } from '../policy/load-policies.ts';
import { fileOf, type PolicySource, readPolicyInput } from '../policy/read-input.ts';
import { findWarnings } from '../policy/warnings/find-warnings.ts';
import type { PolicyWarning } from '../policy/warnings/warning.ts';
import { type PolicyInputOptions, toJson, withPolicyInput } from './policy-input.ts';

/** `nsc validate`: is this what an agent would accept? Exit code 1 if not, or if it cannot be read; a warning is no error. */
export const validateCommand: CommandModule<object, PolicyInputOptions> = {
  command: 'validate [path]',
  describe: 'Tell whether policy files are valid, with every error in them, and warn of what is likely to be regretted',
  builder: (yargs) =>
    withPolicyInput(yargs)
      .example('$0 validate policies/', 'every *.yaml, *.yml and *.json in the directory')
      .example('git show HEAD:policies/storage.yaml | $0 validate -', 'what another program prints')
      .example('kubectl kustomize overlays/tokyo | $0 validate -', 'the ConfigMaps with policies in a rendered stream'),
  handler: validate,
};

async function validate({ path, output }: ArgumentsCamelCase<PolicyInputOptions>): Promise<void> {
  const sources = await readPolicyInput(path, process.stdin);
  const lines = output === 'json' ? [JSON.stringify(toJson(sources, describeValid))] : sources.flatMap(toText);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (sources.some(({ load }) => !load.valid)) process.exitCode = 1;
}

function toText(source: PolicySource): string[] {
  const { kind, name, load } = source;
  if (!load.valid) return formatPolicyErrors(load.errors, load.omitted);
  const { revision, policies, budgets } = load.set;
  const found = [count(policies.length, 'policy', 'policies'), count(budgets.length, 'budget', 'budgets')];
  if (kind !== 'File') found.push(`revision ${revision}`);
  const warnings = warningsOf(load, source).map(formatPolicyWarning);
  return [...warnings, `valid: ${found.join(', ')}${kind === 'ConfigMap' ? ` (ConfigMap ${name})` : ''}`];
}

/** With files as errors tell them. */
function warningsOf(load: ValidPolicies, source: PolicySource): PolicyWarning[] {
  return findWarnings(load).map((warning) => ({ ...warning, file: fileOf(source, warning.file) }));
}

function describeValid(load: ValidPolicies, source: PolicySource): object {
  const { policies, budgets } = load.set;
  return {
    warnings: warningsOf(load, source),
    policies: policies.map(({ metadata }) => metadata.name),
    budgets: budgets.map(({ metadata }) => metadata.name),
  };
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
