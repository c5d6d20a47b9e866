import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readContainerfile, sourcesOf } from './containerfile.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('a build in another place, at another time and by another user makes the same bytes as the one here', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-build-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const elsewhere = await buildIn(join(dir, 'deeper/with space'), {
    HOME: '/nonexistent',
    TZ: 'Asia/Tokyo',
    USER: 'two',
  });
  for (const file of ['agent.mjs', 'THIRD_PARTY_LICENSES.txt']) {
    const [one, two] = [join(ROOT, 'dist'), elsewhere].map((output) => readFileSync(join(output, file)));
    assert.ok(one && two && one.length > 100_000);
    assert.ok(one.equals(two), `${file} differs: was dist built of these sources?`);
  }
});

/** Builds, from no more than what the image's build stage copies, and returns where the output is. */
async function buildIn(directory: string, env: Readonly<Record<string, string>>): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const stage = readContainerfile().stages.find(({ name }) => name === 'build');
  assert.ok(stage);
  for (const name of sourcesOf(stage)) {
    const filter = (source: string) => !/\/generated$|\.test\.ts$|\/fixtures$/.test(source);
    cpSync(join(ROOT, name), join(directory, name), { recursive: true, filter });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const options = { cwd: directory, env: { PATH: process.env.PATH, ...env }, timeout: 300_000 };
  const command = stage.instructions.find(({ value }) => value.includes('build.mjs') && value.startsWith('node '));
  assert.ok(command);
  await promisify(execFile)('/bin/sh', ['-c', command.value], options);
  return join(directory, 'dist');
}
