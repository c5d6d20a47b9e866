import { constants, hostname } from 'node:os';
import type { ArgumentsCamelCase, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { CheckPipes } from '../check/check-pipes.ts';
import { within } from '../check/delay.ts';
import { Looks } from '../check/looks.ts';
import type { RunningCheck } from '../check/run-check.ts';
import { formatPolicyErrors, toPrintable } from '../policy/format-error.ts';
import { type PolicySource, readPolicyInput } from '../policy/read-input.ts';
import { endProcess } from './end-process.ts';
import { HOST_OPTIONS } from './host-options.ts';
import { type Candidate, type TriedCheck, tryCheck } from './try-check.ts';
import { formatTriedJson } from './try-json.ts';
import { createTryProgress } from './try-progress.ts';
import { formatSummary, formatTried } from './try-text.ts';

const TERMINAL_COLUMNS = 100;
const MAX_RUNS = 1_000;
/** After a signal, how long the end of the run is waited for, in milliseconds. */
const KILLED_WITHIN_MS = 1_000;
const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

const OPTIONS = {
  policy: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'Only the policy of this name; can be given several times',
    defaultDescription: 'all of them',
  },
  runs: {
    type: 'number',
    requiresArg: true,
    default: 1,
    describe: `How often each check runs, at most ${MAX_RUNS} times, one right after the other`,
  },
  env: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: "NAME=VALUE for the scripts, over the policy's own env; can be given several times",
  },
  'node-name': {
    type: 'string',
    requiresArg: true,
    default: process.env.NODE_NAME,
    describe: 'NODE_NAME for the scripts',
    defaultDescription: '$NODE_NAME, else the name of this host',
  },
  ...HOST_OPTIONS,
  output: {
    alias: 'o',
    choices: ['text', 'json'],
    default: 'text',
    describe: 'Format; json is {"healthy", "node", "checks": [{"policy", "runs": [{"verdict", …}], "agent"}]}',
  },
} as const satisfies Record<string, Options>;

type TryCommandOptions = InferredOptionTypes<typeof OPTIONS> & { readonly paths: string[] };

/** `nsc try`: what the checks say here, and what an agent would do about it. Exit code 1 if one is not Healthy. */
export const tryCommand: CommandModule<object, TryCommandOptions> = {
  command: 'try <paths..>',
  describe: 'Run the check of each policy here as an agent would, and say what it would do about the answer',
  builder: (yargs) =>
    yargs
      .positional('paths', {
        type: 'string',
        array: true,
        demandOption: true,
        describe:
          'Directories of policy files, files, or - for standard input; a file may also be a rendered stream of ' +
          'Kubernetes objects, with the policies in ConfigMaps',
      })
      // Else yargs drops a - from a list.
      .parserConfiguration({ 'unknown-options-as-args': true })
      .options(OPTIONS)
      .example('$0 try policies/', 'every check in the directory')
      .example('$0 try storage.yaml --runs 5 --env LEVEL=deep', 'one check, five times, with a variable')
      .example(
        'kubectl exec ds/node-svc-checker -n node-svc-checker -- $0 try /etc/node-svc-checker/policy',
        'what an agent has, where it runs',
      )
      .epilog(
        'Exit code 0: every run was Healthy. 1: one was not, or a policy is invalid, and then none runs. 2: usage. It needs no ' +
          'cluster, and writes nothing to any node; what a script does, it does. Labels are not looked at, so checks with a ' +
          "nodeSelector run as well. A budget is not asked. NODE_IP is this program's own.",
      )
      .check(({ runs, env = [], paths, 'host-pid': hostPid }) => {
        requireInteger('--runs', runs, MAX_RUNS);
        requireInteger('--host-pid', hostPid, 2 ** 22);
        for (const each of env) parseVariable(each);
        if (paths.filter((path) => path === '-').length > 1) throw new Error('- is given twice; it can be read once');
        return true;
      }),
  handler: tryPolicies,
};

async function tryPolicies(options: ArgumentsCamelCase<TryCommandOptions>): Promise<void> {
  const { paths, output, runs, hostRoot, hostPid } = options;
  const sources: PolicySource[] = [];
  for (const path of paths) sources.push(...(await readPolicyInput(path, process.stdin)));
  const isText = output === 'text';
  // What reads a pipe or a file wants its lines whole.
  const columns = process.stdout.isTTY ? TERMINAL_COLUMNS : Number.POSITIVE_INFINITY;
  if (sources.some(({ load }) => !load.valid)) return refuseInvalid(sources, isText);
  const candidates = chosen(sources, options.policy);
  if (typeof candidates === 'string') return refuse(candidates, 2);
  if (candidates.length === 0) return refuse(`there is no policy in ${paths.join(', ')}, so no check to run`, 1);

  const nodeName = options.nodeName || ownHostname();
  const progress = createTryProgress((text) => process.stderr.write(text));
  const interruption = endOnSignals();
  const looks = new Looks();
  const pipes = new CheckPipes((message, error) => process.stderr.write(`warning: ${message}: ${error}\n`));
  const all: TriedCheck[] = [];
  for (const [index, candidate] of candidates.entries()) {
    const tried = await tryCheck(withVariables(candidate, options.env ?? []), {
      nodeName,
      nodeIp: process.env.NODE_IP,
      hostRoot,
      hostPid,
      pipes,
      looks,
      runs,
      onRun(run, number) {
        interruption.current = run;
        progress.runs(candidate.policy, { check: index + 1, checks: candidates.length, run: number, runs });
      },
    });
    all.push(tried);
    if (!isText) continue;
    await print([...(index > 0 ? [''] : []), ...formatTried(tried, { columns, isSourceTold: sources.length > 1 })]);
    progress.told();
  }
  progress.stop();
  if (!isText) await print([formatTriedJson(all, nodeName)]);
  else if (all.length > 1) await print(['', ...formatSummary(all, sources.length > 1)]);
  const isHealthy = all.every((tried) => tried.runs.every(({ judgement }) => judgement.status === 'Healthy'));
  endProcess(isHealthy ? 0 : 1);
}

/** Those of these names, of all without any; a text says what is wrong with the names. */
function chosen(sources: readonly PolicySource[], names: readonly string[] = []): Candidate[] | string {
  const all = sources.flatMap(({ name, load }) =>
    load.valid ? load.set.policies.map((policy) => ({ policy, source: name, budgets: load.set.budgets })) : [],
  );
  const known = [...new Set(all.map(({ policy }) => policy.metadata.name))];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const found = known.length > 0 ? `known are ${known.join(', ')}` : 'there are none';
    return `--policy must name a policy that is there: ${found}; found ${unknown.map((name) => JSON.stringify(name)).join(', ')}`;
  }
  return names.length === 0 ? all : all.filter(({ policy }) => names.includes(policy.metadata.name));
}

function withVariables(candidate: Candidate, variables: readonly string[]): Candidate {
  const { policy } = candidate;
  const env = [...policy.spec.check.env, ...variables.map(parseVariable)];
  return { ...candidate, policy: { ...policy, spec: { ...policy.spec, check: { ...policy.spec.check, env } } } };
}

/** @throws Error for what is none */
function parseVariable(text: string): { name: string; value: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`--env must be NAME=VALUE, found ${JSON.stringify(text)}`);
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

function requireInteger(flag: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new Error(`${flag} must be a whole number from 1 to ${max}, found ${value}`);
}

/** @throws Error where it may not be looked at, as on Deno without the right to */
function ownHostname(): string {
  try {
    return hostname();
  } catch (cause) {
    throw new Error(
      '--node-name must name a Node; it is not given, $NODE_NAME is empty, and the hostname is not shown',
      {
        cause,
      },
    );
  }
}

/** Whoever ends this ends the run that is under way, all of its process group. */
function endOnSignals(): { current: RunningCheck | null } {
  const interruption: { current: RunningCheck | null } = { current: null };
  const end = async (exitCode: number) => {
    const run = interruption.current;
    run?.kill();
    await within(KILLED_WITHIN_MS, run?.gone ?? Promise.resolve());
    endProcess(exitCode);
  };
  const endSoon = (exitCode: number) => end(exitCode).catch(() => endProcess(exitCode));
  for (const signal of END_SIGNALS) process.once(signal, () => endSoon(128 + constants.signals[signal]));
  // Nobody reads it any more.
  process.stdout.once('error', () => endSoon(1));
  return interruption;
}

function print(lines: readonly string[]): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${lines.join('\n')}\n`, () => resolve()));
}

function refuse(message: string, exitCode: 1 | 2): void {
  process.stderr.write(`nsc: ${toPrintable(message)}\n`);
  process.exitCode = exitCode;
}

/** As `validate` does; what is not valid anywhere runs nowhere. */
function refuseInvalid(sources: readonly PolicySource[], isText: boolean): void {
  const invalid = sources.flatMap(({ load }) => (load.valid ? [] : [load]));
  process.exitCode = 1;
  if (isText) {
    const lines = invalid.flatMap(({ errors, omitted }) => formatPolicyErrors(errors, omitted));
    process.stderr.write(`${lines.join('\n')}\n`);
    return;
  }
  const errors = invalid.flatMap((load) => load.errors);
  const omitted = invalid.reduce((sum, load) => sum + (load.omitted ?? 0), 0);
  process.stdout.write(`${JSON.stringify({ valid: false, errors, omitted })}\n`);
}
