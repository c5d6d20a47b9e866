import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { before, describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { denoPermissions } from '../../test/harness/deno-permissions.ts';
import type { RunOutcome } from '../core/verdict.ts';
import { scenarios } from './fixtures/scenarios.ts';
import { fixture, inTime, isRunning, processState, until, watchGroup } from './fixtures/support.ts';

const deno = join(import.meta.dirname, '../../node_modules/.bin/deno');
const skip = existsSync(deno) ? false : 'needs deno in node_modules';
/** What `nsc run` is documented to need, so no look at /proc. What may not be read is not told to be missing. */
const documented = denoPermissions('run', { NSC: import.meta.dirname, CHECKS: `${fixture('')},/nonexistent` });
const ARGUMENTS = ['--no-lock', '--cached-only'];

/** The driver puts a secret into its environment. */
const withToken = (words: string[]) => words.map((word) => word.replace(/^--allow-env=/, '$&AGENT_TOKEN,'));

for (const [what, mayLook, permissions] of [
  ['that may do everything', true, ['--allow-all']],
  ['with the documented permissions', true, withToken(documented)],
  ['that may not look at checks', false, withToken(denoPermissions('run', { NSC: import.meta.dirname }))],
] as const) {
  describe(`under Deno ${what}`, { skip }, () => {
    let outcomes: RunOutcome[] = [];
    before(async () => {
      const args = ['run', ...permissions, ...ARGUMENTS, fixture('deno-driver.ts')];
      const { stdout } = await promisify(execFile)(deno, args, { timeout: 60_000, maxBuffer: 2 ** 24 });
      outcomes = JSON.parse(stdout);
      for (const [i, { leavesProcess }] of scenarios.entries()) {
        if (leavesProcess) process.kill(Number(outcomes[i]?.stdout), 'SIGKILL');
      }
    });

    for (const [i, { rule, ended, stdout }] of scenarios.entries()) {
      test(rule, () => {
        const found = outcomes[i]?.ended;
        // In whose words it is said is up to the system's tools where Deno may not look.
        if (found?.kind === 'NotStarted' && !mayLook) assert.equal(found.kind, ended.kind);
        else assert.deepEqual(found, ended);
        if (stdout !== undefined) assert.equal(outcomes[i]?.stdout, stdout);
      });
    }

    test('no process is left of a group', () => {
      const ofOurGroup = scenarios.flatMap(({ command }, i) => {
        const writesPids = /never-exits|leaves-pipe-holder|leaves-silent-process|ignores-sigterm/.test(command[0]);
        return writesPids ? (outcomes[i]?.stdout.trim().split(' ').map(Number) ?? []) : [];
      });
      assert.equal(ofOurGroup.length, 5);
      assert.deepEqual(ofOurGroup.filter(isRunning), []);
    });
  });
}

describe('under Deno, to which /proc is not shown, a process group', { skip, concurrency: true }, () => {
  const watch = (t: TestContext, id: number) =>
    watchGroup(t, [deno, 'run', ...documented, ...ARGUMENTS, fixture('group-driver.ts')], id);

  test('is not gone while a process runs in it', async (t) => {
    const leader = spawn('sleep', ['60'], { detached: true });
    t.after(() => leader.kill('SIGKILL'));
    const { gone } = await watch(t, leader.pid ?? 0);
    assert.equal(await Promise.race([gone, setTimeout(1000, 'there')]), 'there');
    leader.kill('SIGKILL');
    assert.equal(await inTime('the end of the group', gone), 'looks\ngone\n');
  });

  test('is gone when only a zombie is left in it that nobody reaps, so that its check runs again', async (t) => {
    // What sleep was before it became sleep had a child, and sleep waits for none.
    const parent = spawn('sh', ['-c', 'setsid sh -c "echo \\$\\$" & exec sleep 60']);
    t.after(() => parent.kill('SIGKILL'));
    const [pid] = await inTime('the pid of the child', once(parent.stdout, 'data'));
    const zombie = Number(pid);
    await until('the child is a zombie', () => processState(zombie) === 'Z');
    const { gone } = await watch(t, zombie);
    assert.equal(await inTime('the end of the group', gone), 'looks\ngone\n');
    assert.equal(processState(zombie), 'Z');
  });
});
