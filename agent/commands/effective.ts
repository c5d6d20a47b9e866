import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import type { NodeCheckPolicy, NodeDisruptionBudget } from '../core/policy.ts';
import { explainPolicies } from '../policy/explain.ts';
import { formatPolicyErrors, toPrintable } from '../policy/format-error.ts';
import type { Origin, ValidPolicies } from '../policy/load-policies.ts';
import { type PolicySource, readPolicyInput } from '../policy/read-input.ts';
import { type PolicyInputOptions, toJson, withPolicyInput } from './policy-input.ts';

/** `nsc effective`: what is in force, and which line of which file says so. Exit code 1 if it is not valid. */
export const effectiveCommand: CommandModule<object, PolicyInputOptions> = {
  command: 'effective [path]',
  describe: 'Print policies with patches applied and defaults filled in, and where each value comes from',
  builder: (yargs) =>
    withPolicyInput(yargs)
      .example('$0 effective policies/', 'what is in force where these files are')
      .example('kubectl kustomize overlays/tokyo | $0 effective -', 'what is in force in a cluster'),
  handler: printEffective,
};

async function printEffective({ path, output }: ArgumentsCamelCase<PolicyInputOptions>): Promise<void> {
  const sources = await readPolicyInput(path, process.stdin);
  const errors = sources.flatMap(({ load }) => (load.valid ? [] : formatPolicyErrors(load.errors, load.omitted)));
  if (errors.length > 0) process.exitCode = 1;
  if (output === 'json') process.stdout.write(`${JSON.stringify(toJson(sources, explainInJson))}\n`);
  // What is redirected into a file is policies or nothing.
  else if (errors.length > 0) process.stderr.write(`${errors.join('\n')}\n`);
  else process.stdout.write(sources.map(toText).join('---\n'));
}

function toText({ kind, name, load }: PolicySource): string {
  if (!load.valid) return '';
  if (kind === 'File') return explainPolicies(load);
  const of = kind === 'ConfigMap' ? `the ConfigMap ${name}` : name;
  return `# revision ${load.set.revision} of ${toPrintable(of)}\n${explainPolicies(load)}`;
}

/** `origins` has no path for a default; `removals` tells where a patch's null took a field away. */
function explainInJson({ set: { policies, budgets }, originsOf, removalsOf }: ValidPolicies): object {
  const documents = [...policies, ...budgets];
  return { policies, budgets, origins: placesIn(documents, originsOf), removals: placesIn(documents, removalsOf) };
}

type PolicyObject = NodeCheckPolicy | NodeDisruptionBudget;

/** By kind and name, then by JSON path: `file:line:column`. */
function placesIn(documents: readonly PolicyObject[], placesOf: (of: PolicyObject) => ReadonlyMap<string, Origin>) {
  const entries = documents.map((document) => {
    const places = [...placesOf(document)].map(([path, { file, line, column }]) => [path, `${file}:${line}:${column}`]);
    return [`${document.kind}/${document.metadata.name}`, Object.fromEntries(places)];
  });
  return Object.fromEntries(entries);
}
