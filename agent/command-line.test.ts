import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import yargs from 'yargs';
import { buildOptions, COMMANDS, createCommandLine } from './command-line.ts';

type Known = { key: object; alias: Record<string, string[]>; array: string[]; boolean: string[]; number: string[] };

/** What commands cannot do without, so that nothing else is wrong with the line. */
const NEEDED: Record<string, readonly string[]> = {
  run: ['--policy-dir', 'dir'],
  'try <paths..>': ['path'],
  'revision <dir>': ['dir'],
  'verify-rollout <path>': ['path'],
  'release [nodes..]': ['node-1', '--yes'],
};

const refused = (args: readonly string[], message: string) =>
  assert.rejects(
    async () => createCommandLine(args, () => assert.fail('the command runs')).parseAsync(),
    (error: Error) => error.message === message,
    args.join(' '),
  );

describe('an option that is given twice is a usage error', () => {
  for (const command of COMMANDS) {
    const usage = String(command.command);
    const [name = ''] = usage.split(' ');
    test(name, async () => {
      const known = (buildOptions(command, yargs([])) as unknown as { getOptions(): Known }).getOptions();
      const others = Object.values(known.alias).flat();
      const lists = [...known.array, ...[...usage.matchAll(/[[<](\w+)\.\.[\]>]/g)].map(([, list]) => list)];
      const options = Object.keys(known.key).filter((key) => !lists.includes(key) && !others.includes(key));
      assert.ok(options.length > 0);
      for (const option of options) {
        const value = known.boolean.includes(option) ? [] : [known.number.includes(option) ? '1' : 'text'];
        const given = [option, ...(known.alias[option] ?? [])].map((each) => (each.length > 1 ? '--' : '-') + each);
        // By its name, and by each of its names.
        const twice = [...given.slice(-1), ...given.slice(0, 1)].flatMap((flag) => [flag, ...value]);
        const enough = known.boolean.includes(option) ? 'once is enough' : 'it takes one value';
        const needed = NEEDED[usage] ?? [];
        if (needed.includes(`--${option}`)) twice.splice(0, twice.length / 2);
        await refused([name, ...needed, ...twice], `--${option} is given 2 times; ${enough}`);
      }
    });
  }

  for (const [args, message] of [
    [
      ['run', '--policy-dir', 'd', '--node-name', 'a', '--node-name=b'],
      '--node-name is given 2 times; it takes one value',
    ],
    [
      ['run', '--nodeName', 'a', '--node-name', 'b', '--node-name', 'c'],
      '--node-name is given 3 times; it takes one value',
    ],
    [['run', '--policy-dir', 'd', '--debug', '--no-debug'], '--debug is given 2 times; once is enough'],
    [['status', '-o', 'json', '-o=json'], '--output is given 2 times; it takes one value'],
    [['status', '-Aw', '-w'], '--watch is given 2 times; once is enough'],
    [['status', '-wAw'], '--watch is given 2 times; once is enough'],
  ] as const) {
    test(`as in nsc ${args.join(' ')}`, () => refused(args, message));
  }
});

test('a list, an option given once, and what comes after -- are no options given twice', async () => {
  for (const args of [
    ['release', 'node-1', 'node-2', 'node-2', '--yes', '--kubeconfig', '/none'],
    ['status', '-A', '-o', 'wide', '--kubeconfig', '/none'],
    ['validate', '/none', '--', '--output', '--output'],
  ]) {
    const commandLine = createCommandLine(args, () => {
      throw new Error('it runs');
    });
    await assert.rejects(async () => commandLine.parseAsync(), /it runs|one path is enough/, args.join(' '));
  }
});

describe('a word that cannot be right is told before those that are missing', () => {
  for (const [args, message] of [
    [['import', 'foo'], '<from> must be one of npd, nagios, found "foo"'],
    [['import', ''], '<from> must not be empty'],
    [['import', 'npd'], 'import needs <files>'],
    [['import'], 'import needs <from>'],
  ] as const) {
    test(`as in nsc ${args.join(' ')}`, () => refused(args, message));
  }
});
