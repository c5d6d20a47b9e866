import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parse } from 'yaml';
import { findBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { addVerification, CLUSTERS, GITOPS, ownRepository, removeTemporaryDirs } from './gitops-layout.ts';
import { find, type Manifest, render } from './render.ts';

const skip = findBinary('kubectl') === undefined ? skipWithoutControlPlane() : false;
after(removeTemporaryDirs);

describe('gitops/argocd', () => {
  const manifest = (name: string): Manifest => parse(readFileSync(join(GITOPS, 'argocd', name), 'utf8'));
  const application = manifest('application.yaml');
  const set = manifest('applicationset.yaml');
  const project = manifest('project.yaml');

  test('one cluster and many are synced alike', () => {
    const { spec } = set.spec.template;
    assert.deepEqual(spec.syncPolicy, application.spec.syncPolicy);
    for (const one of [application.spec, spec]) {
      assert.equal(one.project, project.metadata.name);
      assert.deepEqual(project.spec.sourceRepos, [one.source.repoURL]);
      assert.equal(one.destination.namespace, project.spec.destinations[0].namespace);
    }
    const [{ git }] = set.spec.generators;
    assert.deepEqual([git.repoURL, git.revision], [spec.source.repoURL, spec.source.targetRevision]);
  });

  test('the paths are those of the layout', () => {
    assert.ok(existsSync(join(GITOPS, application.spec.source.path)));
    assert.deepEqual(set.spec.generators[0].git.directories, [{ path: 'clusters/*' }]);
  });

  test('a large policy syncs, and a corrected commit does not wait for the rejected one', () => {
    const { syncOptions, retry } = application.spec.syncPolicy;
    assert.deepEqual(syncOptions, ['ServerSideApply=true']);
    assert.equal(retry.refresh, true);
  });

  test('deleting an Application, or a folder, deletes no agent', () => {
    assert.ok(!('finalizers' in application.metadata));
    assert.deepEqual(set.spec.syncPolicy, { applicationsSync: 'create-update', preserveResourcesOnDeletion: true });
  });

  test('automated sync can be switched off for one of many', () => {
    assert.deepEqual(set.spec.ignoreApplicationDifferences, [{ jsonPointers: ['/spec/syncPolicy'] }]);
  });

  for (const cluster of CLUSTERS) {
    test(`the project allows everything in ${cluster}, and no kind more`, { skip }, async () => {
      const root = ownRepository();
      addVerification(root);
      const objects = await render(join(root, 'clusters', cluster));
      const outside = objects.filter(({ object }) => object.metadata.namespace === undefined);
      const kinds = new Set(outside.map(({ object }) => object.kind));
      const allowed = project.spec.clusterResourceWhitelist.map(({ kind }: { kind: string }) => kind);
      assert.deepEqual([...kinds].sort(), allowed.sort());
    });
  }
});

describe('gitops/flux', { skip }, () => {
  test('every cluster has one, which syncs its folder and alerts in its name', async () => {
    const folders = readdirSync(join(GITOPS, 'flux')).filter((name) => name !== 'base');
    assert.deepEqual(folders, CLUSTERS);
    for (const cluster of CLUSTERS) {
      const objects = await render(join(GITOPS, 'flux', cluster));
      assert.equal(find(objects, 'Kustomization/node-svc-checker').spec.path, `./clusters/${cluster}`);
      assert.equal(find(objects, 'Alert/node-svc-checker').spec.eventMetadata.cluster, cluster);
    }
  });

  test('waits, prunes, replaces nothing, and leaves the agents when it is deleted', async () => {
    const { spec } = find(await render(join(GITOPS, 'flux/dev')), 'Kustomization/node-svc-checker');
    const { wait, prune, force, deletionPolicy, postBuild } = spec;
    assert.deepEqual(
      { wait, prune, force, deletionPolicy },
      { wait: true, prune: true, force: false, deletionPolicy: 'Orphan' },
    );
    assert.equal(postBuild, undefined);
  });

  test('every reference is to an object that is there', async () => {
    const objects = await render(join(GITOPS, 'flux/dev'));
    const spec = (id: string) => find(objects, id).spec;
    const references = [
      spec('Kustomization/node-svc-checker').sourceRef,
      { kind: 'Provider', ...spec('Alert/node-svc-checker').providerRef },
      ...spec('Alert/node-svc-checker').eventSources,
      ...spec('Receiver/node-svc-checker').resources,
    ];
    for (const { kind, name } of references) assert.ok(find(objects, `${kind}/${name}`));
  });
});
