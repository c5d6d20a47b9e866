import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { MAX_FILE_BYTES } from '../import/limits.ts';
import { formatPolicyErrors } from '../policy/format-error.ts';
import { loadPolicyFiles } from '../policy/load-policies.ts';
import { commandRunner } from './fixtures.ts';

const nsc = commandRunner(import.meta.resolve('./import.ts'), 'importCommand');
const base = mkdtempSync(join(tmpdir(), 'import-'));
after(() => rmSync(base, { recursive: true }));

function monitor(changes: object = {}, rule: object = {}): string {
  const rules = [{ type: 'permanent', condition: 'AProblem', reason: 'AIsDown', path: '/opt/a.sh', ...rule }];
  return JSON.stringify(
    { plugin: 'custom', source: 'a', conditions: [{ type: 'AProblem' }], rules, ...changes },
    null,
    1,
  );
}

/** The policies of what was printed; fails unless an agent would take them. */
function policiesIn(text: string) {
  const load = loadPolicyFiles([{ name: 'imported.yaml', bytes: new TextEncoder().encode(text) }]);
  if (!load.valid) throw new Error(formatPolicyErrors(load.errors).join('\n'));
  return load.set.policies;
}

suite('nsc import', () => {
  test('prints policies in mode Observe, and tells elsewhere what is not in them', () => {
    const { stdout, stderr, status } = nsc('import', 'npd', '-', { input: monitor({ metricsReporting: true }) });
    const [{ metadata, spec } = assert.fail(), ...more] = policiesIn(stdout);
    assert.deepEqual(
      [metadata.name, spec.mode, spec.nodeCondition, spec.actions, more.length, status],
      ['a-problem', 'Observe', 'AProblem', { cordon: false }, 0, 0],
    );
    assert.deepEqual(stderr.split('\n'), [
      '1 policy in mode Observe: a-problem',
      'AProblem: the sense is turned, True while healthy; whoever acts on it has to know before mode is Enforce',
      'metricsReporting (-:17): every check has metrics',
      '',
    ]);
    assert.match(stdout, /^# - metricsReporting \(-:17\): every check has metrics$/m);
  });

  test('gives every policy the modeline of editors, and a comment before each decision', () => {
    const { stdout } = nsc('import', 'npd', '-', '--schema', 'https://example.com/s.json', { input: monitor() });
    assert.match(
      stdout,
      /^# yaml-language-server: \$schema=https:\/\/example\.com\/s\.json\n\n# Made of rules\[0\] of a \(-:10; permanent/,
    );
    for (const field of ['mode', 'runIn', 'failureThreshold', 'onStderr', 'onTimeout', 'unknown', 'nodeCondition']) {
      assert.match(stdout, new RegExp(`^ *# .*\\n *${field}: `, 'm'));
    }
    for (const line of stdout.split('\n')) if (line.trim().startsWith('#')) assert.ok(line.length < 121, line);
  });

  test('takes several files, standard input among them', () => {
    const [one, other] = [
      file('one.json', monitor()),
      monitor({}, { path: '/opt/b.sh', condition: 'AProblem', reason: 'B' }),
    ];
    const names = (text: string) => policiesIn(text).map(({ metadata }) => metadata.name);
    assert.deepEqual(names(nsc('import', 'npd', one, '-', { input: other }).stdout), [
      'a-problem-a-is-down',
      'a-problem-b',
    ]);
    assert.deepEqual(names(nsc('import', 'npd', '-', one, { input: other }).stdout), [
      'a-problem-b',
      'a-problem-a-is-down',
    ]);
  });

  test('follows what files of Nagios and NRPE name, and says what of that is not there', () => {
    const dir = mkdtempSync(join(base, 'd-'));
    mkdirSync(join(dir, 'nrpe.d/more'), { recursive: true });
    const include =
      'include=local.cfg\ninclude_dir=nrpe.d\ninclude=/no/such.cfg\ninclude_dir=/no/dir\ncfg_file=nrpe.cfg\n';
    writeFileSync(join(dir, 'nrpe.cfg'), `command[a]=/opt/a\n${include}`);
    writeFileSync(join(dir, 'local.cfg'), 'command[b]=$USER1$/b\n$USER1$=/plugins\n');
    writeFileSync(join(dir, 'nrpe.d/more/c.cfg'), 'command[c]=/opt/c\n');
    writeFileSync(join(dir, 'nrpe.d/no.txt'), 'command[d]=/opt/d\n');
    const { stdout, stderr, status } = nsc('import', 'nagios', 'nrpe.cfg', { cwd: dir });
    assert.deepEqual(
      policiesIn(stdout).map(({ spec }) => spec.check.command),
      [['/opt/a'], ['/plugins/b'], ['/opt/c']],
    );
    assert.match(stdout, /command line from nrpe\.d\/more\/c\.cfg:1/);
    assert.match(stderr, /^include=\/no\/such\.cfg \(nrpe\.cfg:4\): not read, give it as well \(.*nothing is there/m);
    assert.match(stderr, /^include_dir=\/no\/dir \(nrpe\.cfg:5\): not read, give it as well \(ENOENT/m);
    assert.equal(status, 0);
  });

  suite('prints nothing but the reason, and ends with 1,', () => {
    for (const [name, from, input, expected] of [
      [
        'for what is no JSON',
        'npd',
        '{"plugin": "custom"\n "source": 1}',
        /^-:2:2: \$: must have , or } here, found "\\"source\\":"\n$/,
      ],
      [
        'for a monitor of logs',
        'npd',
        '{"plugin": "kmsg"}',
        /^-:1:12: \$\.plugin: must be custom: .*, found "kmsg"\n$/,
      ],
      ['for something else', 'npd', '{"kind": "cat"}', /^-:1:1: \$: must be a custom plugin monitor/],
      [
        'for what NRPE cannot read',
        'nagios',
        'a=b\nhello\n',
        /^-:2:1: \$: must be define TYPE \{, or NAME=VALUE.*, found "hello"\n$/,
      ],
      ['for what is no UTF-8', 'nagios', Buffer.from('a=b\nc=\xff\n', 'latin1'), /^-:2:3: \$: must be UTF-8\n$/],
      ['for too much', 'npd', ' '.repeat(MAX_FILE_BYTES + 1), /^-: \$: must be at most 4194304 bytes long\n$/],
      [
        'where nothing can run on a node',
        'nagios',
        'command[a]=/opt/a $ARG1$\n',
        /^command\[a\] \(-:1\): \$ARG1\$ has no value.*\nnothing to import: /,
      ],
      [
        'where a policy cannot say it',
        'npd',
        monitor({}, { path: '/opt/x\0' }),
        /\n-:10:3: \$\.spec\.check\.command\[0\]: must not contain a NUL character, found "\/opt\/x\\u0000"\n$/,
      ],
      [
        'where no word of a command can be so',
        'npd',
        monitor({}, { args: ['-v', 'x\0'] }),
        /^-:17:5: \$\.rules\[0\]\.args\[1\]: must not contain a NUL character, found "x\\u0000"\n$/,
      ],
      [
        'where a policy cannot say it, with the line of the command',
        'nagios',
        'a=b\ncommand[a]=/opt/a \0\n',
        /\n-:2:1: \$\.spec\.check\.command\[1\]: must not contain a NUL character, found "\\u0000"\n$/,
      ],
    ] as const) {
      test(name, () => {
        const { stdout, stderr, status } = nsc('import', from, '-', { input: input as string });
        assert.match(stderr, expected);
        assert.deepEqual([stdout, status], ['', 1]);
      });
    }

    test('of very many errors those that can be read, and how many there are', () => {
      const rules = Array.from({ length: 300 }, () => ({ type: 'temporary', reason: 'A', path: '' }));
      const { stderr, status } = nsc('import', 'npd', '-', { input: monitor({ rules }) });
      assert.deepEqual([stderr.split('\n').length, stderr.split('\n').at(-2), status], [102, 'and 200 more', 1]);
    });

    test('for a file that is not there', () => {
      const { stdout, stderr, status } = nsc('import', 'npd', '/no/such', file('ok.json', monitor()));
      assert.match(stderr, /^\/no\/such: \$: must be a file that can be read \(nothing is there: correct the path\)$/m);
      assert.deepEqual([stdout, status], ['', 1]);
    });
  });

  test('makes a comment of no text that could end one, and lets nothing play tricks on a terminal', () => {
    const evil = 'x\nmetadata: {name: evil}\r\u2028\u0085\u001b[31m\u202e';
    const input = monitor({ source: evil, [evil]: 1 }, { reason: evil });
    const { stdout, stderr, status } = nsc('import', 'npd', '-', '--schema', evil, { input });
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      policiesIn(stdout).map(({ metadata }) => metadata.name),
      ['a-problem'],
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.doesNotMatch(stdout + stderr, /[\r\u2028\u2029\u0085\u001b\u202e]/);
    assert.doesNotMatch(stderr, /^metadata/m);
  });

  test('has help with examples', () => {
    const { stdout, status } = nsc('import', '--help');
    assert.match(stdout, /nsc import <npd\|nagios> <files\.\.>/);
    assert.match(stdout, /nsc import npd values\.yaml/);
    assert.equal(status, 0);
  });
});

function file(name: string, text: string): string {
  const path = join(mkdtempSync(join(base, 'f-')), name);
  writeFileSync(path, text);
  return path;
}
