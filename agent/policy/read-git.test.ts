import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { policyText } from './fixtures.ts';
import { loadPolicyDirectory } from './load-policies.ts';
import { isGitPath } from './read-git.ts';
import { readPolicyInput } from './read-input.ts';

const repository = mkdtempSync(join(tmpdir(), 'nsc-git-'));
after(() => rmSync(repository, { recursive: true }));
const start = process.cwd();

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false', ...args], {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'],
  });

before(() => {
  git('init', '-q', '-b', 'main');
  mkdirSync(join(repository, 'policies/below'), { recursive: true });
  writeFileSync(join(repository, 'policies/a.yaml'), policyText('a'));
  writeFileSync(join(repository, 'policies/ä b.json'), policyText('b'));
  writeFileSync(join(repository, 'policies/README.md'), '');
  writeFileSync(join(repository, 'policies/below/c.yaml'), 'x');
  mkdirSync(join(repository, 'empty'));
  writeFileSync(join(repository, 'empty/.gitkeep'), '');
  git('add', '.');
  git('commit', '-qm', 'one');
  writeFileSync(join(repository, 'policies/a.yaml'), policyText('changed'));
  process.chdir(repository);
});
after(() => process.chdir(start));

const read = async (path: string) => {
  const [source] = await readPolicyInput(path, process.stdin);
  assert.ok(source);
  return source;
};
const problem = async (path: string) => {
  const { load } = await read(path);
  return load.valid ? '' : load.errors.map(({ requirement }) => requirement).join();
};

suite('git:REVISION:PATH', () => {
  test('of a directory is what an agent would load of that commit, with the same revision', async () => {
    git('stash', '-q');
    const { load: checkout } = await read('policies').finally(() => git('stash', 'pop', '-q'));
    const { kind, load } = await read('git:main:policies');
    assert.ok(load.valid && checkout.valid);
    assert.deepEqual([kind, load.set], ['Directory', checkout.set]);
    const changed = await loadPolicyDirectory('policies');
    assert.ok(changed.valid && changed.set.revision !== load.set.revision);
  });

  test('of a file is that file', async () => {
    const { kind, load } = await read('git:HEAD:policies/a.yaml');
    assert.ok(load.valid);
    assert.deepEqual([kind, load.set.policies.map(({ metadata }) => metadata.name)], ['File', ['a']]);
  });

  for (const path of ['git:main:./', 'git:main:policies']) {
    test(`from within a directory: ${path}`, async () => {
      process.chdir(join(repository, 'policies'));
      const { load } = await read(path).finally(() => process.chdir(repository));
      assert.ok(load.valid);
      assert.equal(load.set.policies.length, 2);
    });
  }

  const refused: Record<string, [path: string, message: RegExp]> = {
    'without a path': ['git:main', /must be git:REVISION:PATH/],
    'without a revision': ['git::policies', /must be git:REVISION:PATH/],
    'with a revision that Git would take for an option': ['git:--help:x', /must be git:REVISION:PATH/],
    'of a revision that is not there': ['git:nope:policies', /git cat-file: fatal: .*'nope'/],
    'of a path that is not there': ['git:main:nope', /git cat-file: fatal: path 'nope' does not exist in 'main'/],
    'of a directory without a policy file': ['git:main:empty', /must hold at least one file named \*\.yaml/],
  };
  for (const [name, [path, message]] of Object.entries(refused)) {
    test(`${name} is refused`, async () => assert.match(await problem(path), message));
  }

  test('is a file of that name if it is written ./git:…', () => assert.equal(isGitPath('./git:main:a'), false));

  test('does not follow a link out of the repository', async () => {
    symlinkSync('/etc/passwd', join(repository, 'policies/link.yaml'));
    git('add', '.');
    git('commit', '-qm', 'two');
    assert.match(await problem('git:main:policies'), /must be|at least/);
  });
});
