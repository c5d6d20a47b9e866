import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Check } from '../core/policy.ts';
import { LAUNCHERS } from './launcher.ts';
import { readLauncherFailure } from './launcher-failure.ts';
import { LOOKER } from './look-in-child.ts';

const toolsOf = (runIn: Check['runIn']) => [LAUNCHERS[runIn] ?? []].flat();

/** What a run in that place means that exited with `code` and wrote this. */
function failure(runIn: Check['runIn'], code: number, stderr: string, stdout = ''): string | undefined {
  const bytes = { stdoutBytes: stdout.length, stderrBytes: stderr.length };
  return readLauncherFailure(toolsOf(runIn), { code }, { stdout, stderr, ...bytes });
}

/** As the tools print them: coreutils 9.1, util-linux 2.38 and BusyBox 1.35. */
const messages: [runIn: Check['runIn'], code: number, message: string][] = [
  ['Host', 125, "chroot: cannot change root directory to '/host': No such file or directory"],
  ['Host', 126, 'chroot: failed to run command ‘/check’: Permission denied'],
  ['Host', 127, 'chroot: failed to run command ‘/check’: No such file or directory'],
  ['Host', 1, "chroot: can't change root directory to '/host': No such file or directory"],
  ['Host', 127, "chroot: can't execute '/check': No such file or directory"],
  ['HostNamespaces', 1, 'nsenter: cannot open /proc/1/ns/ipc: Permission denied'],
  ['HostNamespaces', 1, "nsenter: reassociate to namespace 'ns/mnt' failed: Operation not permitted"],
  ['HostNamespaces', 126, 'nsenter: failed to execute /check: Permission denied'],
  ['HostNamespaces', 127, 'nsenter: failed to execute /check: No such file or directory'],
  ['HostNamespaces', 127, "nsenter: can't execute '/check': No such file or directory"],
];

describe('the launcher', () => {
  for (const [runIn, code, message] of messages) {
    test(`failed if it says so: ${message}`, () => assert.equal(failure(runIn, code, `${message}\n`), message));
  }

  for (const code of [2, 126, 254]) {
    test(`failed if it is the shell that looks, whatever code it ends with, such as ${code}`, () => {
      const stderr = 'nsc-look: 13: Cannot fork\n';
      const output = { stdout: '', stderr, stdoutBytes: 0, stderrBytes: stderr.length };
      assert.equal(readLauncherFailure([LOOKER, 'env'], { code }, output), '13: Cannot fork');
    });
  }

  test('is quoted with the first line of what it says', () => {
    assert.equal(failure('HostNamespaces', 1, "nsenter: bad option\nTry 'nsenter --help'\n"), 'nsenter: bad option');
  });

  const innocent: [why: string, runIn: Check['runIn'], code: number, stderr: string, stdout?: string][] = [
    ['the check exits with 127 for its own reasons', 'Host', 127, 'check.sh: 3: lsblk: not found\n'],
    ['the check exits with 127 in silence', 'HostNamespaces', 127, ''],
    ['the check names it only later', 'Host', 127, 'check.sh: chroot: not found\n'],
    ['the check had output before', 'Host', 1, 'chroot: failed\n', 'checking\n'],
    ['the check exits with another code', 'Host', 2, 'chroot: failed\n'],
    ['the check succeeds', 'HostNamespaces', 0, 'nsenter: warning\n'],
    ['the check uses the other one', 'Host', 1, 'nsenter: cannot open /proc/1/ns/ipc\n'],
    ['there is none', 'Container', 127, 'chroot: failed to run command\n'],
  ];
  for (const [why, runIn, code, stderr, stdout] of innocent) {
    test(`did not fail if ${why}`, () => assert.equal(failure(runIn, code, stderr, stdout), undefined));
  }

  test('did not fail if the check was killed', () => {
    const output = { stdout: '', stdoutBytes: 0, stderr: 'chroot: x\n', stderrBytes: 10 };
    assert.equal(readLauncherFailure(['chroot'], { code: null, signal: 'SIGKILL' }, output), undefined);
  });
});
