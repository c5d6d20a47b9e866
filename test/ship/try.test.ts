import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isRunning, readFile } from '../../agent/check/fixtures/support.ts';
import { RUNTIMES, skipWithoutRuntime } from '../harness/nsc-command.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { waitFor } from '../harness/wait-for.ts';

/** What the scripts of people do, each a policy of that name; how it has to be told on every runtime. */
const SCRIPTS: readonly {
  readonly name: string;
  /** Null: there is no such file. */
  readonly text: string | null;
  readonly check?: object;
  readonly verdict: string;
  readonly reason: RegExp;
  readonly words?: string;
  readonly left?: { readonly inGroup: readonly string[]; readonly outside: readonly string[] };
}[] = [
  {
    name: 'well',
    text: '#!/bin/sh\necho all is well\n',
    verdict: 'Healthy',
    reason: /^exit code 0$/,
    words: 'all is well',
  },
  {
    name: 'hangs',
    text: '#!/bin/sh\necho before it hangs\nsleep 600 &\nwait\n',
    check: { timeoutSeconds: 8 },
    verdict: 'Unknown',
    reason: /^timed out$/,
    words: 'before it hangs',
  },
  {
    name: 'floods',
    text: '#!/bin/sh\necho first\nhead -c 5000000 /dev/zero\nexit 3\n',
    verdict: 'Failed',
    reason: /^exit code 3$/,
    words: 'first',
  },
  {
    name: 'leaves',
    text: '#!/bin/sh\nsleep 600 >/dev/null 2>&1 &\nsetsid sleep 600 >/dev/null 2>&1 &\nuntil [ "$(cut -d " " -f 5 /proc/$!/stat)" = $! ]; do :; done\n',
    verdict: 'Healthy',
    reason: /^exit code 0$/,
    left: { inGroup: ['sleep'], outside: ['sleep'] },
  },
  { name: 'missing', text: null, verdict: 'Unknown', reason: /^could not be started: .*missing: not found/ },
  {
    name: 'crlf',
    text: '#!/bin/sh\r\nexit 0\r\n',
    verdict: 'Unknown',
    reason: /its interpreter "\/bin\/sh\\r" is missing$/,
  },
  {
    name: 'coloured',
    text: "#!/bin/sh\nprintf '\\033[31mDISK\\033[0m \\033]0;title\\007full\\r\\n\\302\\2332J'\nexit 2\n",
    check: { exitCodes: { reasons: { 2: 'DiskFull' } } },
    verdict: 'Failed',
    reason: /^exit code 2 \(DiskFull\)$/,
    words: 'DISK full',
  },
  {
    name: 'complains',
    text: '#!/bin/sh\necho odd >&2\n',
    check: { onStderr: 'Fatal' },
    verdict: 'Fatal',
    reason: /^wrote to stderr$/,
    words: 'odd',
  },
];
/** Some of them run one after the other, on a busy machine. */
const DEADLINE_MS = 180_000;
const DEAD_FILE_SYSTEM = fileURLToPath(new URL('../harness/fixtures/dead-file-system.pl', import.meta.url));
const UNSEEN = /[\p{Cc}\p{Cf}]/u;

for (const runtime of RUNTIMES) {
  describe(`nsc try on ${runtime}`, { skip: skipWithoutRuntime(runtime), concurrency: true }, () => {
    const dir = mkdtempSync(join(tmpdir(), 'nsc-try-'));
    const policies = join(dir, 'policy');
    before(() => {
      mkdirSync(policies);
      for (const { name, text, check } of SCRIPTS) {
        if (text !== null) writeFileSync(join(dir, name), text, { mode: 0o755 });
        writePolicy(name, { command: [join(dir, name)], ...check });
      }
      writePolicy('zz-directory', { command: [dir] });
    });
    after(() => rmSync(dir, { recursive: true }));
    const writePolicy = (name: string, check: object, place = policies) =>
      writeFileSync(
        join(place, `${name}.yaml`),
        JSON.stringify({
          apiVersion: 'node-svc-checker/v1',
          kind: 'NodeCheckPolicy',
          metadata: { name },
          // On a busy machine nothing but what hangs may time out.
          spec: { check: { onStderr: 'Failed', timeoutSeconds: 100, ...check }, actions: { cordon: true } },
        }),
      );
    const nsc = (...args: string[]) =>
      runNsc(['try', policies, ...args], { runtime, env: { NODE_NAME: 'node-1' }, deadlineMs: DEADLINE_MS });

    test('says of each script what an agent makes of it, and what it leaves', async (t) => {
      const { exitCode, stdout, stderr } = await finished(nsc('-o', 'json'));
      assert.equal(exitCode, 1, stderr);
      const { node, checks } = JSON.parse(stdout);
      assert.equal(node, 'node-1');
      const runs = new Map(checks.map(({ policy, runs: [run] }: { policy: string; runs: object[] }) => [policy, run]));
      const named = (processes: readonly { name: string }[]) => processes.map(({ name }) => name);
      for (const { name, verdict, reason, words = '', left } of SCRIPTS) {
        const run = runs.get(name) as {
          verdict: string;
          reason: string;
          words: string;
          left: { inGroup: []; outside: { pid: number; name: string }[] };
        };
        for (const { pid } of run.left.outside) t.after(() => process.kill(pid, 'SIGKILL'));
        assert.deepEqual([name, run.verdict, run.words], [name, verdict, words]);
        assert.match(run.reason, reason);
        const { inGroup = [], outside = [] } = left ?? {};
        assert.deepEqual([name, named(run.left.inGroup), named(run.left.outside)], [name, inGroup, outside]);
      }
      assert.match((runs.get('zz-directory') as { reason: string }).reason, /: is a directory$/);
      assert.equal((runs.get('floods') as { stdout: { bytes: number } }).stdout.bytes, 5_000_006);
      assert.match(stderr, /^running hangs, check \d of 9: a run may take 8 s$/m);
    });

    test('prints nothing that a terminal obeys, and wraps no line of a pipe', async () => {
      const names = ['coloured', 'floods', 'crlf'].flatMap((name) => ['--policy', name]);
      const { stdout } = await finished(nsc(...names));
      assert.match(stdout, /^coloured: Failed, exit code 2 \(DiskFull\), after /m);
      for (const line of stdout.split('\n')) assert.doesNotMatch(line, UNSEEN);
      assert.match(stdout, /^ {4}agent +after 4 such runs in a row .* it would cordon the node$/m);
    });

    // Deno itself looks at a path before it lets the program look, and does nothing else meanwhile.
    const skip = runtime === 'deno' && 'Deno hangs with a file system that does not answer';
    test('ends, and on a signal as well, when a file system does not answer', { skip }, async (t) => {
      const dead = await mountDead(t);
      if (dead === null) return;
      const policy = join(dir, 'dead');
      mkdirSync(policy);
      writePolicy('dead', { command: [join(dead, 'check.sh')], timeoutSeconds: 5 }, policy);
      const options = { runtime, deadlineMs: DEADLINE_MS };
      const { exitCode, stdout } = await finished(runNsc(['try', policy, '-o', 'json', '--node-name', 'a'], options));
      const [run] = JSON.parse(stdout).checks[0].runs;
      assert.deepEqual([exitCode, run.ended, run.left.isGone], [1, 'NotStarted', false]);

      writePolicy('dead', { command: [join(dead, 'check.sh')], timeoutSeconds: 600 }, policy);
      const interrupted = runNsc(['try', policy, '--node-name', 'a'], options);
      await waitFor(() => interrupted.stderr.includes('running dead'), { what: 'the run' });
      interrupted.kill('SIGINT');
      assert.equal(await interrupted.exitCode, 130);
    });

    for (const [signal, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
      ['SIGQUIT', 131],
    ] as const) {
      test(`ends on ${signal} with ${exitCode}, and with it all of the check that runs`, async (t) => {
        const pids = join(dir, `pids-${signal}`);
        const policy = join(dir, signal);
        mkdirSync(policy);
        const script = `sleep 600 & echo $$ $! >${pids}.new; mv ${pids}.new ${pids}; wait`;
        writePolicy('hangs', { command: ['/bin/sh', '-c', script], timeoutSeconds: 600 }, policy);
        const run = runNsc(['try', policy, '--runs', '3', '--node-name', 'node-1'], {
          runtime,
          deadlineMs: DEADLINE_MS,
        });
        const running = await waitFor(() => readFile(pids), { what: 'the check to run' }).then((text) =>
          text.trim().split(' ').map(Number),
        );
        t.after(() => {
          for (const pid of running.filter(isRunning)) process.kill(pid, 'SIGKILL');
        });
        assert.equal(running.length, 2);
        run.kill(signal);
        const { exitCode: found, stdout } = await finished(run);
        assert.deepEqual([found, stdout], [exitCode, '']);
        await waitFor(() => !running.some(isRunning), { what: 'the end of the check' });
      });
    }
  });
}

/** A directory on which a file system is mounted that never answers; null, and the test is skipped, where that may not be. */
async function mountDead(t: TestContext): Promise<string | null> {
  const directory = mkdtempSync(join(tmpdir(), 'nsc-dead-'));
  const holder = spawn(DEAD_FILE_SYSTEM, [directory], { stdio: 'pipe' });
  const ended = once(holder, 'close');
  t.after(async () => {
    holder.stdin.end();
    await ended;
    rmdirSync(directory);
  });
  const refusal = await Promise.race([
    once(holder.stdout, 'data').then(() => null),
    once(holder.stderr, 'data').then(String),
    ended.then(String, String),
  ]);
  if (refusal === null) return directory;
  t.skip(`needs perl, and the right to mount with FUSE: ${refusal}`);
  return null;
}
