import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { COMMANDS } from '../../agent/command-line.ts';
import { configuredRuntime } from '../harness/nsc-command.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';

const NAMES = COMMANDS.map(({ command }) => String(command).split(' ')[0] ?? '');
const FORMATS = 'must be one of text, json';

/** A command line behind the command, and what is wrong with it. */
type Mistake = readonly [args: readonly string[], message: string];
const KINDS = ['unknown', 'twice', 'without a value', 'empty', 'of another kind', 'missing', 'too many'] as const;

/** What every command can be given wrongly; null where there is no such mistake. */
const MISTAKES: Readonly<Record<string, Readonly<Record<(typeof KINDS)[number], Mistake | null>>>> = {
  run: {
    unknown: [['--policy', 'd'], '--policy is not a known option (did you mean --policy-dir?)'],
    twice: [['--policy-dir', 'a', '--policy-dir', 'b'], '--policy-dir is given 2 times; it takes one value'],
    'without a value': [['--node-name', 'a', '--policy-dir'], '--policy-dir needs a value'],
    empty: [['--node-name', 'a', '--policy-dir='], '--policy-dir must not be empty'],
    'of another kind': [['--policy-dir', 'd', '--host-pid', 'one'], '--host-pid must be a number, found "one"'],
    missing: [['--node-name', 'a'], '--policy-dir is required'],
    'too many': [['--policy-dir', 'd', 'more'], 'run takes options only, found more'],
  },
  validate: {
    unknown: [['--outptu', 'json'], '--outptu is not a known option (did you mean --output?)'],
    twice: [['-o', 'json', '--output=json'], '--output is given 2 times; it takes one value'],
    'without a value': [['d', '-o'], '--output needs a value'],
    empty: [[''], '<path> must not be empty'],
    'of another kind': [['d', '--output', 'yaml'], `--output ${FORMATS}, github, gitlab, sarif, found "yaml"`],
    missing: null,
    'too many': [['a', '--', 'b'], 'one path is enough, found also b'],
  },
  effective: {
    unknown: [['--no-path', 'd'], '--no-path is not a known option'],
    twice: [['-o', 'json', '-o', 'json'], '--output is given 2 times; it takes one value'],
    'without a value': [['--output'], '--output needs a value'],
    empty: [['--output='], '--output must not be empty'],
    'of another kind': [['-o', 'JSON'], `--output ${FORMATS} (did you mean json?), found "JSON"`],
    missing: null,
    'too many': [['a', 'b', 'c'], 'one path is enough, found also b c'],
  },
  revision: {
    unknown: [['d', '-x'], '-x is not a known option'],
    twice: [['d', '-o', 'text', '-o', 'json'], '--output is given 2 times; it takes one value'],
    'without a value': [['d', '--output', '--help=false'], '--output needs a value'],
    empty: [[''], '<dir> must not be empty'],
    'of another kind': [['d', '-o', 'txt'], `--output ${FORMATS} (did you mean text?), found "txt"`],
    missing: [[], 'revision needs <dir>'],
    'too many': [['a', 'b'], 'one dir is enough, found also b'],
  },
  plan: {
    unknown: [['a', 'b', '--node', 'f'], '--node is not a known option (did you mean --nodes?)'],
    twice: [['a', 'b', '--nodes', 'f', '--nodes=g'], '--nodes is given 2 times; it takes one value'],
    'without a value': [['a', 'b', '--fail-on'], '--fail-on needs a value'],
    empty: [['a', 'b', '--nodes='], '--nodes must not be empty'],
    'of another kind': [
      ['a', 'b', '--fail-on', 'harm'],
      '--fail-on must be one of harm-added, disrupts-more, acts-sooner, agent-ends, undoes, protection-lost (did you mean harm-added?), found "harm"',
    ],
    missing: [['a'], 'plan needs <new>'],
    'too many': [['a', 'b', 'c'], 'plan takes <old> and <new>, found also c'],
  },
  nodes: {
    unknown: [['--redac'], '--redac is not a known option (did you mean --redact?)'],
    twice: [['--redact', '--redact'], '--redact is given 2 times; once is enough'],
    'without a value': [['--context'], '--context needs a value'],
    empty: [['--kubeconfig='], '--kubeconfig must not be empty'],
    'of another kind': null,
    missing: null,
    'too many': [['node-1'], 'nodes takes options only, found node-1'],
  },
  import: {
    unknown: [['npd', 'f', '--schem', 's'], '--schem is not a known option (did you mean --schema?)'],
    twice: [['npd', 'f', '--schema', 'a', '--schema=b'], '--schema is given 2 times; it takes one value'],
    'without a value': [['npd', 'f', '--schema'], '--schema needs a value'],
    empty: [['npd', 'a', ''], '<files> must not be empty'],
    'of another kind': [['nagio', 'f'], '<from> must be one of npd, nagios (did you mean nagios?), found "nagio"'],
    missing: [['npd'], 'import needs <files>'],
    'too many': null,
  },
  try: {
    unknown: [['d', '--run', '3'], '--run is not a known option (did you mean --runs?)'],
    twice: [['d', '--runs', '2', '--runs', '3'], '--runs is given 2 times; it takes one value'],
    'without a value': [['d', '--runs'], '--runs needs a value'],
    empty: [['d', '--node-name='], '--node-name must not be empty'],
    'of another kind': [['d', '--runs', 'z'], '--runs must be a number, found "z"'],
    missing: [[], 'try needs <paths>'],
    'too many': null,
  },
  status: {
    unknown: [['--watc'], '--watc is not a known option (did you mean --watch?)'],
    twice: [['-A', '--all', '-w'], '--all is given 2 times; once is enough'],
    'without a value': [['--selector'], '--selector needs a value'],
    empty: [['--kubeconfig', ''], '--kubeconfig must not be empty'],
    'of another kind': [['-o', 'yaml'], '--output must be one of text, wide, json, found "yaml"'],
    missing: null,
    'too many': [['node-1'], 'status takes options only, found node-1'],
  },
  'verify-rollout': {
    unknown: [['d', '--time-out', '2m'], '--time-out is not a known option (did you mean --timeout?)'],
    twice: [['d', '-l', 'a', '--selector', 'b'], '--selector is given 2 times; it takes one value'],
    'without a value': [['d', '--timeout'], '--timeout needs a value'],
    empty: [['d', '--context='], '--context must not be empty'],
    'of another kind': [
      ['d', '--timeout', '2'],
      '--timeout must be a duration with its unit, as 90s, 5m or 1h30m, at most 24 days, found "2"',
    ],
    missing: [['--timeout', '2m'], 'verify-rollout needs <path>'],
    'too many': [['a', 'b'], 'one path is enough, found also b'],
  },
  release: {
    unknown: [['a', '--dry'], '--dry is not a known option (did you mean --dry-run?)'],
    twice: [['a', '-y', '--yes'], '--yes is given 2 times; once is enough'],
    'without a value': [['a', '--yes', '-n'], '--namespace needs a value'],
    empty: [['', '--yes'], '<nodes> must not be empty'],
    'of another kind': [
      ['a', '--yes', '--timeout', '90'],
      '--timeout must be a duration with its unit, as 90s, 5m or 1h30m, at most 24 days, found "90"',
    ],
    missing: [['--yes'], 'release needs the names of nodes, or --all, and not both'],
    'too many': null,
  },
};

suite('a command line that is not understood is one line on stderr, with the help to read, and exit code 2:', {
  concurrency: 4,
}, () => {
  test('every command has its mistakes here', () => assert.deepEqual(Object.keys(MISTAKES).sort(), [...NAMES].sort()));

  for (const [command, mistakes] of Object.entries(MISTAKES)) {
    for (const kind of KINDS) {
      const [args, message] = mistakes[kind] ?? [];
      if (args === undefined) continue;
      const line = [command, ...args].map((word) => word || "''").join(' ');
      test(`${kind}: nsc ${line}`, { skip: skipOn([command, ...args]) }, () =>
        isRefused([command, ...args], `${message}; see nsc ${command} --help`),
      );
    }
  }

  const commands = NAMES.join(', ');
  for (const [args, message] of [
    [[], `a command is needed: ${commands}; see nsc --help`],
    [['--debug'], `a command is needed: ${commands}; see nsc --help`],
    [['validat', 'd'], 'validat is not a command (did you mean validate?); see nsc --help'],
    [['frobnicate'], `frobnicate is not a command (known: ${commands}); see nsc --help`],
    [['plan', '-', '-'], 'only one of <old> and <new> can be standard input; see nsc plan --help'],
    [['-o', 'json', 'status', '--wide'], '--wide is not a known option; see nsc status --help'],
  ] as const) {
    test(`nsc ${args.join(' ')}`, { skip: skipOn(args) }, () => isRefused(args, message));
  }
});

/** What Deno is to be allowed follows from the command and its paths. */
function skipOn([command = '', ...args]: readonly string[]): string | false {
  const isKnown = NAMES.includes(command) && !args.includes('');
  return configuredRuntime() === 'deno' && !isKnown && 'on Deno nothing says what this may do';
}

async function isRefused(args: readonly string[], message: string): Promise<void> {
  const { exitCode, stdout, stderr } = await finished(runNsc(args));
  assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 2, stdout: '', stderr: `nsc: ${message}\n` });
}
