import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RUNTIMES, skipWithoutRuntime } from '../harness/nsc-command.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** What is shipped behaves the same, whatever runs it; where nothing else is installed, too. Deno is in deno.test.ts. */
for (const runtime of RUNTIMES.filter((name) => name !== 'deno')) {
  describe(`nsc on ${runtime}`, { skip: skipWithoutRuntime(runtime) }, () => {
    let dir = '';
    before(() => {
      dir = mkdtempSync(join(tmpdir(), 'nsc-ship-'));
      cpSync(join(ROOT, 'deploy/kustomize/base/policy'), join(dir, 'valid'), { recursive: true });
      mkdirSync(join(dir, 'invalid'));
      writeFileSync(join(dir, 'invalid/policy.yaml'), 'kind: Nonsense\n');
    });
    after(() => rmSync(dir, { recursive: true }));
    // Without PATH, HOME and the repository: nothing but the program itself can help it.
    const nsc = (...args: string[]) => finished(runNsc(args, { runtime, cwd: dir, env: { PATH: '', HOME: '' } }));

    test('says its version', async () => {
      assert.deepEqual(await nsc('--version'), { exitCode: 0, stdout: `${version}\n`, stderr: '' });
    });

    test('calls itself nsc in its help', async () => {
      const { exitCode, stdout } = await nsc('validate', '--help');
      assert.equal(exitCode, 0);
      assert.match(stdout, /^nsc validate /);
    });

    test('ends with 0 for valid policies, with 1 for invalid ones, with 2 for a wrong command line', async () => {
      const valid = await nsc('validate', 'valid');
      assert.equal(valid.exitCode, 0);
      assert.match(valid.stdout, /^valid: 1 policy, 0 budgets, revision [0-9a-f]{12}\n$/);
      const invalid = await nsc('validate', 'invalid');
      assert.equal(invalid.exitCode, 1);
      assert.match(invalid.stdout + invalid.stderr, /^invalid\/policy\.yaml:1:7: \$\.kind: must be one of /m);
      const wrong = await nsc('validate', '--no-such-option');
      assert.equal(wrong.exitCode, 2);
      assert.match(wrong.stderr, /^nsc: --no-such-option is not a known option; see nsc validate --help\n$/);
    });
  });
}
