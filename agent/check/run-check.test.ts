import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';
import { KEPT_BYTES } from './bounded-output.ts';
import { scenarios } from './fixtures/scenarios.ts';
import { fixture, hangingLooks, inTime, options, run, start } from './fixtures/support.ts';
import { DEFAULT_PATH } from './launcher.ts';
import { Looks } from './looks.ts';

describe('how a run ends', { concurrency: 4 }, () => {
  before(() => {
    process.env.AGENT_TOKEN = 'secret';
  });
  after(() => delete process.env.AGENT_TOKEN);

  for (const { rule, command, timeoutSeconds = 30, ended, stdout, leavesProcess } of scenarios) {
    test(rule, async () => {
      const running = start(command, { timeoutSeconds });
      const outcome = await inTime('the outcome', running.outcome);
      if (leavesProcess) process.kill(Number(outcome.stdout), 'SIGKILL');
      assert.deepEqual(outcome.ended, ended);
      if (stdout !== undefined) assert.equal(outcome.stdout, stdout);
      await inTime('the end of all its processes', running.gone);
    });
  }

  describe('is the same when looks at other files hang', { concurrency: 4 }, () => {
    for (const { rule, command, timeoutSeconds = 30, ended, stdout, leavesProcess } of scenarios) {
      test(rule, async () => {
        const running = start(command, { timeoutSeconds }, { ...options, looks: hangingLooks() });
        const outcome = await inTime('the outcome', running.outcome);
        if (leavesProcess) process.kill(Number(outcome.stdout), 'SIGKILL');
        // In whose words it is said is up to the system's tools.
        if (outcome.ended.kind === 'NotStarted') assert.match(outcome.ended.reason, /^(.*\/)?env: |^\//);
        else assert.deepEqual(outcome.ended, ended);
        assert.equal(outcome.ended.kind, ended.kind);
        if (stdout !== undefined) assert.equal(outcome.stdout, stdout);
        await inTime('the end of all its processes', running.gone);
      });
    }
  });

  test('an argument that no process can be given did not start', async () => {
    const { ended } = await run(['/bin/true', 'a\0b']);
    assert.equal(ended.kind, 'NotStarted');
    assert.match(ended.kind === 'NotStarted' ? ended.reason : '', /^\/bin\/true: .*null bytes/);
  });
});

test('a run whose file is not answered for in time has not started, and says nothing of a timeout', async () => {
  const looks = new Looks(() => new Promise(() => {}));
  const { outcome } = start(['/dead/check.sh'], { timeoutSeconds: 1 }, { ...options, looks });
  const { ended } = await inTime('the outcome', outcome);
  assert.equal(ended.kind, 'NotStarted');
  assert.match(
    ended.kind === 'NotStarted' ? ended.reason : '',
    /^\/dead\/check\.sh: did not start within 1 s; its file system may not answer$/,
  );
});

describe('what a check is given', () => {
  test("the check's own env is added and wins", async () => {
    const env = [
      { name: 'NODE_NAME', value: 'other' },
      { name: 'HOME', value: '/root' },
      { name: 'LEVEL', value: 'deep = 1\tå' },
    ];
    const { stdout } = await run([fixture('prints-env.sh')], { env });
    assert.deepEqual(stdout.trim().split('\n'), [
      'HOME=/root',
      'LEVEL=deep = 1\tå',
      'NODE_IP=192.0.2.7',
      'NODE_NAME=other',
      'NSC_POLICY=storage',
      `PATH=${DEFAULT_PATH}`,
    ]);
  });

  test('it is all and only that when looks at other files hang', async () => {
    const env = [
      { name: 'a.b', value: 'of no shell' },
      { name: 'name', value: 'of its own' },
    ];
    const command = ['cat', '/proc/self/environ'] as const;
    const { stdout } = await run([...command], { env }, { ...options, looks: hangingLooks() });
    assert.equal(stdout, (await run([...command], { env })).stdout);
  });

  for (const nodeIp of [undefined, '']) {
    test(`no NODE_IP where the agent has ${nodeIp === undefined ? 'none' : 'an empty one'}`, async () => {
      const { stdout } = await run([fixture('prints-env.sh')], {}, { ...options, nodeIp });
      assert.doesNotMatch(stdout, /NODE_IP/);
    });
  }

  test("a command without a slash is looked up in the check's own PATH", async () => {
    const env = [{ name: 'PATH', value: `/nonexistent:${fixture('')}:/usr/bin:/bin` }];
    assert.deepEqual((await run(['exits-with.sh', '9'], { env })).ended, { kind: 'Exited', code: 9 });
  });

  test('arguments pass through no shell', async () => {
    const { stdout } = await run(['printf', '%s|', 'a b', '$PATH', '*', '; exit 1', "'"]);
    assert.equal(stdout, "a b|$PATH|*|; exit 1|'|");
  });

  test('it runs in / with no input', async () => {
    assert.equal((await run(['sh', '-c', 'pwd; cat'])).stdout, '/\n');
  });
});

describe('what a run tells', { concurrency: true }, () => {
  test('both streams are kept apart and counted', async () => {
    const outcome = await run(['sh', '-c', 'printf out; printf error >&2']);
    const { stdout, stdoutBytes, stderr, stderrBytes } = outcome;
    assert.deepEqual(
      { stdout, stdoutBytes, stderr, stderrBytes },
      { stdout: 'out', stdoutBytes: 3, stderr: 'error', stderrBytes: 5 },
    );
  });

  test('of 100 MB the beginning is kept and all is counted', async () => {
    const { stdout, stdoutBytes } = await run([fixture('floods-stdout.sh')]);
    assert.deepEqual([stdout, stdoutBytes], ['\0'.repeat(KEPT_BYTES), 100_000_000]);
  });

  test('what was written last is kept too', async () => {
    const { stderr, stderrEnd, stdoutEnd } = await run([
      'sh',
      '-c',
      'echo out; head -c 60000 /dev/zero >&2; printf last >&2',
    ]);
    assert.equal(stderr, '\0'.repeat(KEPT_BYTES));
    assert.match(stderrEnd ?? '', /^\0{1020}last$/);
    assert.equal(stdoutEnd, undefined);
  });

  test('the duration is the time to the exit, in milliseconds', async () => {
    const startedAt = performance.now();
    const { durationMs } = await run(['sleep', '0.3']);
    assert.ok(durationMs >= 300 && durationMs <= performance.now() - startedAt, `${durationMs} ms`);
  });
});

describe('what a run leaves', () => {
  test('many runs leave no descriptor, timer or child', async () => {
    const files = () => readdirSync('/proc/self/fd').length;
    const round = async () => {
      const runs = [fixture('healthy.sh'), fixture('leaves-pipe-holder.sh'), '/nonexistent'].map((file) =>
        start([file]),
      );
      await inTime('all of a round', Promise.all(runs.flatMap(({ outcome, gone }) => [outcome, gone])));
    };
    await round();
    const before = files();
    for (let i = 0; i < 2; i += 1) await round();
    assert.equal(files(), before);
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap'),
      [],
    );
  });
});
