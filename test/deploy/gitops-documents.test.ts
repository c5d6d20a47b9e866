import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { findBinary, requireBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import {
  BASE,
  CLUSTERS,
  edit,
  GITOPS,
  kustomizationOf,
  ownRepository,
  ROOT,
  removeTemporaryDirs,
  temporaryDir,
} from './gitops-layout.ts';

const skip = findBinary('kubectl') === undefined ? skipWithoutControlPlane() : false;
const run = promisify(execFile);
after(removeTemporaryDirs);

describe('the pull-request workflow', { skip }, () => {
  const workflow = parse(readFileSync(join(GITOPS, 'github/validate-policies.yaml'), 'utf8'));
  const steps: readonly { readonly name?: string; readonly uses?: string; readonly run?: string }[] =
    workflow.jobs.validate.steps;
  const scriptOf = (name: string) => steps.find((step) => step.name?.startsWith(name))?.run ?? '';

  /** A repository whose HEAD is a merge of an edit, as GitHub checks it out; what its render and report steps do. */
  async function playPullRequest(change: (root: string) => void, start: (root: string) => void = () => {}) {
    const root = ownRepository();
    start(root);
    const temp = temporaryDir();
    const PATH = `${join(requireBinary('kubectl'), '..')}:${process.env.PATH}`;
    const env = {
      PATH,
      HOME: temp,
      RUNNER_TEMP: temp,
      GITHUB_STEP_SUMMARY: join(temp, 'summary.md'),
      GITHUB_WORKSPACE: root,
    };
    const bash = (script: string) => run('bash', ['-e', '-c', script], { cwd: root, env });
    const git = 'git -c user.name=test -c user.email=test@example.com';
    await bash(`git init -q . && git add . && ${git} commit -qm before && git checkout -qb change`);
    change(root);
    await bash(`${git} commit -qam change && git checkout -q - && ${git} merge -q --no-ff -m merge change`);
    const rendered = await bash(scriptOf('Render')).then(
      ({ stdout }) => ({ ok: true, stdout }),
      ({ stdout }: { stdout: string }) => ({ ok: false, stdout }),
    );
    // The program is built into the workspace.
    symlinkSync(ROOT, join(root, '.nsc'));
    if (rendered.ok) await bash(scriptOf('Say what changes'));
    return { ...rendered, summary: rendered.ok ? readFileSync(env.GITHUB_STEP_SUMMARY, 'utf8') : '', temp };
  }

  test('shows what a policy edit changes in its cluster', async () => {
    const file = 'clusters/production/policy/budget.yaml';
    const { summary, temp } = await playPullRequest((root) => edit(join(root, file), '10%', '20%'));
    assert.match(summary, /^## clusters\/production\n\*\*1 budget changed\*\*/m);
    assert.match(summary, /^- \*\*disrupts-more\*\*, budget cluster: maxUnavailable is 20%, was 10%$/m);
    assert.match(summary, /^-.*maxUnavailable: 10%.*\n\+.*maxUnavailable: 20%/m);
    assert.doesNotMatch(summary, /dev\.yaml|staging\.yaml/);
    assert.deepEqual(
      readdirSync(join(temp, 'rendered/after')),
      CLUSTERS.map((name) => `${name}.yaml`),
    );
  });

  test('fails for a cluster that cannot be built, and names it', async () => {
    const file = 'clusters/dev/policy/kustomization.yaml';
    const { ok, stdout } = await playPullRequest((root) => edit(join(root, file), '50-dev', '60-dev'));
    assert.equal(ok, false);
    assert.match(stdout, /^::error::clusters\/dev cannot be built$/m);
  });

  test('passes the repair of what cannot be built', async () => {
    const file = 'clusters/dev/policy/kustomization.yaml';
    const broken = (root: string) => edit(join(root, file), '50-dev', '60-dev');
    const { ok, summary } = await playPullRequest((root) => edit(join(root, file), '60-dev', '50-dev'), broken);
    assert.ok(ok);
    assert.match(summary, /dev\.yaml/);
  });

  test('may read the repository and nothing else, and runs only pinned actions', () => {
    assert.deepEqual(workflow.permissions, { contents: 'read' });
    for (const { uses } of steps) if (uses) assert.match(uses, /^actions\/[a-z-]+@[0-9a-f]{40}$/);
  });

  test('validates by the command that pre-commit runs', () => {
    const [{ hooks }] = parse(readFileSync(join(GITOPS, 'pre-commit/.pre-commit-config.yaml'), 'utf8')).repos;
    assert.match(hooks[0].entry, /kubectl kustomize "\$cluster" \| nsc validate -/);
    assert.match(scriptOf('Validate'), /agent\.mjs validate - --output github < "\$rendered"/);
  });
});

describe('gitops/README.md', () => {
  const readme = readFileSync(join(GITOPS, 'README.md'), 'utf8');
  const rows = readme.split('\n').filter((line) => line.startsWith('| `'));

  test('every setting it names is set where it says', () => {
    assert.ok(rows.length > 0);
    for (const row of rows) {
      const [, setting = '', where = ''] = row.split('|');
      const files = [...where.matchAll(/\]\(([^)]+)\)/g)].map(([, file = '']) => join(GITOPS, file));
      if (where.includes('the base')) files.push(join(BASE, 'kustomization.yaml'));
      assert.ok(files.length > 0, row);
      for (const [, code = ''] of setting.matchAll(/`([^`]+)`/g)) {
        // What a comment says is not set; of retry.refresh the last part stands on a line of its own.
        const line = code.replace(/^\w+\.(?=\w+:)/, '');
        for (const file of files)
          assert.ok(readFileSync(file, 'utf8').replace(/#.*/g, '').includes(line), `${line} in ${file}`);
      }
    }
  });

  test('its command for the remote base leaves nothing that points out of the copy', async () => {
    const copy = ownRepository();
    for (const cluster of CLUSTERS) cpSync(kustomizationOf(GITOPS, cluster), kustomizationOf(copy, cluster));
    const [command = ''] = /^ {4}sed -i .*$/m.exec(readme) ?? [];
    await run('bash', ['-e', '-c', command], { cwd: copy });
    for (const cluster of CLUSTERS) {
      const { resources, components } = parse(readFileSync(kustomizationOf(copy, cluster), 'utf8'));
      assert.deepEqual(resources, ['https://github.com/<owner>/node-svc-checker//deploy/kustomize/base?ref=v0.1.0']);
      for (const path of components) assert.ok(existsSync(join(copy, 'clusters', cluster, path)), path);
    }
  });
});
