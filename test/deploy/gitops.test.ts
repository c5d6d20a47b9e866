import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { formatPolicyErrors } from '../../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import { findBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import {
  addVerification,
  CLUSTERS,
  GITOPS,
  hasVerification,
  ownRepository,
  removeTemporaryDirs,
  VERIFY,
} from './gitops-layout.ts';
import { find, type RenderedObject, render } from './render.ts';

const POLICY = 'ConfigMap/node-svc-checker-policy';
const SCRIPTS = 'ConfigMap/node-svc-checker-scripts';
const skip = findBinary('kubectl') === undefined ? skipWithoutControlPlane() : false;
after(removeTemporaryDirs);

for (const cluster of CLUSTERS) {
  describe(`gitops/clusters/${cluster}`, { skip }, () => {
    let objects: RenderedObject[];
    before(async () => {
      objects = await render(join(GITOPS, 'clusters', cluster));
    });

    test('every object is there once', () => {
      const ids = objects.map(({ id }) => id);
      assert.deepEqual(ids, [...new Set(ids)]);
    });

    test('the policy is valid, ends no agent, and finds its scripts', () => {
      const files = Object.entries(find(objects, POLICY).data ?? {});
      const load = loadPolicyFiles(files.map(([name, text]) => ({ name, bytes: Buffer.from(text) })));
      assert.deepEqual(load.valid ? [] : formatPolicyErrors(load.errors), []);
      const scripts = Object.keys(find(objects, SCRIPTS).data ?? {}).map((name) => `/opt/checks/${name}`);
      for (const { spec } of load.valid ? load.set.policies : []) {
        assert.notEqual(spec.check.onStderr, 'Fatal');
        assert.ok(scripts.includes(spec.check.command[0]), spec.check.command[0]);
      }
    });

    test("nothing of the base's example policy is left, so that a newer base changes no policy", () => {
      for (const id of [POLICY, SCRIPTS]) assert.doesNotMatch(JSON.stringify(find(objects, id).data), /example\./, id);
    });

    test('neither tool deletes the namespace or what the agent reads', () => {
      for (const id of ['Namespace/node-svc-checker', POLICY, SCRIPTS]) {
        const { annotations } = find(objects, id).metadata;
        assert.equal(annotations?.['argocd.argoproj.io/sync-options'], 'Prune=false,Delete=false', id);
        assert.equal(annotations?.['kustomize.toolkit.fluxcd.io/prune'], 'disabled', id);
      }
    });

    test('Flux substitutes nothing in any ConfigMap', () => {
      for (const { id, object } of objects.filter(({ id }) => id.startsWith('ConfigMap/'))) {
        assert.equal(object.metadata.annotations?.['kustomize.toolkit.fluxcd.io/substitute'], 'disabled', id);
      }
    });

    test('the image of every container is that of the cluster', () => {
      const images = objects.flatMap(({ text }) => [...text.matchAll(/ image: (.*)/g)].map(([, image]) => image));
      assert.deepEqual([...new Set(images)], ['registry.example.com/platform/node-svc-checker:0.1.0']);
    });

    /** The objects whose text an edit changes, adds or removes. */
    async function changedBy(change: (root: string) => void): Promise<string[]> {
      const root = ownRepository();
      const texts = async () =>
        new Map((await render(join(root, 'clusters', cluster))).map(({ id, text }) => [id, text]));
      const old = await texts();
      change(root);
      const now = await texts();
      return [...new Set([...old.keys(), ...now.keys()])].filter((id) => old.get(id) !== now.get(id));
    }

    test('a policy edit changes the policy, its verification, and not one byte else', async () => {
      const file = `clusters/${cluster}/policy/50-${cluster}.yaml`;
      const changed = await changedBy((root) => appendFileSync(join(root, file), '# edited\n'));
      const hashed = changed.map((id) => id.replace(/(verify-rollout)-[a-z0-9]{10}$/, '$1-HASH')).sort();
      const verification = [`ConfigMap/${VERIFY}-HASH`, `ConfigMap/${VERIFY}-HASH`, `Job/${VERIFY}`];
      assert.deepEqual(hashed, [POLICY, ...(hasVerification(GITOPS, cluster) ? verification : [])]);
    });

    test('an edit of a policy that all clusters share changes this one', async () => {
      const changed = await changedBy((root) =>
        appendFileSync(join(root, 'policies/storage-daemon.yaml'), '# edited\n'),
      );
      assert.ok(changed.includes(POLICY));
      assert.ok(!changed.includes('DaemonSet/node-svc-checker'));
    });

    test('a policy edit in another cluster changes nothing here', async () => {
      const others = CLUSTERS.filter((name) => name !== cluster);
      const touch = (root: string) => {
        for (const name of others) appendFileSync(join(root, `clusters/${name}/policy/50-${name}.yaml`), '# edited\n');
      };
      assert.deepEqual(await changedBy(touch), []);
    });
  });
}

describe('gitops/components/verify-rollout', { skip }, () => {
  let root: string;
  before(() => {
    root = ownRepository();
    addVerification(root);
  });

  for (const cluster of CLUSTERS) {
    test(`verifies exactly the policy that ${cluster} applies`, async () => {
      const objects = await render(join(root, 'clusters', cluster));
      const [copy, ...more] = copyOf(objects);
      assert.deepEqual(more, []);
      assert.deepEqual(copy?.object.data, find(objects, POLICY).data);
      const { volumes, containers } = jobOf(objects).spec.template.spec;
      assert.deepEqual(volumes, [{ name: 'policy', configMap: { name: copy?.object.metadata.name } }]);
      const [{ args, volumeMounts }] = containers;
      assert.deepEqual(args.slice(0, 2), ['verify-rollout', volumeMounts[0].mountPath]);
    });
  }

  test('asks those nodes that the DaemonSet runs on', async () => {
    const objects = await render(join(root, 'clusters/dev'));
    const { nodeSelector } = find(objects, 'DaemonSet/node-svc-checker').spec.template.spec;
    const { args } = jobOf(objects).spec.template.spec.containers[0];
    const labels = Object.entries(nodeSelector).map(([key, value]) => `${key}=${value}`);
    assert.equal(args[args.indexOf('--selector') + 1], labels.join(','));
  });

  test('gives up before its pod is ended, and that is before Flux gives up', async () => {
    const { spec } = jobOf(await render(join(root, 'clusters/dev')));
    const [, minutes] = /^(\d+)m$/.exec(spec.template.spec.containers[0].args[3]) ?? [];
    const flux = find(await render(join(GITOPS, 'flux/dev')), 'Kustomization/node-svc-checker').spec;
    const [, fluxMinutes] = /^(\d+)m$/.exec(flux.timeout) ?? [];
    assert.ok(Number(minutes) * 60 < spec.activeDeadlineSeconds);
    assert.ok(spec.activeDeadlineSeconds < Number(fluxMinutes) * 60);
  });

  test('may read nodes and nothing else, with an account of its own', async () => {
    const objects = await render(join(root, 'clusters/dev'));
    assert.deepEqual(find(objects, `ClusterRole/${VERIFY}`).rules, [
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
    ]);
    const { roleRef, subjects } = find(objects, `ClusterRoleBinding/${VERIFY}`);
    assert.equal(roleRef.name, VERIFY);
    assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: VERIFY, namespace: 'node-svc-checker' }]);
    assert.equal(jobOf(objects).spec.template.spec.serviceAccountName, VERIFY);
  });

  test('is not taken for an agent', async () => {
    const objects = await render(join(root, 'clusters/dev'));
    const { matchLabels } = find(objects, 'DaemonSet/node-svc-checker').spec.selector;
    const { labels } = jobOf(objects).spec.template.metadata;
    for (const [key, value] of Object.entries(matchLabels)) assert.notEqual(labels[key], value);
  });

  test('moves to another namespace with everything else', async () => {
    const moved = ownRepository();
    addVerification(moved);
    appendFileSync(join(moved, 'clusters/dev/kustomization.yaml'), '\nnamespace: elsewhere\n');
    const objects = await render(join(moved, 'clusters/dev'));
    for (const { text, id } of objects) assert.doesNotMatch(text, /^ *(- )?namespace: (?!elsewhere$)/m, id);
    const { volumes } = jobOf(objects).spec.template.spec;
    assert.equal(volumes[0].configMap.name, copyOf(objects)[0]?.object.metadata.name);
  });

  test('is created anew by either tool when the policy changes', async () => {
    const { annotations } = jobOf(await render(join(root, 'clusters/dev'))).metadata;
    assert.deepEqual(annotations, {
      'argocd.argoproj.io/hook': 'Sync',
      'argocd.argoproj.io/hook-delete-policy': 'BeforeHookCreation',
      'kustomize.toolkit.fluxcd.io/force': 'enabled',
    });
  });

  test('makes Argo CD wait for no health but its own: no sync wave, and no phase but Sync', async () => {
    for (const { id, text } of await render(join(root, 'clusters/dev'))) {
      assert.doesNotMatch(text, /sync-wave|argocd\.argoproj\.io\/hook: (?!Sync$)/m, id);
    }
  });

  const jobOf = (objects: readonly RenderedObject[]) => find(objects, `Job/${VERIFY}`);
});

const copyOf = (objects: readonly RenderedObject[]) => objects.filter(({ id }) => id.startsWith(`ConfigMap/${VERIFY}`));
