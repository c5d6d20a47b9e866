import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { toleratesForGood } from '../../agent/core/taint.ts';
import { formatPolicyErrors } from '../../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import { findBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { nscCommand } from '../harness/nsc-command.ts';
import { agentContainer, find, INSTALLATIONS, KUSTOMIZE, podTemplate, type RenderedObject, render } from './render.ts';

const POLICY = 'ConfigMap/node-svc-checker-policy';
const NAMESPACED_POLICY = 'node-svc-checker/node-svc-checker-policy';
const SCRIPTS = 'ConfigMap/node-svc-checker-scripts';
const DASHBOARD = 'ConfigMap/node-svc-checker-dashboard';
const APP = { 'app.kubernetes.io/name': 'node-svc-checker' };
const skip = findBinary('kubectl') === undefined ? skipWithoutControlPlane() : false;

for (const installation of INSTALLATIONS) {
  describe(`kustomize ${installation}`, { skip }, () => {
    let objects: RenderedObject[];
    before(async () => {
      objects = await render(join(KUSTOMIZE, installation));
    });

    const policies = () => {
      const data = find(objects, POLICY).data ?? {};
      const load = loadPolicyFiles(Object.entries(data).map(([name, text]) => ({ name, bytes: Buffer.from(text) })));
      if (!load.valid) throw new Error(formatPolicyErrors(load.errors).join('\n'));
      return load.set.policies;
    };

    const configMaps = () =>
      objects
        .filter(({ object }) => object.kind === 'ConfigMap')
        .map(({ id }) => id)
        .sort();

    test('every object is there once', () => {
      const ids = objects.map(({ id }) => id);
      assert.deepEqual(ids, [...new Set(ids)]);
    });

    test('the policy is valid', () => {
      assert.ok(policies().length > 0);
    });

    test('nsc validate takes it as kubectl prints it, with the revision that its files have on a node', () => {
      const dir = mkdtempSync(join(tmpdir(), 'nsc-projected-'));
      try {
        for (const [name, text] of Object.entries(find(objects, POLICY).data ?? {}))
          writeFileSync(join(dir, name), text);
        const revision = nsc(['revision', dir]).stdout.trim();
        assert.match(revision, /^[0-9a-f]{12}$/);
        const { stdout, status } = nsc(['validate', '-'], objects);
        assert.match(stdout, new RegExp(`^valid: .*, revision ${revision} \\(ConfigMap ${NAMESPACED_POLICY}\\)\\n$`));
        assert.equal(status, 0);
      } finally {
        rmSync(dir, { recursive: true });
      }
    });

    test('no policy lets a line on stderr end the agent', () => {
      for (const { spec, metadata } of policies()) assert.notEqual(spec.check.onStderr, 'Fatal', metadata.name);
    });

    test('every script that a policy names is there', () => {
      const scripts = Object.keys(find(objects, SCRIPTS).data ?? {}).map((name) => `/opt/checks/${name}`);
      const inContainer = policies().filter(({ spec }) => spec.check.runIn === 'Container');
      for (const { spec } of inContainer) assert.ok(scripts.includes(spec.check.command[0]), spec.check.command[0]);
    });

    test('a check runs on the host only where the pod may', () => {
      const { spec } = podTemplate(objects);
      const onHost = policies().filter(({ spec: { check } }) => check.runIn !== 'Container');
      if (onHost.length > 0) assert.equal(spec.hostPID, true);
    });

    test('no name has a hash, so that no edit of a ConfigMap reaches the pod template', () => {
      const isMonitored = objects.some(({ object }) => object.kind === 'PodMonitor');
      assert.deepEqual(configMaps(), [...(isMonitored ? [DASHBOARD] : []), POLICY, SCRIPTS]);
    });

    test('no object carries a checksum', () => {
      const { metadata } = podTemplate(objects);
      assert.equal(metadata.annotations, undefined);
      for (const { id, text } of objects) assert.doesNotMatch(text, /^ *\S*(checksum|hash)\S*:/im, id);
    });

    test('Flux substitutes nothing in policies, scripts and dashboards', () => {
      for (const id of configMaps()) {
        const { annotations } = find(objects, id).metadata;
        assert.equal(annotations?.['kustomize.toolkit.fluxcd.io/substitute'], 'disabled', id);
      }
    });

    test('the ConfigMaps are mounted as directories, and scripts are optional and executable', () => {
      const { spec } = podTemplate(objects);
      const mounts = agentContainer(objects).volumeMounts;
      const mountOf = (configMap: string) => {
        const volume = spec.volumes.find((candidate) => candidate.configMap?.name === configMap);
        return { volume: volume?.configMap, path: mounts.find(({ name }) => name === volume?.name)?.mountPath };
      };
      assert.deepEqual(
        mounts.filter(({ subPath }) => subPath !== undefined),
        [],
      );
      assert.equal(mountOf('node-svc-checker-policy').path, flag('--policy-dir'));
      assert.deepEqual(mountOf('node-svc-checker-scripts'), {
        volume: { name: 'node-svc-checker-scripts', optional: true, defaultMode: 0o555 },
        path: '/opt/checks',
      });
    });

    const flag = (name: string) => {
      const { args } = agentContainer(objects);
      return args[args.indexOf(name) + 1];
    };

    test('the agent knows every flag that it is given', async () => {
      const { command, args } = agentContainer(objects);
      assert.deepEqual([...command, args[0]], ['nsc', 'run']);
      const [program, ...help] = nscCommand(['run', '--help']);
      const { stdout } = await promisify(execFile)(program, help);
      const flags = args.filter((arg) => arg.startsWith('--'));
      assert.ok(flags.length > 0);
      for (const name of flags) assert.match(stdout, new RegExp(`^ +${name} `, 'm'));
    });

    test('probes, port and metrics address agree', () => {
      const { ports, livenessProbe, readinessProbe, startupProbe } = agentContainer(objects);
      assert.deepEqual(ports, [{ name: 'metrics', containerPort: 9477 }]);
      assert.equal(flag('--metrics-address'), ':9477');
      assert.deepEqual(
        [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet),
        ['/healthz', '/healthz', '/readyz'].map((path) => ({ path, port: 'metrics' })),
      );
    });

    test('the pod stays on its node for good, whatever its taints', () => {
      const { tolerations } = podTemplate(objects).spec;
      for (const key of ['nodeServiceCheckFailed', 'node.kubernetes.io/unreachable', 'node.kubernetes.io/not-ready']) {
        assert.ok(toleratesForGood(tolerations, { key, value: 'true', effect: 'NoExecute' }), key);
      }
      const cordon = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' } as const;
      assert.ok(toleratesForGood(tolerations, cordon));
    });

    test('the agent is told its node and its own pod', () => {
      const { env } = agentContainer(objects);
      assert.deepEqual(Object.fromEntries(env.map(({ name, valueFrom }) => [name, valueFrom.fieldRef.fieldPath])), {
        NODE_NAME: 'spec.nodeName',
        NODE_IP: 'status.hostIP',
        POD_NAME: 'metadata.name',
        POD_NAMESPACE: 'metadata.namespace',
      });
    });

    test("the agent's rights go to the account that its pod uses", () => {
      const { metadata } = find(objects, `ServiceAccount/${podTemplate(objects).spec.serviceAccountName}`);
      const { subjects, roleRef } = find(objects, 'ClusterRoleBinding/node-svc-checker');
      assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: metadata.name, namespace: metadata.namespace }]);
      assert.ok(find(objects, `ClusterRole/${roleRef.name}`));
    });

    test('pid 1 is one that reaps what checks leave behind', () => {
      const { shareProcessNamespace = false, hostPID = false } = podTemplate(objects).spec;
      assert.ok(shareProcessNamespace !== hostPID);
    });

    test('every selector selects the pod, and every port it names is there', () => {
      const { labels } = podTemplate(objects).metadata;
      assert.deepEqual(labels, APP);
      const specOf = (kind: string) => objects.find(({ object }) => object.kind === kind)?.object.spec;
      const [daemonSet, monitor, policy] = ['DaemonSet', 'PodMonitor', 'NetworkPolicy'].map(specOf);
      assert.deepEqual(daemonSet.selector.matchLabels, labels);
      if (monitor) assert.deepEqual(monitor.selector.matchLabels, labels);
      if (policy) assert.deepEqual(policy.podSelector.matchLabels, labels);
      const monitored = monitor?.podMetricsEndpoints.map(({ port }: { port: string }) => port);
      if (monitor) assert.deepEqual(monitored, ['metrics']);
      if (policy) assert.deepEqual(policy.ingress, [{ ports: [{ protocol: 'TCP', port: 'metrics' }] }]);
    });
  });
}

describe('an edit of what kustomize is given', { skip }, () => {
  const copies: string[] = [];
  after(() => {
    for (const dir of copies) rmSync(dir, { recursive: true });
  });

  function copyOf(dir: string): string {
    const copy = mkdtempSync(join(tmpdir(), 'nsc-kustomize-'));
    copies.push(copy);
    cpSync(dir, copy, { recursive: true });
    return copy;
  }

  const textsIn = async (dir: string, installation: string) =>
    new Map((await render(join(dir, installation))).map(({ id, text }) => [id, text]));
  const shipped = new Map<string, ReturnType<typeof textsIn>>();
  /** Rendered once for all edits. */
  function textsAsShipped(installation: string): ReturnType<typeof textsIn> {
    const texts = shipped.get(installation) ?? textsIn(KUSTOMIZE, installation);
    shipped.set(installation, texts);
    return texts;
  }

  /** The objects whose text an edit changes, adds or removes in one installation. */
  async function changedBy(installation: string, edit: (root: string) => void): Promise<string[]> {
    const root = copyOf(KUSTOMIZE);
    edit(root);
    const [old, now] = [await textsAsShipped(installation), await textsIn(root, installation)];
    return [...new Set([...old.keys(), ...now.keys()])].filter((id) => old.get(id) !== now.get(id));
  }

  for (const installation of INSTALLATIONS) {
    const kustomization = (root: string) => join(root, installation, 'kustomization.yaml');

    test(`a policy edit changes the policy ConfigMap of ${installation} and not one byte else`, async () => {
      const [, file = ''] = /- (policy\/\S+)/.exec(readFileSync(kustomization(KUSTOMIZE), 'utf8')) ?? [];
      const edit = (root: string) => appendFileSync(join(root, installation, file), '# edited\n');
      assert.deepEqual(await changedBy(installation, edit), [POLICY]);
    });

    test(`a typo in a policy of ${installation} is told by nsc validate, with its file and line`, async () => {
      const root = copyOf(KUSTOMIZE);
      const [, file = ''] = /- policy\/(\S+)/.exec(readFileSync(kustomization(root), 'utf8')) ?? [];
      const path = join(root, installation, 'policy', file);
      const lines = readFileSync(path, 'utf8').replace('spec:', 'spce:').split('\n');
      writeFileSync(path, lines.join('\n'));
      const { stdout, status } = nsc(['validate', '-'], await render(join(root, installation)));
      const line = lines.findIndex((text) => text.startsWith('spce:')) + 1;
      const expected = `${NAMESPACED_POLICY}/${file}:${line}:1: $.spce: is not a known field (did you mean spec?`;
      assert.ok(stdout.includes(expected), stdout);
      assert.equal(status, 1);
    });

    test(`a new policy file changes the policy ConfigMap of ${installation} and not one byte else`, async () => {
      const edit = (root: string) => {
        const text = readFileSync(kustomization(root), 'utf8');
        writeFileSync(join(root, installation, 'policy/new.yaml'), '# new\n');
        writeFileSync(kustomization(root), text.replace(/^( +)- policy\//m, '$1- policy/new.yaml\n$&'));
      };
      assert.deepEqual(await changedBy(installation, edit), [POLICY]);
    });

    test(`a policy edit in the base changes the policy ConfigMap of ${installation} and not one byte else`, async () => {
      const edit = (root: string) => appendFileSync(join(root, 'base/policy/example.yaml'), '# edited\n');
      assert.deepEqual(await changedBy(installation, edit), [POLICY]);
    });

    test(`a script edit changes the scripts ConfigMap of ${installation} and not one byte else`, async () => {
      const edit = (root: string) => appendFileSync(join(root, 'base/scripts/example.sh'), '# edited\n');
      assert.deepEqual(await changedBy(installation, edit), [SCRIPTS]);
    });

    test(`another namespace in ${installation} reaches every object`, async () => {
      const root = copyOf(KUSTOMIZE);
      const text = readFileSync(kustomization(root), 'utf8').replace(/^namespace:.*\n/m, '');
      writeFileSync(kustomization(root), `${text}\nnamespace: elsewhere\n`);
      const objects = await render(join(root, installation));
      for (const { text, id } of objects) assert.doesNotMatch(text, /^ *(- )?namespace: (?!elsewhere$)/m, id);
      assert.ok(find(objects, 'Namespace/elsewhere'));
    });
  }
});

/** Runs the built program, with objects on its standard input as kubectl prints them. */
function nsc(args: readonly string[], objects: readonly RenderedObject[] = []) {
  const [program, ...all] = nscCommand(args);
  const input = objects.map(({ text }) => text).join('---\n');
  return spawnSync(program, all, { input, encoding: 'utf8', timeout: 60_000 });
}
