import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { RunOutcome } from '../core/verdict.ts';
import { scenarios } from './fixtures/scenarios.ts';
import { fixture, isRunning } from './fixtures/support.ts';

const deno = join(import.meta.dirname, '../../node_modules/.bin/deno');
const skip = existsSync(deno) ? false : 'needs deno in node_modules';

describe('under Deno', { skip }, () => {
  let outcomes: RunOutcome[] = [];
  before(async () => {
    const args = ['run', '-A', '--no-lock', '--cached-only', fixture('deno-driver.ts')];
    const { stdout } = await promisify(execFile)(deno, args, { timeout: 60_000, maxBuffer: 2 ** 24 });
    outcomes = JSON.parse(stdout);
    for (const [i, { leavesProcess }] of scenarios.entries()) {
      if (leavesProcess) process.kill(Number(outcomes[i]?.stdout), 'SIGKILL');
    }
  });

  for (const [i, { rule, ended, stdout }] of scenarios.entries()) {
    test(rule, () => {
      assert.deepEqual(outcomes[i]?.ended, ended);
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
