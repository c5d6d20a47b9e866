import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fixture, inTime, options, readFile, until } from '../check/fixtures/support.ts';
import { samplePolicy } from '../core/samples.ts';
import { tryCheck } from './try-check.ts';

test('after a run that SIGKILL does not end no other is made, as in an agent', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-try-check-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'pid');
  const policy = samplePolicy('a', {
    check: { command: ['/bin/sh', '-c', `echo $$ >${file}; exec sleep 600`], timeoutSeconds: 5 },
  });
  const trying = tryCheck({ policy, source: '-', budgets: [] }, { ...options, runs: 3, onRun: () => {} });
  const pid = await until('the check runs', () => Number.parseInt(readFile(file), 10));
  const refusal = await keepZombie(t, pid);
  if (refusal !== null) {
    process.kill(pid, 'SIGKILL');
    t.skip(refusal);
  }
  const { runs, leftOut } = await inTime('the end of the trial', trying);
  if (refusal !== null) return;
  assert.deepEqual(
    runs.map(({ outcome, isGone }) => [outcome.ended.kind, isGone]),
    [['TimedOut', false]],
  );
  assert.equal(leftOut, 2);
});

/** Keeps a process, once it is killed, from being reaped. @returns why it cannot; null: it does */
async function keepZombie(t: TestContext, pid: number): Promise<string | null> {
  const holder = spawn(fixture('keeps-zombie.pl'), [String(pid)], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => holder.kill('SIGKILL'));
  const answer = Promise.race([
    once(holder.stdout, 'data').then(() => null),
    once(holder.stderr, 'data').then(String),
    once(holder, 'close').then(String, String),
  ]);
  const refusal = await inTime('the answer of the holder', answer);
  return refusal === null ? null : `needs perl and the right to attach to a process: ${refusal}`;
}
