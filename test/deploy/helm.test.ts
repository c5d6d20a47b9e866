import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { VERSION } from '../../agent/version.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import {
  CHART,
  helm,
  isHook,
  NAMESPACE,
  ONE,
  onlyPolicy,
  POLICY,
  SCRIPTS,
  skipWithoutHelm,
  template,
  type Values,
  withScript,
} from './helm-chart.ts';
import { HOOKS } from './hook-jobs.ts';
import { agentContainer, find, type RenderedObject } from './render.ts';

const read = (name: string) => readFileSync(join(CHART, name), 'utf8');
const skip = skipWithoutHelm;

describe('the chart', { skip }, () => {
  test('helm lint has nothing to say against it', async () => {
    for (const values of [{}, withScript({ drainNodeOnFailure: true }), { policies: { 'one.yaml': ONE } }]) {
      assert.match(await helm(['lint', '--strict', CHART], values), /1 chart\(s\) linted, 0 chart\(s\) failed/);
    }
  });

  test('has the version of the program', () => {
    const { version, appVersion } = parse(read('Chart.yaml'));
    assert.deepEqual([version, appVersion], [VERSION, VERSION]);
  });

  test('every object has the label, and every name is there once', async () => {
    const objects = await template({ hostChecks: true });
    const ids = objects.map(({ id }) => id);
    assert.deepEqual(ids, [...new Set(ids)]);
    for (const { id, object } of objects) {
      assert.equal(object.metadata.labels?.['app.kubernetes.io/name'], 'node-svc-checker', id);
    }
  });

  test('works within another chart', async () => {
    const outer = mkdtempSync(join(tmpdir(), 'nsc-helm-'));
    try {
      writeFileSync(join(outer, 'Chart.yaml'), 'apiVersion: v2\nname: outer\nversion: 1.0.0\n');
      mkdirSync(join(outer, 'charts'));
      cpSync(CHART, join(outer, 'charts/node-svc-checker'), { recursive: true });
      const objects = await template({ 'node-svc-checker': withScript({ failureThreshold: 9 }) }, outer);
      assert.equal(onlyPolicy(objects).check.failureThreshold, 9);
    } finally {
      rmSync(outer, { recursive: true });
    }
  });
});

describe('the policy', { skip }, () => {
  const ways: Readonly<Record<string, Values>> = {
    'checker.nodeCheckScriptPath': withScript({ cordonNodeOnFailure: true, drainNodeOnFailure: true }),
    policies: { policies: { 'one.yaml': ONE } },
    existingConfigMap: { existingConfigMap: 'theirs' },
  };

  for (const [one, values] of Object.entries(ways)) {
    for (const [other, more] of Object.entries(ways).filter(([name]) => name > one)) {
      test(`is not given by ${one} and ${other} together`, async () => {
        const both = [one, other].sort((a, b) => Object.keys(ways).indexOf(a) - Object.keys(ways).indexOf(b));
        await assert.rejects(
          template({ ...values, ...more }),
          new RegExp(`${both.join(' and ')} are set: give the policy in one way only`),
        );
      });
    }

    test(`is not given by ${one} with an action that the values of checker switch on beside it`, async () => {
      if (one === 'checker.nodeCheckScriptPath') return;
      const refusal = new RegExp(`checker.taintNodeOnFailure and ${one} are set`);
      await assert.rejects(template({ ...values, checker: { taintNodeOnFailure: true } }), refusal);
    });
  }

  for (const [name, values] of Object.entries({ 'the example': {}, ...ways })) {
    if (name === 'existingConfigMap') continue;
    test(`by ${name} is valid to nsc as helm prints it`, async () => {
      const stdin = (await template(values)).map(({ text }) => text).join('---\n');
      const { exitCode, stdout } = await finished(runNsc(['validate', '-'], { stdin }));
      const valid = `valid: 1 policy.* \\(ConfigMap ${NAMESPACE}/node-svc-checker-policy\\)\\n`;
      // A script of checker.* may exit with any code, drains without a budget, and what it drains for is its author's.
      const ids = name.startsWith('checker.') ? ['NoBudget', 'ExitCode3CountsAsFailed', 'RecoversAtOnce'] : [];
      const warned = ids.map((id) => `.*: warning: .* \\[${id}\\]\\n`).join('');
      assert.match(stdout, new RegExp(`^${warned}${valid}$`));
      assert.equal(exitCode, 0);
    });
  }

  test('of an action needs the script that it is for', async () => {
    await assert.rejects(
      template({ checker: { drainNodeOnFailure: true } }),
      /checker\.drainNodeOnFailure needs checker\.nodeCheckScriptPath/,
    );
  });

  const REFUSED: Readonly<Record<string, RegExp>> = {
    '/check.sh': /must be in a directory of its own/,
    '/usr/local/bin/check.sh': /must be in a directory of its own.*mounting \/usr\/local\/bin of the node/,
    '/opt/check.sh': /must be in a directory of its own/,
    '/tmp/check.sh': /must be in a directory of its own/,
    '/opt/../etc/check.sh': /must be a plain path.*write \/etc\/check.sh, found \/opt\/\.\.\/etc/,
    'opt/check.sh': /does not match pattern/,
    '/opt/checks/': /does not match pattern/,
  };
  for (const [path, refusal] of Object.entries(REFUSED)) {
    test(`does not run ${path} of the node`, async () => {
      await assert.rejects(template({ checker: { nodeCheckScriptPath: path } }), refusal);
    });
  }

  test("may run a script of the node's /opt/checks, when there are no scripts of the values", async () => {
    const values = { checker: { nodeCheckScriptPath: '/opt/checks/a.sh' } };
    const paths = agentContainer(await template(values)).volumeMounts.map(({ mountPath }) => mountPath);
    assert.deepEqual(paths, ['/etc/node-svc-checker/policy', '/tmp', '/opt/checks']);
    await assert.rejects(template({ ...values, scripts: { a: '' } }), /checker.nodeCheckScriptPath and scripts both/);
  });

  test('changes no byte but its ConfigMap, whichever of its values changes', async () => {
    const script = withScript({});
    const { debug: _, ...policyValues } = parse(read('values.yaml')).checker;
    assert.ok('nodeTaint' in policyValues);
    const edited = withScript({
      scriptPeriodSec: 60,
      failureThreshold: 1,
      onStderr: 'Failed',
      cordonNodeOnFailure: true,
      drainNodeOnFailure: true,
      taintNodeOnFailure: true,
      nodeTaint: { key: 'k', value: 'v', effect: 'NoExecute' },
    });
    assert.deepEqual(await changed(script, edited), [POLICY]);
    const other = { ...ONE, spec: { ...ONE.spec, paused: true } };
    assert.deepEqual(await changed({ policies: { 'a.yaml': ONE } }, { policies: { 'b.yaml': other } }), [POLICY]);
    assert.deepEqual(
      await changed({ policies: { 'a.yaml': ONE } }, { policies: { 'a.yaml': ONE }, scripts: { a: '' } }),
      [SCRIPTS],
    );
  });

  async function changed(before: Values, after: Values): Promise<string[]> {
    const texts = async (values: Values) => new Map((await template(values)).map(({ id, text }) => [id, text]));
    const [old, now] = [await texts(before), await texts(after)];
    return [...new Set([...old.keys(), ...now.keys()])].filter((id) => old.get(id) !== now.get(id));
  }
});

for (const [hook, job] of Object.entries(HOOKS)) {
  describe(`the Job of the ${hook} hook`, { skip }, () => {
    test('runs then, with an account and rights that are hooks too, made before it', async () => {
      const hooks = (await template()).filter((one) => isHook(one) && one.object.metadata.name === job);
      const weight = ({ object }: RenderedObject) => Number(object.metadata.annotations?.['helm.sh/hook-weight']);
      const [first, last] = [hooks.filter((one) => weight(one) < 0), hooks.filter((one) => weight(one) >= 0)];
      assert.deepEqual(
        last.map(({ id }) => id),
        [`Job/${job}`],
      );
      assert.deepEqual(first.map(({ object }) => object.kind).sort(), [
        'ClusterRole',
        'ClusterRoleBinding',
        'Role',
        'RoleBinding',
        'ServiceAccount',
      ]);
      for (const { object } of hooks) {
        assert.equal(object.metadata.annotations?.['helm.sh/hook'], hook);
        const policy = object.metadata.annotations['helm.sh/hook-delete-policy'];
        assert.equal(policy, 'before-hook-creation,hook-succeeded');
      }
    });

    test('may do what it needs, and nothing else', async () => {
      const objects = await template();
      const rules = (kind: string) => find(objects, `${kind}/${job}`).rules;
      const nodes = { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'patch'] };
      const conditions = { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] };
      assert.deepEqual(rules('ClusterRole'), hook === 'post-delete' ? [nodes, conditions] : [nodes]);
      const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['list', 'delete'] };
      const pods = { apiGroups: [''], resources: ['pods'], verbs: ['list'] };
      assert.deepEqual(rules('Role'), hook === 'post-delete' ? [leases, pods] : [leases]);
    });

    test('is bound to rights of its own in the namespace of the agents', async () => {
      const objects = await template({ namespace: 'elsewhere' });
      for (const kind of ['ClusterRole', 'Role']) {
        const { roleRef, subjects } = find(objects, `${kind}Binding/${job}`);
        assert.deepEqual([roleRef.kind, roleRef.name], [kind, job]);
        assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: job, namespace: 'elsewhere' }]);
      }
      for (const kind of ['ServiceAccount', 'Role', 'RoleBinding', 'Job']) {
        assert.equal(find(objects, `${kind}/${job}`).metadata.namespace, 'elsewhere');
      }
    });

    test('is not one of the pods that the DaemonSet selects', async () => {
      const { metadata } = find(await template(), `Job/${job}`).spec.template;
      assert.notEqual(metadata.labels['app.kubernetes.io/name'], 'node-svc-checker');
    });
  });
}

test('the hooks give nodes back while agents run, and forget when none does', { skip }, async () => {
  const objects = await template();
  const args = (job: string) => find(objects, `Job/${job}`).spec.template.spec.containers[0].args;
  assert.deepEqual(args(HOOKS['pre-delete']), ['release', '--all', '--yes']);
  assert.deepEqual(args(HOOKS['post-delete']), ['release', '--all', '--forget', '--yes']);
});
