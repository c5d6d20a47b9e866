import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Check } from '../core/policy.ts';
import { fixture, inTime } from './fixtures/support.ts';
import { explainStartError } from './start-error.ts';

/** What is said when spawn reports an error with this code. */
function explain(code: string, command: Check['command'], runIn: Check['runIn'] = 'Container'): string {
  return explainStartError(Object.assign(new Error(`spawn ${code}`), { code }), { command, runIn });
}

describe('a start error', () => {
  const sentences: [code: string, sentence: string][] = [
    ['ENOENT', '/check.sh: not found, or its interpreter is missing'],
    ['EACCES', '/check.sh: is not executable (permission denied)'],
    ['EPERM', '/check.sh: may not be executed (operation not permitted)'],
    ['ENOTDIR', '/check.sh: not found: a part of the path is not a directory'],
    ['ELOOP', '/check.sh: not found: too many symbolic links'],
    ['ENAMETOOLONG', '/check.sh: not found: the path is too long'],
    ['ENOEXEC', '/check.sh: is neither a program nor a script that begins with #! and its interpreter'],
    ['ETXTBSY', '/check.sh: is just being written'],
    ['E2BIG', '/check.sh: its arguments and environment are too long'],
    ['EAGAIN', '/check.sh: no more processes can be started (limit reached)'],
    ['ENOMEM', '/check.sh: not enough memory to start it'],
    ['EMFILE', '/check.sh: the agent has too many open files to start it'],
    ['ENFILE', '/check.sh: the machine has too many open files to start it'],
    ['EIO', '/check.sh: spawn EIO'],
  ];
  for (const [code, sentence] of sentences) {
    test(`${code} is told as a sentence`, () => assert.equal(explain(code, ['/check.sh', '-v']), sentence));
  }

  test('tells that PATH was searched for a command without a slash', () => {
    assert.equal(explain('ENOENT', ['check']), 'check: not found in its PATH, or its interpreter is missing');
  });

  test('on the way to the host is about the launcher', () => {
    assert.equal(explain('EAGAIN', ['/check.sh'], 'Host'), 'chroot: no more processes can be started (limit reached)');
    assert.match(explain('ENOENT', ['/check.sh'], 'HostNamespaces'), /^nsenter: not found/);
  });

  test('without a code speaks for itself', () => {
    const error = new Error('chroot: not found in /bin');
    assert.equal(explainStartError(error, { command: ['/check.sh'], runIn: 'Host' }), error.message);
  });
});

test('an agent with too many open files does not start a check, and says so', async () => {
  // In a process of its own, which opens files until it may open no more.
  const driver = ['-c', 'ulimit -n 64 && exec "$@"', 'sh', process.execPath, fixture('exhausted-driver.ts')];
  const { stdout } = await inTime('the driver', promisify(execFile)('sh', driver));
  const reason = `${fixture('healthy.sh')}: the agent has too many open files to start it`;
  assert.deepEqual(JSON.parse(stdout), { kind: 'NotStarted', reason });
});
