import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';
import { findExecProblem, findInPath } from './executable.ts';
import { inTime } from './fixtures/support.ts';

const root = mkdtempSync(join(tmpdir(), 'nsc-executable-'));
after(() => rmSync(root, { recursive: true }));

/** Writes an executable file below `root`. */
function write(path: string, contents: string | Uint8Array, mode = 0o755): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), contents);
  chmodSync(join(root, path), mode);
}

const foreign = `is not a program for this processor (${process.arch})`;
const neither = 'is neither a program nor a script that begins with #! and its interpreter';
/** The first bytes of a program, for the processor of that ELF machine number. */
const elf = (machine: number) =>
  Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(11), Buffer.of(machine, 0)]);

before(() => {
  write('/bin/interpreter', elf(process.arch === 'arm64' ? 183 : 62));
  write('/usr/bin/env', elf(process.arch === 'arm64' ? 183 : 62));
  write('/bin/empty', '');
  write('/bin/foreign', elf(8));
  write('/bin/wrapper', '#!/bin/gone\n');
  write('/bin/round', '#!/bin/round\n');
  symlinkSync('/bin', join(root, 'sbin'));
  symlinkSync('../bin/interpreter', join(root, 'usr/relative'));
  symlinkSync('/sbin/interpreter', join(root, 'usr/absolute'));
  symlinkSync('loop', join(root, 'loop'));
});

describe('what cannot be executed', () => {
  const cases: [rule: string, contents: string | Uint8Array, problem: string | undefined][] = [
    ['a script with its interpreter has no problem', '#!/bin/interpreter\n', undefined],
    ['an interpreter may have arguments and spaces before it', '#! \t/bin/interpreter -e\n', undefined],
    ['an interpreter is found through absolute links, below the root', '#!/usr/absolute', undefined],
    ['an interpreter is found through relative links', '#!/usr/relative', undefined],
    [
      "an interpreter is not looked for outside the script's root",
      '#!/bin/cat',
      'its interpreter "/bin/cat" is missing',
    ],
    [
      'a carriage return at the end of the #! line is shown',
      '#!/bin/interpreter\r\n',
      'its interpreter "/bin/interpreter\\r" is missing',
    ],
    ['what env is to find is looked for in PATH', '#!/usr/bin/env interpreter\n', undefined],
    [
      'what env does not find is missing',
      '#!/usr/bin/env bash\n',
      'its interpreter "bash" is not in PATH /usr/bin:/bin',
    ],
    ["env's own options are left to env", '#!/usr/bin/env -S bash -e\n', undefined],
    ['an interpreter that is empty', '#!/bin/empty\n', 'its interpreter "/bin/empty" is empty'],
    ['an interpreter for another processor', '#!/bin/foreign\n', `its interpreter "/bin/foreign" ${foreign}`],
    [
      'an interpreter that env finds and that is empty',
      '#!/usr/bin/env empty\n',
      'its interpreter "/bin/empty" is empty',
    ],
    [
      'an interpreter that is a script without one',
      '#!/bin/wrapper\n',
      'its interpreter "/bin/wrapper" cannot be executed: its interpreter "/bin/gone" is missing',
    ],
    ["scripts that are one another's interpreters are left to the kernel", '#!/bin/round\n', undefined],
    ['a script without a #! line', 'exit 0\n', neither],
    ['a #! line that names nothing', '#!\nexit 0\n', neither],
    ['an empty file', '', 'is empty'],
    ['a program for another processor', elf(8), `is not a program for this processor (${process.arch})`],
    ['a program cut short', '\x7fELF', `is not a program for this processor (${process.arch})`],
  ];
  for (const [rule, contents, problem] of cases) {
    test(rule, async () => {
      write('/check', contents);
      const expected = problem && `/check: ${problem}`;
      assert.equal(await findExecProblem('/check', '/usr/bin:/bin', root), expected);
    });
  }

  test('a directory', async () => {
    assert.equal(await findExecProblem('/usr', '', root), '/usr: is a directory');
  });

  test('a command without a slash is the one that PATH finds', async () => {
    write('/first/check', '', 0o644);
    write('/second/check', '');
    assert.equal(await findExecProblem('check', '/none:/first:/second:/bin', root), 'check: is empty');
  });

  for (const [rule, program] of [
    ['what is missing is left to the kernel', '/nonexistent'],
    ['what is in no directory of PATH is left to the kernel', 'nonexistent'],
    ['links that lead round in a circle are left to the kernel', '/loop'],
  ] as const) {
    test(rule, async () => assert.equal(await findExecProblem(program, '/bin', root), undefined));
  }

  test('what has no executable bit is left to the kernel', async () => {
    write('/plain', '', 0o644);
    assert.equal(await findExecProblem('/plain', '', root), undefined);
  });

  test('a named pipe is not waited for', async (t) => {
    const pipe = join(root, 'fifo');
    execFileSync('mkfifo', ['-m', '755', pipe]);
    // Ends the wait of whoever does wait; nobody to write to is an error.
    t.after(() =>
      open(pipe, constants.O_WRONLY | constants.O_NONBLOCK).then(
        (file) => file.close(),
        () => {},
      ),
    );
    assert.equal(await inTime('the answer', findExecProblem('/fifo', '', root)), undefined);
  });
});

describe('findInPath', () => {
  test('finds the first executable file, and no directory', async () => {
    mkdirSync(join(root, 'a/tool'), { recursive: true });
    write('/b/tool', '', 0o644);
    write('/c/tool', '');
    write('/d/tool', '');
    assert.equal(await findInPath('tool', '/none:/a:/b:/c:/d', root), '/c/tool');
    assert.equal(await findInPath('tool', '/none:/a:/b', root), undefined);
  });
});
