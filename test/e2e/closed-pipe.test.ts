import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { isRunning } from '../../agent/check/fixtures/support.ts';
import { policyText } from '../../agent/policy/fixtures.ts';
import { nscCommand } from '../harness/nsc-command.ts';

const dir = mkdtempSync(join(tmpdir(), 'nsc-closed-'));
after(() => rmSync(dir, { recursive: true }));
const [valid, invalid, slow, pid] = ['valid.yaml', 'invalid.yaml', 'slow.yaml', 'pid'].map((name) => join(dir, name));
assert.ok(valid && invalid && slow && pid);
writeFileSync(valid, policyText('a'));
writeFileSync(invalid, policyText('a', { mode: 'X' }));
// Longer than it takes until nsc says that it waits.
writeFileSync(
  slow,
  policyText('a', { check: { command: ['sh', '-c', `echo $$ > ${pid}; exec sleep 4`], timeoutSeconds: 30 } }),
);

suite('whose reader has gone', { concurrency: true }, () => {
  for (const [args, code] of [
    [['validate', valid], 0],
    [['validate', invalid], 1],
    [['validate', valid, '-o', 'sarif'], 0],
    [['effective', valid], 0],
    [['plan', valid, valid], 0],
    [['--help'], 0],
  ] as const) {
    test(`nsc ${args.map((arg) => arg.replace(dir, '.')).join(' ')} ends with its code, and says nothing of that`, async () => {
      const child = start(args);
      child.stdout.destroy();
      let stderr = '';
      child.stderr.on('data', (data) => {
        stderr += data;
      });
      const [exitCode] = await once(child, 'close');
      assert.deepEqual({ exitCode, stderr }, { exitCode: code, stderr: '' });
    });
  }

  test('nsc try runs its check to the end when nobody hears that it waits', async () => {
    const child = start(['try', slow]);
    child.stderr.destroy();
    let stdout = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    const [exitCode] = await once(child, 'close');
    assert.match(stdout, /^a: Healthy, exit code 0, after 4/);
    assert.equal(exitCode, 0);
    assert.equal(isRunning(Number(readFileSync(pid, 'utf8'))), false);
  });
});

function start(args: readonly string[]) {
  const [program, ...words] = nscCommand(args, { env: process.env });
  return spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
}
