import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { formatPolicyErrors, formatPolicyWarning } from '../policy/format-error.ts';
import type { ValidPolicies } from '../policy/load-policies.ts';
import { type PolicySource, readPolicyInput } from '../policy/read-input.ts';
import { findWarnings } from '../policy/warnings/find-warnings.ts';
import type { PolicyWarning } from '../policy/warnings/warning.ts';
import { count } from './count.ts';
import { toFindings } from './finding.ts';
import { FINDING_FORMATS } from './finding-formats.ts';
import { type PolicyInputOptions, toJson, withPolicyInput } from './policy-input.ts';

type ValidateOptions = PolicyInputOptions<keyof typeof FINDING_FORMATS> & { readonly strict: boolean };

const FORMATS = { github: 'workflow commands', gitlab: 'a Code Quality report', sarif: 'SARIF 2.1.0' } as const;

/** `nsc validate`: is this what an agent would accept? Exit code 1 if not, or if it cannot be read; a warning is no error. */
export const validateCommand: CommandModule<object, ValidateOptions> = {
  command: 'validate [path]',
  describe: 'Tell whether policy files are valid, with every error in them, and warn of what is likely to be regretted',
  builder: (yargs) =>
    withPolicyInput(yargs, FORMATS)
      .option('strict', { type: 'boolean', default: false, describe: 'Take warnings for errors' })
      .example('$0 validate policies/', 'every *.yaml, *.yml and *.json in the directory')
      .example('git show HEAD:policies/storage.yaml | $0 validate -', 'what another program prints')
      .example('kubectl kustomize overlays/tokyo | $0 validate -', 'the ConfigMaps with policies in a rendered stream')
      .example('$0 validate policies/ --strict --output github', 'in a workflow'),
  handler: validate,
};

async function validate({ path, output, strict }: ArgumentsCamelCase<ValidateOptions>): Promise<void> {
  const sources = await readPolicyInput(path, process.stdin);
  process.stdout.write(`${format(sources, output).join('\n')}\n`);
  const isRefused = (source: PolicySource) =>
    !source.load.valid || (strict && warningsOf(source.load, source).length > 0);
  if (sources.some(isRefused)) process.exitCode = 1;
}

function format(sources: readonly PolicySource[], output: ValidateOptions['output']): string[] {
  if (output === 'text') return sources.flatMap(toText);
  if (output === 'json') return [JSON.stringify(toJson(sources, describeValid))];
  const errors = sources.flatMap(({ load }) => (load.valid ? [] : load.errors));
  const warnings = sources.flatMap((source) => (source.load.valid ? warningsOf(source.load, source) : []));
  const findings = FINDING_FORMATS[output](toFindings(errors, warnings));
  // A log is read by people, too.
  return output === 'github' ? [...findings, ...sources.flatMap(verdict)] : findings;
}

function toText(source: PolicySource): string[] {
  const { load } = source;
  if (!load.valid) return formatPolicyErrors(load.errors, load.omitted);
  return [...warningsOf(load, source).map(formatPolicyWarning), ...verdict(source)];
}

/** The last line, of what is valid. */
function verdict({ kind, name, load }: PolicySource): string[] {
  if (!load.valid) return [];
  const { revision, policies, budgets } = load.set;
  const found = [count(policies.length, 'policy', 'policies'), count(budgets.length, 'budget', 'budgets')];
  if (kind !== 'File') found.push(`revision ${revision}`);
  return [`valid: ${found.join(', ')}${kind === 'ConfigMap' ? ` (ConfigMap ${name})` : ''}`];
}

/** With files as errors tell them. */
function warningsOf(load: ValidPolicies, source: PolicySource): PolicyWarning[] {
  return findWarnings(load, source).map(({ file, line, column, ...warning }) => ({
    ...warning,
    ...source.locate({ file, line, column }),
  }));
}

function describeValid(load: ValidPolicies, source: PolicySource): object {
  const { policies, budgets } = load.set;
  return {
    warnings: warningsOf(load, source),
    policies: policies.map(({ metadata }) => metadata.name),
    budgets: budgets.map(({ metadata }) => metadata.name),
  };
}
