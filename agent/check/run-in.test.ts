import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';
import type { Check } from '../core/policy.ts';
import {
  firstChild,
  fixture,
  hangingLooks,
  inTime,
  isRunning,
  options,
  processesWith,
  run,
  start,
  until,
} from './fixtures/support.ts';
import { DEFAULT_PATH } from './launcher.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root, for chroot(2) and setns(2)';

/** Copies programs, and the libraries they are linked with, into a directory that can be a root. */
function buildRoot(root: string, programs: readonly string[]): void {
  for (const program of programs) {
    const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+(?= \(0x)/g);
    for (const path of [program, ...(libraries ?? [])]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      cpSync(realpathSync(path), join(root, path));
    }
  }
  cpSync(fixture(''), join(root, 'checks'), { recursive: true });
  // A shell needs it for what runs in the background.
  mkdirSync(join(root, 'dev'));
  writeFileSync(join(root, 'dev/null'), '');
}

/** Starts a process in namespaces of its own, which then is for a test what pid 1 is on a node. */
async function startNamespaces(): Promise<{ pid: number; end(): Promise<void> }> {
  const unshare = ['--fork', '--kill-child', '--mount', '--uts', '--ipc', '--net', '--pid', 'sleep', '120'];
  const child = spawn('unshare', unshare, { stdio: ['ignore', 'inherit', 'inherit'] });
  const pid = await firstChild(child.pid ?? 0);
  await until('the namespaces are those of sleep', () => processesWith('120').includes(pid));
  return {
    pid,
    end: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

let host = options;
let endNamespaces = async () => {};
const root = mkdtempSync(join(tmpdir(), 'nsc-host-'));

before(async () => {
  if (skip) return;
  buildRoot(root, ['/bin/sh', '/bin/sleep', '/usr/bin/env', '/bin/ls']);
  const namespaces = await startNamespaces();
  endNamespaces = namespaces.end;
  host = { ...options, hostRoot: root, hostPid: namespaces.pid };
});
after(async () => {
  await endNamespaces();
  rmSync(root, { recursive: true });
});

describe('the check itself', { skip, concurrency: true }, () => {
  for (const { runIn, checks, launcher } of [
    { runIn: 'Host', checks: '/checks', launcher: 'chroot' },
    { runIn: 'HostNamespaces', checks: join(root, 'checks'), launcher: 'nsenter' },
  ] as const) {
    describe(`runIn: ${runIn}`, { concurrency: 4 }, () => {
      const runHere = (command: Check['command'], check: Partial<Check> = {}) =>
        run(command, { runIn, ...check }, host);

      test("a check's exit code and output are its own", async () => {
        const { ended, stdout, stderr } = await runHere(['sh', '-c', 'pwd; echo oops >&2; exit 3']);
        assert.deepEqual(
          { ended, stdout, stderr },
          { ended: { kind: 'Exited', code: 3 }, stdout: '/\n', stderr: 'oops\n' },
        );
      });

      for (const code of [1, 125, 126, 127]) {
        test(`a check that exits with ${code} has exited`, async () => {
          assert.deepEqual((await runHere([join(checks, 'exits-with.sh'), String(code)])).ended, {
            kind: 'Exited',
            code,
          });
        });
      }

      test('a check that finds no command has exited with 127', async () => {
        assert.deepEqual((await runHere(['sh', '-c', 'no-such-command'])).ended, { kind: 'Exited', code: 127 });
      });

      test('a check killed by a signal was killed by it', async () => {
        const { ended } = await runHere([join(checks, 'kills-itself.sh')]);
        assert.deepEqual(ended, { kind: 'Signaled', signal: 'SIGKILL' });
      });

      test('the environment is clean', async (t) => {
        process.env.AGENT_TOKEN = 'secret';
        t.after(() => delete process.env.AGENT_TOKEN);
        const { stdout } = await runHere(['/usr/bin/env'], { env: [{ name: 'LEVEL', value: 'deep' }] });
        const expected = [
          'HOME=/',
          'LEVEL=deep',
          'NODE_IP=192.0.2.7',
          'NODE_NAME=node-a',
          'NSC_POLICY=storage',
          `PATH=${DEFAULT_PATH}`,
        ];
        assert.deepEqual(stdout.trim().split('\n').sort(), expected);
      });

      test(`the check's own PATH is for its command, not for ${launcher}`, async () => {
        const env = [{ name: 'PATH', value: checks }];
        assert.deepEqual((await runHere(['exits-with.sh', '8'], { env })).ended, { kind: 'Exited', code: 8 });
      });

      for (const [what, name, reason] of [
        ['a missing command', 'none.sh', new RegExp(`^${launcher}: .*none\\.sh.*: No such file or directory$`)],
        ['a file without the executable bit', 'not-executable.sh', new RegExp(`^${launcher}: .*: Permission denied$`)],
        [
          'a missing interpreter',
          'missing-interpreter.sh',
          /sh: its interpreter "\/nonexistent\/interpreter" is missing$/,
        ],
        ['an empty script', 'empty.sh', /empty\.sh: is empty$/],
        ['a directory', '', /: is a directory$/],
      ] as const) {
        test(`${what} did not start, and the reason says why`, async () => {
          const { ended } = await runHere([join(checks, name)]);
          assert.equal(ended.kind, 'NotStarted');
          assert.match(ended.kind === 'NotStarted' ? ended.reason : '', reason);
        });
      }

      test('a timeout kills the whole process group', async () => {
        const lifeSeconds = `${runIn === 'Host' ? 60 : 61}.${process.pid}`;
        const script = `sleep ${lifeSeconds} & sleep ${lifeSeconds}`;
        const running = start(['sh', '-c', script], { runIn, timeoutSeconds: 5 }, host);
        await until('both of its processes run', () => processesWith(lifeSeconds).length === 2);
        assert.deepEqual((await inTime('the outcome', running.outcome)).ended, { kind: 'TimedOut' });
        await inTime('the end of all its processes', running.gone);
        assert.deepEqual(processesWith(lifeSeconds).filter(isRunning), []);
      });

      test('a process left behind does not delay the outcome, and is killed', async () => {
        const lifeSeconds = `${runIn === 'Host' ? 62 : 63}.${process.pid}`;
        const script = `sleep ${lifeSeconds} & until [ -e ${checks}/end-${runIn} ]; do sleep 0.05; done; exit 2`;
        const running = start(['sh', '-c', script], { runIn }, host);
        await until('the process runs', () => processesWith(lifeSeconds).length === 1);
        writeFileSync(join(root, 'checks', `end-${runIn}`), '');
        assert.deepEqual((await inTime('the outcome', running.outcome)).ended, { kind: 'Exited', code: 2 });
        await inTime('the end of all its processes', running.gone);
        assert.deepEqual(processesWith(lifeSeconds).filter(isRunning), []);
      });
    });
  }
});

describe('when looks at other files hang', { skip, concurrency: true }, () => {
  for (const runIn of ['Host', 'HostNamespaces'] as const) {
    const checks = () => (runIn === 'Host' ? '/checks' : join(root, 'checks'));
    const runHere = (command: Check['command'], check: Partial<Check> = {}) =>
      run(command, { runIn, ...check }, { ...host, looks: hangingLooks() });

    test(`runIn: ${runIn} runs as it does otherwise`, async () => {
      const env = [{ name: 'PATH', value: `${checks()}:/bin` }];
      const { ended, stdout } = await runHere(['sh', '-c', 'echo "$PATH"; exits-with.sh 127'], { env });
      assert.deepEqual([ended, stdout], [{ kind: 'Exited', code: 127 }, `${checks()}:/bin\n`]);
    });

    for (const [what, name, reason] of [
      ['a missing command', 'none.sh', /none\.sh.*: No such file or directory$/],
      ['a file without the executable bit', 'not-executable.sh', /: Permission denied$/],
      ['an empty script', 'empty.sh', /^\/.*\/empty\.sh: is empty$/],
      ['a script without #!', 'no-shebang.sh', /^\/.*\/no-shebang\.sh: is neither/],
      ['a directory', '', /: is a directory$/],
    ] as const) {
      test(`runIn: ${runIn} does not start ${what}`, async () => {
        const { ended } = await runHere([join(checks(), name)]);
        assert.match(ended.kind === 'NotStarted' ? ended.reason : JSON.stringify(ended), reason);
      });
    }
  }
});

describe('where a check runs', { skip }, () => {
  for (const runIn of ['Host', 'HostNamespaces'] as const) {
    test(`runIn: ${runIn} can open its output by name`, async () => {
      const script = 'set -e; echo x > /dev/stdout; echo y > /dev/stderr; exec 2>/dev/stderr';
      // The root needs a /proc that shows the check itself, as the host's does.
      const here = { ...options, hostRoot: '/', hostPid: process.pid };
      const { ended, stdout, stderr } = await run(['sh', '-c', script], { runIn }, here);
      assert.deepEqual([ended, stdout, stderr], [{ kind: 'Exited', code: 0 }, 'x\n', 'y\n']);
    });
  }

  test("runIn: Host has the host's root as /", async () => {
    const { stdout } = await run(['ls', '/'], { runIn: 'Host' }, host);
    assert.ok(stdout.split('\n').includes('checks'), stdout);
  });

  test('runIn: HostNamespaces has all namespaces of the process', async () => {
    const names = ['mnt', 'uts', 'ipc', 'net', 'pid'];
    const script = 'for name; do readlink "/proc/self/ns/$name"; done';
    const { stdout } = await run(['sh', '-c', script, 'sh', ...names], { runIn: 'HostNamespaces' }, host);
    const links = names.map((name) => readlinkSync(`/proc/${host.hostPid}/ns/${name}`));
    assert.deepEqual(stdout.trim().split('\n'), links);
    assert.equal(links.includes(readlinkSync('/proc/self/ns/net')), false);
  });

  for (const [what, runIn, other, reason] of [
    [
      'a host root that is missing',
      'Host',
      { hostRoot: '/no/such/root' },
      /^chroot: .*'\/no\/such\/root': No such file/,
    ],
    ['a host process that is missing', 'HostNamespaces', { hostPid: 2 ** 30 }, /^nsenter: .*\/proc\/1073741824\//],
  ] as const) {
    test(`${what} lets no check start, and the reason says why`, async () => {
      const { ended } = await run(['true'], { runIn }, { ...host, ...other });
      assert.equal(ended.kind, 'NotStarted');
      assert.match(ended.kind === 'NotStarted' ? ended.reason : '', reason);
    });
  }
});
