import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { documentText, policyText } from './fixtures.ts';
import { formatPolicyError } from './format-error.ts';
import { MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES } from './limits.ts';
import { loadPolicyDirectory } from './load-policies.ts';
import { readPolicyDirectory } from './read-directory.ts';

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
    const dir = await directory(t, { 'a.yaml': '', ...other });
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
    const dir = await directory(t, { 'a.yaml': '' });
    await symlink(dir, join(dir, 'link'));
    assert.deepEqual(await namesIn(join(dir, 'link')), ['a.yaml']);
  });

  test('has the same revision as a checkout and as a ConfigMap volume', async (t) => {
    const texts = { 'a.yaml': policyText('a'), 'b.json': policyText('b') };
    const checkout = await loadPolicyDirectory(await directory(t, texts));
    const volume = await loadPolicyDirectory(await configMapVolume(t, texts));
    assert.ok(checkout.valid && volume.valid);
    assert.equal(volume.set.revision, checkout.set.revision);
  });
});

suite('a directory cannot be read', () => {
  const cases: Record<string, [(t: TestContext) => Promise<string>, RegExp]> = {
    'that does not exist': [async () => '/no/such', /^\/no\/such: \$: must be a directory that can be read \(ENOENT/],
    'that is empty': [(t) => directory(t, {}), /: must hold at least one file named \*\.yaml/],
    'that has only other files': [(t) => directory(t, { a: '' }), /: must hold at least one file named \*\.yaml/],
    'that is a file': [
      async (t) => join(await directory(t, { 'a.yaml': '' }), 'a.yaml'),
      /a\.yaml: \$: must be a directory that can be read \(ENOTDIR/,
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
        const dir = await directory(t, { 'a.yaml': '' });
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
        const dir = await directory(t, { 'a.yaml': '', 'b.yaml': '' });
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
      (t) => directory(t, Object.fromEntries(Array.from({ length: MAX_FILES + 1 }, (_, n) => [`${n}.yaml`, '']))),
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

test('versions of a ConfigMap volume that is replaced meanwhile are never mixed, nor half of one read', async (t) => {
  const FILES = 8;
  const version = (n: number) =>
    Object.fromEntries(Array.from({ length: FILES }, (_, file) => [`${file}.yaml`, String(n)]));
  const dir = await configMapVolume(t, version(0));
  for (let n = 1; n <= 120; n++) {
    const next = await writeVersion(dir, version(n));
    const reading = readPolicyDirectory(dir);
    // Each time at another moment of the reading.
    for (let turns = 0; turns < n % 30; turns++) await nextTurn();
    const old = pointTo(dir, next);
    for (let file = 0; file < FILES / 2; file++) unlinkSync(join(old, `${file}.yaml`));
    const { files, errors } = await reading;
    assert.deepEqual(errors, []);
    const contents = new Set(files.map(({ bytes }) => new TextDecoder().decode(bytes)));
    assert.equal(contents.size, 1, [...contents].join());
    assert.equal(files.length, FILES);
    await rm(old, { recursive: true });
  }
});

async function directory(t: TestContext, texts: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'policies-'));
  t.after(() => rm(dir, { recursive: true, maxRetries: 3 }));
  for (const [name, text] of Object.entries(texts)) await writeFile(join(dir, name), text);
  return dir;
}

async function namesIn(dir: string): Promise<string[]> {
  const { files, errors } = await readPolicyDirectory(dir);
  assert.deepEqual(errors, []);
  return files.map(({ name }) => name);
}

/** A directory as the kubelet makes it: files are links through `..data`, which is a link to where they really are. */
async function configMapVolume(t: TestContext, texts: Record<string, string>): Promise<string> {
  const dir = await directory(t, {});
  for (const name of Object.keys(texts)) await symlink(join('..data', name), join(dir, name));
  symlinkSync(await writeVersion(dir, texts), join(dir, '..data'));
  return dir;
}

async function writeVersion(dir: string, texts: Record<string, string>): Promise<string> {
  const version = await mkdtemp(join(dir, '..version-'));
  for (const [name, text] of Object.entries(texts)) await writeFile(join(version, name), text);
  return version;
}

/** At once, as the kubelet does it. Returns where the volume's link led before. */
function pointTo(dir: string, version: string): string {
  const old = readlinkSync(join(dir, '..data'));
  symlinkSync(version, join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
  return old;
}
