import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VERSION } from '../../agent/version.ts';
import {
  NAMESPACE,
  ONE,
  onlyPolicy,
  POLICY,
  policySet,
  SCRIPT,
  SCRIPTS,
  skipWithoutHelm,
  template,
  VALUE_PATHS,
  type Values,
  withScript,
} from './helm-chart.ts';
import { HOOKS } from './hook-jobs.ts';
import { agentContainer, find, grantedBy, type RenderedObject } from './render.ts';

const ds = (objects: readonly RenderedObject[]) => find(objects, 'DaemonSet/node-svc-checker').spec.template.spec;
const jobs = (objects: readonly RenderedObject[]) =>
  Object.values(HOOKS).map((job) => find(objects, `Job/${job}`).spec.template.spec);

const BUDGET = `apiVersion: node-svc-checker/v1
kind: NodeDisruptionBudget
metadata: {name: cluster}
spec: {maxUnavailable: 10%}
`;

/** Of every value: something else than the default, and what it has to do. */
const EFFECTS: Readonly<Record<string, readonly [Values, (objects: RenderedObject[]) => void]>> = {
  namespace: [
    { namespace: 'elsewhere' },
    (objects) => {
      const namespaces = objects.map(({ object }) => object.metadata.namespace).filter((name) => name !== undefined);
      assert.deepEqual([...new Set(namespaces)], ['elsewhere']);
      const subjects = objects.flatMap(({ object }) => object.subjects ?? []);
      assert.deepEqual([...new Set(subjects.map(({ namespace }) => namespace))], ['elsewhere']);
    },
  ],
  'checker.nodeCheckScriptPath': [
    withScript({}),
    (objects) => {
      const { check, actions, mode } = onlyPolicy(objects);
      assert.deepEqual([mode, check.command, check.runIn], ['Enforce', [SCRIPT], 'Container']);
      assert.deepEqual(actions, { cordon: false });
      const mount = agentContainer(objects).volumeMounts.find(({ name }) => name === 'host-script');
      assert.deepEqual(mount, { name: 'host-script', mountPath: '/opt/node-checks', readOnly: true });
      const volume = ds(objects).volumes.find(({ name }: { name: string }) => name === 'host-script');
      assert.deepEqual(volume, { name: 'host-script', hostPath: { path: '/opt/node-checks', type: 'Directory' } });
    },
  ],
  'checker.scriptPeriodSec': [
    withScript({ scriptPeriodSec: 86_400 }),
    (objects) => assert.equal(onlyPolicy(objects).check.periodSeconds, 86_400),
  ],
  'checker.failureThreshold': [
    withScript({ failureThreshold: 9 }),
    (objects) => assert.equal(onlyPolicy(objects).check.failureThreshold, 9),
  ],
  'checker.onStderr': [
    withScript({ onStderr: 'Ignore' }),
    (objects) => assert.equal(onlyPolicy(objects).check.onStderr, 'Ignore'),
  ],
  'checker.cordonNodeOnFailure': [
    withScript({ cordonNodeOnFailure: true }),
    (objects) => {
      const { actions, mode } = onlyPolicy(objects);
      assert.deepEqual([actions, mode], [{ cordon: true }, 'Enforce']);
    },
  ],
  'checker.drainNodeOnFailure': [
    withScript({ drainNodeOnFailure: true }),
    (objects) => assert.equal(onlyPolicy(objects).actions.drain?.timeoutSeconds, 600),
  ],
  'checker.taintNodeOnFailure': [
    withScript({ taintNodeOnFailure: true }),
    (objects) =>
      assert.deepEqual(onlyPolicy(objects).actions.taint, {
        key: 'nodeServiceCheckFailed',
        value: 'true',
        effect: 'NoSchedule',
      }),
  ],
  'checker.nodeTaint.key': [
    withScript({ taintNodeOnFailure: true, nodeTaint: { key: 'example.com/sick' } }),
    (objects) => assert.equal(onlyPolicy(objects).actions.taint?.key, 'example.com/sick'),
  ],
  'checker.nodeTaint.value': [
    // As --set makes it.
    withScript({ taintNodeOnFailure: true, nodeTaint: { value: false } }),
    (objects) => assert.equal(onlyPolicy(objects).actions.taint?.value, 'false'),
  ],
  'checker.nodeTaint.effect': [
    withScript({ taintNodeOnFailure: true, nodeTaint: { effect: 'NoExecute' } }),
    (objects) => assert.equal(onlyPolicy(objects).actions.taint?.effect, 'NoExecute'),
  ],
  'checker.debug': [
    { checker: { debug: true } },
    (objects) => assert.equal(agentContainer(objects).args.at(-1), '--debug'),
  ],
  policies: [
    { policies: { 'one.yaml': ONE, 'two.json': { ...ONE, metadata: { name: 'two' } }, 'b.yml': `# text\n${BUDGET}` } },
    (objects) => {
      const { policies, budgets } = policySet(objects);
      assert.deepEqual(
        policies.map(({ metadata, spec }) => [metadata.name, spec.check.failureThreshold]),
        [
          ['one', 7],
          ['two', 7],
        ],
      );
      assert.equal(budgets[0]?.spec.maxUnavailable, '10%');
      assert.equal(find(objects, POLICY).data?.['b.yml'], `# text\n${BUDGET}`);
      assert.ok(!objects.some(({ id }) => id === SCRIPTS));
    },
  ],
  existingConfigMap: [
    { existingConfigMap: 'theirs' },
    (objects) => {
      assert.ok(!objects.some(({ object }) => object.kind === 'ConfigMap'));
      const volume = ds(objects).volumes.find(({ name }: { name: string }) => name === 'policy');
      assert.deepEqual(volume, { name: 'policy', configMap: { name: 'theirs' } });
    },
  ],
  scripts: [
    { scripts: { 'one.sh': '#!/bin/sh\n\n\ttrue "$NODE_NAME" {{ x }}\n', 'two.sh': '  odd: |\r\n\n\n' } },
    (objects) => {
      const { 'example.sh': example, ...own } = find(objects, SCRIPTS).data ?? {};
      assert.deepEqual(own, {
        'one.sh': '#!/bin/sh\n\n\ttrue "$NODE_NAME" {{ x }}\n',
        'two.sh': '  odd: |\r\n\n\n',
      });
      assert.ok(example);
    },
  ],
  hostChecks: [{ hostChecks: true }, (objects) => assert.equal(ds(objects).hostPID, true)],
  admissionPolicy: [
    { admissionPolicy: false },
    (objects) => {
      const kinds = objects.map(({ object }) => object.kind).filter((kind) => kind.startsWith('ValidatingAdmission'));
      assert.deepEqual(kinds, []);
    },
  ],
  drainRights: [
    { drainRights: false },
    (objects) => {
      const pods = grantedBy(objects, 'node-svc-checker').filter((right) => /pods|daemonsets/.test(right));
      assert.deepEqual(pods, ['get /pods']);
    },
  ],
  'image.repository': [{ image: { repository: 'registry.example/nsc' } }, images(`registry.example/nsc:${VERSION}`)],
  'image.tag': [{ image: { tag: 'v7' } }, images('node-svc-checker:v7')],
  'image.pullPolicy': [
    { image: { pullPolicy: 'Always' } },
    (objects) => {
      for (const { containers } of [ds(objects), ...jobs(objects)])
        assert.equal(containers[0].imagePullPolicy, 'Always');
    },
  ],
  imagePullSecrets: [
    { imagePullSecrets: [{ name: 'registry' }] },
    (objects) => {
      for (const spec of [ds(objects), ...jobs(objects)])
        assert.deepEqual(spec.imagePullSecrets, [{ name: 'registry' }]);
    },
  ],
  nodeSelector: [
    { nodeSelector: 'role=storage' },
    (objects) => assert.deepEqual(ds(objects).nodeSelector, { 'kubernetes.io/os': 'linux', role: 'storage' }),
  ],
  tolerations: [
    { tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }] },
    (objects) =>
      assert.deepEqual(ds(objects).tolerations, [
        { key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
      ]),
  ],
  resources: [
    { resources: { limits: { memory: '1Gi' } } },
    (objects) =>
      assert.deepEqual(ds(objects).containers[0].resources, {
        requests: { cpu: '10m', memory: '64Mi' },
        limits: { memory: '1Gi' },
      }),
  ],
  priorityClassName: [
    { priorityClassName: '' },
    (objects) => {
      assert.equal(ds(objects).priorityClassName, undefined);
      assert.ok(!objects.some(({ object }) => object.kind === 'ResourceQuota'));
    },
  ],
  ...monitoring('podMonitor', 'PodMonitor/node-svc-checker'),
  ...monitoring('prometheusRule', 'PrometheusRule/node-svc-checker'),
  ...monitoring('dashboard', 'ConfigMap/node-svc-checker-dashboard'),
};

/** That it is there when asked for, with the labels that it is given and its own. */
function monitoring(value: string, id: string): typeof EFFECTS {
  const labels = { release: 'prometheus', 'app.kubernetes.io/name': 'not-this' };
  return {
    [`monitoring.${value}.enabled`]: [
      { monitoring: { [value]: { enabled: true } } },
      (objects) => assert.equal(find(objects, id).metadata.namespace, NAMESPACE),
    ],
    [`monitoring.${value}.labels`]: [
      { monitoring: { [value]: { enabled: true, labels } } },
      (objects) => {
        const found = find(objects, id).metadata.labels;
        assert.deepEqual(
          [found?.release, found?.['app.kubernetes.io/name'], found?.grafana_dashboard],
          ['prometheus', 'node-svc-checker', value === 'dashboard' ? '1' : undefined],
        );
      },
    ],
  };
}

function images(expected: string): (objects: RenderedObject[]) => void {
  return (objects) => {
    for (const { containers } of [ds(objects), ...jobs(objects)]) assert.equal(containers[0].image, expected);
  };
}

describe('a value', { skip: skipWithoutHelm }, () => {
  test('of every name is tried here', () => {
    assert.deepEqual(Object.keys(EFFECTS).sort(), [...VALUE_PATHS].sort());
  });

  for (const [path, [values, check]] of Object.entries(EFFECTS)) {
    test(`${path} has its effect, which the default has not`, async () => {
      check(await template(values));
      const defaults = await template();
      assert.throws(() => check(defaults));
    });
  }

  test('nodeSelector may be a map, which may ask for another system than Linux', async () => {
    const { nodeSelector } = ds(await template({ nodeSelector: { a: 'b', 'kubernetes.io/os': 'plan9' } }));
    assert.deepEqual(nodeSelector, { a: 'b', 'kubernetes.io/os': 'plan9' });
  });

  test('nodeSelector may be an empty text', async () => {
    assert.deepEqual(ds(await template({ nodeSelector: '' })).nodeSelector, { 'kubernetes.io/os': 'linux' });
  });

  test("scripts may have an example of one's own", async () => {
    const objects = await template({ scripts: { 'example.sh': '#!/bin/sh\n' } });
    assert.deepEqual(find(objects, SCRIPTS).data, { 'example.sh': '#!/bin/sh\n' });
  });
});
