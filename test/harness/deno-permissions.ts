import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeBlocks } from './code-blocks.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/runtimes.md', import.meta.url));

/** The document's shell variables; what is undefined is not granted. */
export interface DenoValues {
  /** Where agent.mjs is. */
  readonly NSC: string;
  readonly POLICIES?: string | undefined;
  readonly CHECKS?: string | undefined;
  readonly CREDENTIALS?: string | undefined;
  readonly API_SERVER?: string | undefined;
  readonly METRICS?: string | undefined;
}
const VARIABLES: readonly (keyof DenoValues)[] = ['NSC', 'POLICIES', 'CHECKS', 'CREDENTIALS', 'API_SERVER', 'METRICS'];

/**
 * The arguments of `deno run`, before the program, with which docs/runtimes.md says to run a command of nsc.
 *
 * The document is their one place, so what it says is what the tests run with. Its command lines are for the command
 * they name, and for those that a comment after it names: `# or: revision, effective`.
 *
 * @throws Error when the document has no command line for it, or one with a variable that has no value here
 */
export function denoPermissions(command: string, values: DenoValues): string[] {
  const lines = codeBlocks(readFileSync(DOCUMENT, 'utf8'), 'sh').join('').replaceAll('\\\n', ' ').split('\n');
  const words = lines.map((line) => line.trim().split(/\s+/)).find((found) => commandsOf(found).includes(command));
  if (words === undefined) throw new Error(`${DOCUMENT} must say how to run \`nsc ${command}\` on Deno`);
  return words.slice(2, words.findIndex(isProgram)).flatMap((word) => withValues(word, values));
}

/**
 * The permissions for these arguments of nsc and this environment: for the paths and the API server that they name.
 * The scripts of an agent's checks are beside its policy directory.
 *
 * @param programDir where agent.mjs is
 */
export function denoPermissionsFor(
  args: readonly string[],
  programDir: string,
  env: Readonly<Record<string, string | undefined>> = {},
): string[] {
  const [command = '', ...paths] = args;
  // The word behind import is what its files are for.
  const path = command === 'import' ? paths[1] : paths[0];
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const kubeconfig = option('--kubeconfig') ?? env.KUBECONFIG;
  const policies = option('--policy-dir') ?? path;
  return denoPermissions(command, {
    NSC: programDir,
    POLICIES: policies,
    CHECKS: policies === undefined ? undefined : dirname(policies),
    CREDENTIALS: kubeconfig,
    API_SERVER: kubeconfig === undefined ? undefined : hostOf(kubeconfig),
    METRICS: option('--metrics-address'),
  });
}

function hostOf(kubeconfig: string): string {
  const { clusters } = JSON.parse(readFileSync(kubeconfig, 'utf8'));
  return new URL(clusters[0].cluster.server).host;
}

/** The word with its variables replaced; none if all that it grants is undefined. */
function withValues(word: string, values: DenoValues): string[] {
  const [flag = '', grants] = word.replaceAll('"', '').split(/=(.*)/);
  if (grants === undefined) return [flag];
  const granted = grants.split(',').flatMap((grant) => {
    let known = true;
    const text = grant.replaceAll(/\$(\w+)/g, (_, name: string) => {
      const variable = VARIABLES.find((candidate) => candidate === name);
      if (variable === undefined) throw new Error(`${DOCUMENT} uses $${name}; known are ${VARIABLES.join(', ')}`);
      known &&= values[variable] !== undefined;
      return values[variable] ?? '';
    });
    return known ? [text] : [];
  });
  return granted.length > 0 ? [`${flag}=${granted.join(',')}`] : [];
}

/** The commands that a line of the document is for; none when it does not run nsc on Deno. */
function commandsOf(words: readonly string[]): readonly string[] {
  if (words[0] !== 'deno' || words[1] !== 'run') return [];
  const others = words.join(' ').split(' # or: ')[1]?.split(', ') ?? [];
  return [words[words.findIndex(isProgram) + 1] ?? '', ...others];
}

function isProgram(word: string): boolean {
  return word.endsWith('agent.mjs') || word.endsWith('agent.mjs"');
}
