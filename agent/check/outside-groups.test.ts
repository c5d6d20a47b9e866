import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { inTime, options, readFile, start, until } from './fixtures/support.ts';
import { policiesOf } from './orphans.ts';
import { type Found, OutsideGroups } from './outside-groups.ts';

/** Follows runs of one policy that no other test has, and looks after each, or only as often as an agent does. */
function setUp(t: TestContext, everyMs?: number) {
  const policyName = `left-${process.pid}-${performance.now()}`.replace('.', '-');
  const directory = mkdtempSync(join(tmpdir(), 'nsc-outside-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const found: Found[] = [];
  const outside = new OutsideGroups(options.nodeName, (each) => found.push(each), everyMs);
  return {
    file: join(directory, 'pid'),
    found,
    start: (script: string) =>
      outside.follow((watcher) => start(['sh', '-c', script], {}, { ...options, policyName, watcher })),
    /** What is found after this run. */
    async after(script: string) {
      const before = found.length;
      await inTime('the end of the run', this.start(script).gone);
      await until('a look', () => found.length > before);
      return found.at(-1)?.get(policyName);
    },
  };
}

/** Leaves a process with a child, in a session of its own, that notes its number. */
const leaves = (file: string) =>
  `setsid sh -c 'echo $$ >${file}.new; mv ${file}.new ${file}; sleep 61; :' & until [ -e ${file} ]; do sleep 0.01; done`;

test('what a check leaves outside of its process group is counted until it ends', async (t) => {
  const runs = setUp(t, 0);
  const left = await runs.after(leaves(runs.file));
  const pid = Number(readFile(runs.file));
  t.after(() => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It was ended below.
    }
  });
  assert.equal(left?.example, 'sh');
  await until('its child', () => readFile(`/proc/${pid}/task/${pid}/children`) !== '');
  assert.equal((await runs.after('true'))?.processes, 2);
  process.kill(-pid, 'SIGKILL');
  assert.equal(await runs.after('true'), undefined);
});

test('what runs in the process group of a run under way is not counted', async (t) => {
  const runs = setUp(t, 0);
  const underWay = runs.start(`(sleep 60 & echo $! >${runs.file}.new; mv ${runs.file}.new ${runs.file}); sleep 60`);
  await until('an orphan in its group', () => readFile(runs.file));
  assert.equal(await runs.after('true'), undefined);
  underWay.kill();
  await inTime('its end', underWay.gone);
});

test('what was left by an agent of another node on this machine is not counted', async (t) => {
  const runs = setUp(t, 0);
  t.after(() => {
    const pid = Number(readFile(runs.file));
    if (pid > 1) process.kill(-pid, 'SIGKILL');
  });
  assert.equal(await runs.after(`export NODE_NAME=another; ${leaves(runs.file)}`), undefined);
});

test('a look that cannot be taken does not say that there is nothing', async () => {
  // More than a program can be given.
  await assert.rejects(policiesOf(Array(500_000).fill(process.pid), options.nodeName), /E2BIG/);
});

test('is looked for at most once a minute', async (t) => {
  const runs = setUp(t);
  await runs.after('true');
  for (let i = 0; i < 3; i += 1) await inTime('the end', runs.start('true').gone);
  // A look that began after those would have begun has ended.
  await setUp(t, 0).after('true');
  assert.equal(runs.found.length, 1);
});
