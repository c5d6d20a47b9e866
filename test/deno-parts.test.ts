import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Of what it printed, in characters. */
const LONGEST = 10_000;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where the runtimes differ: connections, and files. */
test('the parts that talk to the API server and read the policy directory do so on Deno, too', async () => {
  const options = { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 64 << 20 };
  await promisify(execFile)('npm', ['run', '--silent', 'test:deno'], options).catch(({ stdout, stderr }) => {
    // Deno ends with all that failed.
    assert.fail(`${stdout}${stderr}`.slice(-LONGEST));
  });
});
