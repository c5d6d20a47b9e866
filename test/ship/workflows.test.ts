import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORKFLOWS = join(ROOT, '.github/workflows');

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

for (const name of readdirSync(WORKFLOWS)) {
  const text = readFileSync(join(WORKFLOWS, name), 'utf8');
  const workflow = parse(text) as Workflow;
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  describe(`the workflow ${name}`, () => {
    test('uses every action by its commit, with the version as a comment', () => {
      const lines = text.split('\n').filter((line) => /\buses:/.test(line));
      assert.equal(lines.length, steps.filter(({ uses }) => uses !== undefined).length);
      for (const line of lines) assert.match(line, /uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    test('uses one version of an action everywhere', () => {
      const commits = new Map<string, Set<string>>();
      for (const { uses = '' } of steps) {
        const [action = '', commit = ''] = uses.split('@');
        commits.set(action, (commits.get(action) ?? new Set()).add(commit));
      }
      for (const [action, found] of commits) assert.equal(found.size, 1, `${action}: ${[...found]}`);
    });

    test('may write nothing but what a job says, and every job says how long it may take', () => {
      assert.ok(workflow.permissions, 'permissions of the workflow');
      assert.ok(Object.values(workflow.permissions).every((access) => access === 'read'));
      for (const [job, { permissions = workflow.permissions, 'timeout-minutes': minutes }] of Object.entries(
        workflow.jobs,
      )) {
        assert.ok(Object.keys(permissions).length > 0, `permissions of ${job}`);
        assert.ok(minutes !== undefined && minutes <= 20, `timeout-minutes of ${job}`);
      }
    });

    test('leaves no credentials in a checkout', () => {
      for (const { uses, with: inputs } of steps) {
        if (uses?.startsWith('actions/checkout@')) assert.equal(inputs?.['persist-credentials'], false);
      }
    });

    test('puts no expression into a script, where it would be code', () => {
      for (const { run = '' } of steps) assert.doesNotMatch(run, /\$\{\{/);
    });

    test('gets every program that the tests need before it runs them, or fails', () => {
      for (const job of Object.values(workflow.jobs)) {
        const runs = job.steps.map(({ run = '' }) => run);
        if (!runs.includes('.ci/run')) continue;
        // In the argument of another command, what fails would go unnoticed.
        const gets = runs.findIndex((run) => run.startsWith('programs=$(test/harness/get-control-plane.sh)\n'));
        assert.match(runs[gets] ?? '', /^echo "KUBEBUILDER_ASSETS=\$programs" >> "\$GITHUB_ENV"$/m);
        assert.ok(gets < runs.indexOf('.ci/run'));
      }
    });

    test('runs scripts and builds files that are there', () => {
      for (const { run = '', with: inputs } of steps) {
        for (const [script] of run.matchAll(/(?<![\w./-])(\.ci|test)\/[\w./-]+/g)) {
          assert.ok(statSync(join(ROOT, script)).mode & 0o111, `${script} must be executable`);
        }
        if (typeof inputs?.file === 'string') assert.ok(statSync(join(ROOT, inputs.file)).isFile());
      }
    });
  });
}

test('only the jobs of a release that publish may write, and none may write more than it publishes', () => {
  const { jobs } = parse(readFileSync(join(WORKFLOWS, 'release.yaml'), 'utf8')) as Workflow;
  const writes = Object.entries(jobs).map(([name, { permissions = {} }]) => {
    const written = Object.keys(permissions).filter((scope) => permissions[scope] === 'write');
    return [name, written.sort()];
  });
  assert.deepEqual(Object.fromEntries(writes), {
    test: [],
    executable: [],
    image: ['attestations', 'id-token', 'packages'],
    chart: ['packages'],
    release: ['attestations', 'contents', 'id-token'],
  });
});
