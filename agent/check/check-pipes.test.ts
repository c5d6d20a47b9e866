import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { CheckPipes } from './check-pipes.ts';
import { fixture, inTime, isRunning, options, run, start, until } from './fixtures/support.ts';

const openFiles = () => readdirSync('/proc/self/fd').length;
const hasPython = existsSync('/usr/bin/python3');

/** Runs that share pipes with nobody else's, so that each has those of the one before it. */
function runsOfItsOwn(t: TestContext) {
  const pipes = new CheckPipes(assert.fail);
  t.after(() => pipes.close());
  const others = { ...options, pipes };
  const startHere = (script: string, timeoutSeconds = 30) => start(['sh', '-c', script], { timeoutSeconds }, others);
  return {
    start: startHere,
    /** To the end of all its processes, when its pipes are free again. */
    async run(script: string) {
      const running = startHere(script);
      await inTime('the end of all its processes', running.gone);
      return running.outcome;
    },
  };
}

describe('a script', { concurrency: 4 }, () => {
  const scripts: [rule: string, script: string, stdout: string, stderr: string][] = [
    ['writes to stderr by its name', 'set -e; echo x > /dev/stderr', '', 'x\n'],
    ['writes to stdout by its name', 'set -e; echo x > /dev/stdout', 'x\n', ''],
    ['appends to them', 'set -e; echo a; echo b >> /dev/stdout; echo c >> /dev/stderr', 'a\nb\n', 'c\n'],
    ['writes to a descriptor by its number', 'set -e; echo x > /proc/self/fd/2; echo y > /dev/fd/1', 'y\n', 'x\n'],
    ['opens a stream anew', 'set -e; exec 2>/dev/stderr; echo x >&2; exec 3>/dev/stdout; echo y >&3', 'y\n', 'x\n'],
    ['has tee write to a stream', 'set -e; echo x | tee /dev/stderr', 'x\n', 'x\n'],
    ['has a tool write its log there', 'set -e; dd if=/dev/null of=/dev/stdout status=none; echo x', 'x\n', ''],
    [
      'of Python opens a stream',
      `python3 -c "open('/dev/stderr', 'w').write('x'); open('/dev/stdout', 'a').write('y')"`,
      'y',
      'x',
    ],
  ];
  for (const [rule, script, stdout, stderr] of scripts) {
    const skip = script.startsWith('python3') && !hasPython ? 'needs python3' : false;
    test(rule, { skip }, async () => {
      const outcome = await run(['sh', '-c', script]);
      assert.deepEqual(
        { ended: outcome.ended, stdout: outcome.stdout, stderr: outcome.stderr },
        { ended: { kind: 'Exited', code: 0 }, stdout, stderr },
      );
    });
  }
});

describe('the pipes of a run', () => {
  test('are no file that anybody finds, and only the agent may open them', async () => {
    const { stdout } = await run(['sh', '-c', 'stat -L -c "%F %a" /proc/self/fd/1; readlink /proc/$$/fd/1']);
    const [kind = '', path = ''] = stdout.split('\n');
    assert.equal(kind, 'fifo 600');
    assert.match(path, /nsc-pipes-\w+\/stdout \(deleted\)$/);
    assert.equal(existsSync(dirname(path)), false);
  });

  test('are used again by the next run', async (t) => {
    const runs = runsOfItsOwn(t);
    const script = 'stat -L -c %i /proc/self/fd/1 /proc/self/fd/2';
    const first = await runs.run(script);
    assert.equal((await runs.run(script)).stdout, first.stdout);
  });

  for (const [what, first, again] of [
    ['writes on', "trap '' PIPE", 'echo stray; echo stray >&2; sleep 0.001'],
    ['keeps them open', '', 'sleep 1'],
    ['reads from them', 'exec 8</dev/stdout 9</dev/stderr >/dev/null 2>&1', 'cat <&8; cat <&9; sleep 0.001'],
  ] as const) {
    test(`are not those of an earlier run that left a process which ${what}`, async (t) => {
      const runs = runsOfItsOwn(t);
      const directory = mkdtempSync(join(tmpdir(), 'nsc-stray-'));
      const noted = join(directory, 'pid');
      t.after(() => rmSync(directory, { recursive: true }));
      writeFileSync(
        join(directory, 'left.sh'),
        `${first}\necho $$ >${noted}.new\nmv ${noted}.new ${noted}\nwhile :; do ${again}; done`,
      );
      await runs.run(`setsid sh ${directory}/left.sh & until [ -e ${noted} ]; do sleep 0.01; done`);
      const pid = Number(execFileSync('cat', [noted], { encoding: 'utf8' }));
      t.after(() => process.kill(-pid, 'SIGKILL'));

      for (let i = 0; i < 20; i += 1) {
        const { ended, stdout, stderr } = await runs.run('echo out; echo error >&2');
        assert.deepEqual([ended, stdout, stderr], [{ kind: 'Exited', code: 0 }, 'out\n', 'error\n']);
      }
      assert.equal(isRunning(pid), true);
    });
  }

  test('are those of one run, however many there are at once', async (t) => {
    const runs = runsOfItsOwn(t);
    const names = Array.from({ length: 8 }, (_, i) => `run-${i}`);
    for (let round = 0; round < 2; round += 1) {
      const outcomes = names.map((name) =>
        runs.run(`yes ${name} | head -n 400; yes ${name} | head -n 400 > /dev/stderr`),
      );
      for (const [i, { stdout, stderr }] of (await Promise.all(outcomes)).entries()) {
        const expected = `${names[i]}\n`.repeat(400);
        assert.deepEqual([stdout, stderr], [expected, expected]);
      }
    }
  });

  test('are closed however a run ends', async (t) => {
    const runs = runsOfItsOwn(t);
    await runs.run('true');
    const before = openFiles();
    const killed = Array.from({ length: 5 }, () => runs.start('sleep 60'));
    const timedOut = runs.start('sleep 60', 1);
    const noArgument = start(['/bin/true', 'a\0b'], {}, options);
    for (const running of killed.slice(0, 3)) running.kill();
    await until('a run has its pipes', () => openFiles() > before);
    for (const running of killed) running.kill();
    await inTime('the end', Promise.all([...killed, timedOut, noArgument].map(({ gone }) => gone)));
    for (let i = 0; i < 3; i += 1) await runs.run('true');
    // What waits for a later run is a pair of descriptors for each that ran at once.
    await until('all else is closed', () => openFiles() <= before + 2 * killed.length + 2);
  });
});

const skip = process.getuid?.() === 0 ? false : 'needs root, to write-protect /dev/shm';
test('without a directory for pipes checks run all the same, and that is told once', { skip }, async () => {
  // A process of its own, which may write nowhere and gets sockets.
  const readOnly = 'mount -t tmpfs -o ro none /dev/shm && exec "$@"';
  const driver = ['--mount', 'sh', '-c', readOnly, 'sh', process.execPath, fixture('pipeless-driver.ts')];
  const env = { ...process.env, TMPDIR: '/dev/shm' };
  const { stdout } = await inTime('the driver', promisify(execFile)('unshare', driver, { env }));
  const [outcomes, warnings] = JSON.parse(stdout);
  assert.deepEqual(outcomes, [0, 0]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^no pipes for checks: .*\/dev\/stderr.*; give the agent mkfifo.*: EROFS: .*'\/dev\/shm\//);
});
