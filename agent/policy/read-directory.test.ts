import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createConfigMapVolume } from '../../test/harness/config-map-volume.ts';
import { SOAKING } from '../../test/harness/soaking.ts';
import { documentText, policyText } from './fixtures.ts';
import { formatPolicyError } from './format-error.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES } from './limits.ts';
import { loadPolicyDirectory } from './load-policies.ts';
import { type DirectoryRead, readPolicyDirectory } from './read-directory.ts';

suite('a policy directory', () => {
  test('consists of its YAML and JSON files in lexical order', async (t) => {
    const dir = await directory(t, { 'b.yaml': '1', 'a.yml': '2', 'C.json': '3', '10.yaml': '4', 'é.yaml': '5' });
    assert.deepEqual(await namesIn(dir), ['10.yaml', 'C.json', 'a.yml', 'b.yaml', 'é.yaml']);
  });

  test('does not consist of anything else', async (t) => {
    const other = {
      'README.md': '',
      'a.yaml~': '',
      '.hidden.yaml': '',
      '.yaml': '',
      yaml: '',
      'a.YAML': '',
      'a.yaml.bak': '',
    };
    const dir = await directory(t, { 'a.yaml': '#', ...other });
    await mkdir(join(dir, 'sub.yaml'));
    await writeFile(join(dir, 'sub.yaml', 'b.yaml'), '');
    execFileSync('mkfifo', [join(dir, 'pipe.yaml')]);
    assert.deepEqual(await namesIn(dir), ['a.yaml']);
  });

  test('may consist of links to files', async (t) => {
    const elsewhere = await directory(t, { target: 'contents' });
    const dir = await directory(t, {});
    await symlink(join(elsewhere, 'target'), join(dir, 'a.yaml'));
    const { files } = await readPolicyDirectory(dir);
    assert.equal(new TextDecoder().decode(files[0]?.bytes), 'contents');
  });

  test('may itself be a link', async (t) => {
    const dir = await directory(t, { 'a.yaml': '#' });
    await symlink(dir, join(dir, 'link'));
    assert.deepEqual(await namesIn(join(dir, 'link')), ['a.yaml']);
  });

  test('has the same revision as a checkout and as a ConfigMap volume', async (t) => {
    const texts = { 'a.yaml': policyText('a'), 'b.json': policyText('b') };
    const checkout = await loadPolicyDirectory(await directory(t, texts));
    const { dir, project } = createConfigMapVolume(await directory(t, {}));
    project(texts);
    const volume = await loadPolicyDirectory(dir);
    assert.ok(checkout.valid && volume.valid);
    assert.equal(volume.set.revision, checkout.set.revision);
  });
});

suite('a directory cannot be read', () => {
  const cases: Record<string, [(t: TestContext) => Promise<string>, RegExp]> = {
    'that does not exist': [
      async () => '/no/such',
      /^\/no\/such: \$: must be a directory that can be read \(nothing is there: create it, or correct the path\)$/,
    ],
    'that is empty': [(t) => directory(t, {}), /: must hold at least one file named \*\.yaml/],
    'that has only other files': [(t) => directory(t, { a: '' }), /: must hold at least one file named \*\.yaml/],
    'that is a file': [
      async (t) => join(await directory(t, { 'a.yaml': '' }), 'a.yaml'),
      /a\.yaml: \$: must be a directory that can be read \(this is none: name the directory that has the policy files\)$/,
    ],
    'with a link that leads nowhere': [
      async (t) => {
        const dir = await directory(t, { 'a.yaml': '' });
        await symlink('/no/such', join(dir, 'b.yaml'));
        return dir;
      },
      /must be a directory that can be read \(ENOENT.*b\.yaml/,
    ],
    'with a link that leads to itself': [
      async (t) => {
        const dir = await directory(t, { 'a.yaml': '#' });
        await symlink('b.yaml', join(dir, 'b.yaml'));
        return dir;
      },
      /^b\.yaml: \$: must be a file that can be read \(ELOOP/,
    ],
    'with a ..data that leads nowhere': [
      async (t) => {
        const dir = await directory(t, { 'a.yaml': '' });
        await symlink('..gone', join(dir, '..data'));
        return dir;
      },
      /must be a directory that can be read \(ENOENT/,
    ],
    [`with a file of more than ${MAX_FILE_BYTES} bytes`]: [
      async (t) => {
        const dir = await directory(t, { 'a.yaml': '#', 'b.yaml': '' });
        await truncate(join(dir, 'b.yaml'), MAX_FILE_BYTES + 1);
        return dir;
      },
      /^b\.yaml: \$: must be at most 1048576 bytes long$/,
    ],
    [`with more than ${MAX_TOTAL_BYTES} bytes`]: [
      async (t) => {
        const names = Array.from({ length: MAX_TOTAL_BYTES / MAX_FILE_BYTES }, (_, n) => `${n}.yaml`);
        const dir = await directory(t, Object.fromEntries([...names, 'last.yaml'].map((name) => [name, '#'])));
        for (const name of names) await truncate(join(dir, name), MAX_FILE_BYTES);
        return dir;
      },
      /must hold at most 4194304 bytes of policy files$/,
    ],
    [`with more than ${MAX_FILES} files`]: [
      (t) => directory(t, Object.fromEntries(Array.from({ length: MAX_FILES + 1 }, (_, n) => [`${n}.yaml`, '#']))),
      /must hold at most 256 policy files$/,
    ],
  };
  for (const [name, [make, expected]] of Object.entries(cases)) {
    test(name, async (t) => {
      const dir = await make(t);
      const { errors } = await readPolicyDirectory(dir);
      assert.equal(errors.length, 1);
      assert.match(errors.map(formatPolicyError).join(), expected);
      const load = await loadPolicyDirectory(dir);
      assert.ok(!load.valid && load.revision === null);
    });
  }

  test('with a file nobody may read', { skip: process.getuid?.() === 0 && 'root may read everything' }, async (t) => {
    const dir = await directory(t, { 'a.yaml': policyText() });
    await chmod(join(dir, 'a.yaml'), 0);
    const { errors } = await readPolicyDirectory(dir);
    assert.match(errors.map(formatPolicyError).join(), /^a\.yaml: \$: must be a file that can be read \(EACCES/);
  });

  test('and still every error in what could be read is told, but none that comes from what could not', async (t) => {
    const patch = documentText('NodeCheckPolicyPatch', 'in-b', {});
    const dir = await directory(t, {
      'a.yaml': policyText('a', { mode: 'X' }),
      'b.yaml': '',
      'c.yaml': policyText('C'),
      'd.yaml': patch,
    });
    await truncate(join(dir, 'b.yaml'), MAX_FILE_BYTES + 1);
    const load = await loadPolicyDirectory(dir);
    assert.ok(!load.valid);
    assert.deepEqual(
      load.errors.map(({ file }) => file),
      ['a.yaml', 'b.yaml', 'c.yaml'],
    );
  });
});

test('a file at the limits is read whole', async (t) => {
  const dir = await directory(t, { 'a.yaml': '' });
  await truncate(join(dir, 'a.yaml'), MAX_FILE_BYTES);
  const { files, errors } = await readPolicyDirectory(dir);
  assert.deepEqual(errors, []);
  assert.equal(files[0]?.bytes.length, MAX_FILE_BYTES);
});

suite('a volume that is replaced while it is read', () => {
  const FILES = 4;
  const version = (text: string) => Object.fromEntries(Array.from({ length: FILES }, (_, n) => [`${n}.yaml`, text]));
  const seenIn = async (dir: string) => wholeOf(await readPolicyDirectory(dir));
  const wholeOf = ({ files, errors }: DirectoryRead) => {
    assert.deepEqual(errors, []);
    assert.equal(files.length, FILES, 'all files');
    const contents = new Set(files.map(({ bytes }) => new TextDecoder().decode(bytes)));
    assert.equal(contents.size, 1, `mixed: ${[...contents]}`);
    return [...contents].join();
  };

  const isGivenUp = ({ errors }: DirectoryRead) =>
    errors.length === 1 && errors[0]?.requirement.includes('it is replaced again and again, for 4000 ms now');

  const SWAPS = SOAKING ? 10_000 : 2_000;
  test(`${SWAPS} times, in bursts as fast as can be, is never read in part or mixed, by several readers`, async (t) => {
    // In memory where there is such a file system: a disk would only slow the storm down.
    const fast = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const { dir, project } = createConfigMapVolume(await directory(t, {}, fast));
    project(version('0'));
    const driver = fileURLToPath(new URL('fixtures/swaps-driver.ts', import.meta.url));
    const deno = 'Deno' in globalThis ? ['run', '--allow-all', '--no-check'] : [];
    const swapping = spawn(process.execPath, [...deno, driver, dir, String(SWAPS), String(FILES)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    t.after(() => swapping.kill('SIGKILL'));
    const seen = new Set<string>();
    const readOn = async () => {
      while (swapping.exitCode === null && swapping.signalCode === null) {
        const read = await readPolicyDirectory(dir);
        // On a processor that many others want, a swap can meet every attempt there is time for: this is said, too.
        if (!isGivenUp(read)) seen.add(wholeOf(read));
      }
    };
    await Promise.all([readOn(), readOn(), readOn()]);
    assert.equal(swapping.exitCode, 0);
    assert.equal(await seenIn(dir), String(SWAPS), 'the last one stays');
    assert.ok(seen.size > 10, `it was read while it was replaced, ${seen.size} versions were seen`);
  });

  test('by renaming, or by pointing a link to it elsewhere, is read whole and unmixed each time', async (t) => {
    const parent = await directory(t, {});
    const make = async (n: number) => {
      await mkdir(join(parent, `version${n}`));
      for (const [name, text] of Object.entries(version(String(n)))) {
        await writeFile(join(parent, `version${n}`, name), text);
      }
    };
    const [dir, link] = [join(parent, 'dir'), join(parent, 'link')];
    await make(0);
    renameSync(join(parent, 'version0'), dir);
    await make(1);
    await symlink('version1', link);
    for (let n = 2; n <= 120; n += 2) {
      await make(n);
      await make(n + 1);
      await symlink(`version${n + 1}`, join(parent, 'tmp'));
      const reads = [seenIn(dir), seenIn(link)];
      // Each time at another moment of the reading.
      for (let turns = 0; turns < n % 30; turns++) await nextTurn();
      renameSync(dir, join(parent, 'old'));
      renameSync(join(parent, `version${n}`), dir);
      renameSync(join(parent, 'tmp'), link);
      await rm(join(parent, `version${n - 1}`), { recursive: true });
      await Promise.all(reads);
      await rm(join(parent, 'old'), { recursive: true });
    }
  });
});

async function directory(t: TestContext, texts: Record<string, string>, parent = tmpdir()): Promise<string> {
  const dir = await mkdtemp(join(parent, 'policies-'));
  t.after(() => rm(dir, { recursive: true, maxRetries: 3 }));
  for (const [name, text] of Object.entries(texts)) await writeFile(join(dir, name), text);
  return dir;
}

async function namesIn(dir: string): Promise<string[]> {
  const { files, errors } = await readPolicyDirectory(dir);
  assert.deepEqual(errors, []);
  return files.map(({ name }) => name);
}
