import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import type { PolicyError } from '../core/policy.ts';
import type { Draft, Imported } from '../import/draft.ts';
import { MAX_ERRORS } from '../import/limits.ts';
import { readCfgFiles } from '../import/nagios/read-files.ts';
import { translateNagios } from '../import/nagios/translate.ts';
import { translateNpd } from '../import/npd/translate.ts';
import { readInput } from '../import/read-input.ts';
import { renderPolicies } from '../import/render.ts';
import { Refusal, type Source } from '../import/source.ts';
import { summarize } from '../import/summary.ts';
import { formatPolicyErrors } from '../policy/format-error.ts';
import { type LoadedPolicies, loadPolicyFiles } from '../policy/load-policies.ts';

type ImportOptions = { readonly from: 'npd' | 'nagios'; readonly files: string[]; readonly schema: string };

const DEFAULT_SCHEMA = 'schema/node-check-policy.v1.schema.json';

/**
 * `nsc import`: policies out of what runs today, on standard output; what is not in them is told on the other. Exit code 1 if
 * there is nothing to translate or something cannot be read: then nothing is printed.
 */
export const importCommand: CommandModule<object, ImportOptions> = {
  command: 'import <from> <files..>',
  describe: 'Make policies of what runs today: plugins of node-problem-detector, checks of Nagios and NRPE',
  builder: (yargs) =>
    yargs
      .usage('$0 import <npd|nagios> <files..>\n\nMake policies in mode Observe of what runs today.')
      .positional('from', {
        choices: ['npd', 'nagios'] as const,
        demandOption: true,
        describe:
          'npd: JSON of custom plugin monitors of node-problem-detector, ConfigMaps or Helm values with such. ' +
          'nagios: *.cfg of Nagios and NRPE, and what they include',
      })
      .positional('files', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'One or more, or - for standard input',
      })
      // Else yargs drops a - from a list.
      .parserConfiguration({ 'unknown-options-as-args': true })
      .option('schema', {
        type: 'string',
        requiresArg: true,
        default: DEFAULT_SCHEMA,
        describe: 'Path or URL at which editors find the schema of policies',
      })
      .example('$0 import npd ntp-monitor.json > policies/ntp.yaml', 'a custom plugin monitor')
      .example('kubectl get cm -n kube-system npd-config -o yaml | $0 import npd -', 'those in a ConfigMap')
      .example('$0 import npd values.yaml', 'custom_monitor_definitions of its Helm chart')
      .example('$0 import nagios /etc/nagios/nrpe.cfg > policies/nrpe.yaml', 'the commands that NRPE runs')
      .example('$0 import nagios services.cfg commands.cfg resource.cfg', 'services, with the macros that they use'),
  handler: importPolicies,
};

async function importPolicies({ from, files, schema }: ArgumentsCamelCase<ImportOptions>): Promise<void> {
  const paths = [...new Set(files)];
  const imported = await (from === 'npd' ? importNpd(paths) : importNagios(paths));
  const text = renderPolicies(imported, schema);
  const problems = problemsOf(text, imported);
  const lines = imported.errors.length > 0 ? problems : [...summarize(imported), ...problems];
  for (const line of lines) process.stderr.write(`${line}\n`);
  if (problems.length > 0) process.exitCode = 1;
  // What is redirected into a file is policies or nothing.
  else process.stdout.write(text);
}

/** What was made is held against the rules of an agent, whatever the files had in them. */
function problemsOf(text: string, { drafts, errors, omitted }: Imported): string[] {
  if (errors.length > 0) return formatPolicyErrors(errors, omitted);
  if (drafts.length === 0) return ['nothing to import: these files have no check that can run on a node'];
  const load = loadPolicyText(text);
  if (load.valid) return [];
  const inFiles = drafts.flatMap(errorsOf);
  const lines =
    inFiles.length > 0
      ? formatPolicyErrors(inFiles.slice(0, MAX_ERRORS), Math.max(inFiles.length - MAX_ERRORS, 0))
      : formatPolicyErrors(load.errors, load.omitted);
  return ['these files ask for what no policy can have:', ...lines];
}

/** Of the one policy, told where people wrote what it was made of: its own lines are nowhere to be seen. */
function errorsOf(draft: Draft): PolicyError[] {
  const load = loadPolicyText(renderPolicies({ drafts: [draft], notes: [] }, DEFAULT_SCHEMA));
  return load.valid ? [] : load.errors.map((error) => ({ ...error, ...draft.place }));
}

function loadPolicyText(text: string): LoadedPolicies {
  return loadPolicyFiles([{ name: 'policies', bytes: new TextEncoder().encode(text) }]);
}

async function importNpd(paths: readonly string[]): Promise<Imported> {
  const sources: Source[] = [];
  const errors: Imported['errors'][number][] = [];
  for (const path of paths) {
    try {
      sources.push(await readInput(path, process.stdin));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      errors.push(error.error);
    }
  }
  const imported = translateNpd(sources);
  return { ...imported, errors: [...errors, ...imported.errors] };
}

async function importNagios(paths: readonly string[]): Promise<Imported> {
  const { files, notes, errors } = await readCfgFiles(paths, process.stdin);
  const imported = translateNagios(files);
  return { ...imported, notes: [...notes, ...imported.notes], errors };
}
