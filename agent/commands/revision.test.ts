import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { policyFiles } from '../policy/fixtures.ts';
import { revisionOf } from '../policy/revision.ts';

const dir = mkdtempSync(join(tmpdir(), 'revision-'));
after(() => rmSync(dir, { recursive: true }));
const TEXTS = { 'a.yaml': 'not: a: policy', 'b.json': '{}' };
for (const [name, text] of Object.entries(TEXTS)) writeFileSync(join(dir, name), text);
const expected = revisionOf(policyFiles(TEXTS));

suite('nsc revision', () => {
  test('prints the revision, whether the files are valid or not', () => {
    assert.deepEqual(nsc(dir), { stdout: `${expected}\n`, stderr: '', status: 0 });
  });

  test('--output json prints it in an object', () => {
    assert.deepEqual(JSON.parse(nsc(dir, '--output', 'json').stdout), { revision: expected });
  });

  test('of what cannot be read prints nothing a script could take for one', () => {
    const { stdout, stderr, status } = nsc('/no/such');
    assert.deepEqual([stdout, status], ['', 1]);
    assert.match(stderr, /^\/no\/such: \$: must be a directory that can be read \(nothing is there/);
    const json = nsc('/no/such', '-o', 'json');
    assert.deepEqual([JSON.parse(json.stdout).revision, json.status], [null, 1]);
  });

  test('has help with an example', () => assert.match(nsc('--help').stdout, /nsc revision policies\//));
});

/** Runs the command as main does, in a process of its own. */
function nsc(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  const main = `
    import yargs from ${JSON.stringify(import.meta.resolve('yargs'))};
    import { revisionCommand } from ${JSON.stringify(import.meta.resolve('./revision.ts'))};
    await yargs(process.argv.slice(1)).scriptName('nsc').command(revisionCommand).strict().parseAsync();`;
  const nodeArgs = ['--input-type=module', '--eval', main, '--', 'revision', ...args];
  const { stdout, stderr, status } = spawnSync(process.execPath, nodeArgs, { encoding: 'utf8', timeout: 60_000 });
  return { stdout, stderr, status };
}
