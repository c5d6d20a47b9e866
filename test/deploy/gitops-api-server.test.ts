import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { find, type RenderedObject, render } from './render.ts';

const CLUSTERS = fileURLToPath(new URL('../../gitops/clusters', import.meta.url));
const NAMESPACE = 'node-svc-checker';
const VERIFY = 'node-svc-checker-verify-rollout';

describe('the clusters of gitops/ on a real API server', { skip: skipWithoutControlPlane() }, () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane();
    const namespace = find(await render(join(CLUSTERS, 'staging')), `Namespace/${NAMESPACE}`);
    await plane.kubectl(['apply', '--server-side', '-f', '-'], { stdin: JSON.stringify(namespace) });
  });
  after(() => plane?.stop());

  for (const cluster of readdirSync(CLUSTERS)) {
    test(`every field of every object of ${cluster} is known and valid`, async () => {
      const objects = await render(join(CLUSTERS, cluster));
      const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
      const answer = await plane.kubectl(dryRun, { stdin: objects.map(({ text }) => text).join('---\n') });
      assert.equal(answer.trim().split('\n').length, objects.length, answer);
    });
  }

  describe('verify-rollout', () => {
    let objects: RenderedObject[];
    before(async () => {
      objects = (await render(join(CLUSTERS, 'staging'))).filter(({ id }) => id.includes('verify-rollout'));
      const stdin = objects.map(({ text }) => text).join('---\n');
      await plane.kubectl(['apply', '--server-side', '-f', '-'], { stdin });
    });

    test('the strictest namespace admits its pod, without a warning', async () => {
      const { metadata, spec } = find(objects, `Job/${VERIFY}`).spec.template;
      const body = { metadata: { ...metadata, name: 'verify' }, spec };
      const path = `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All&fieldValidation=Strict`;
      const answer = await plane.api.request('POST', path, { body });
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      assert.equal(answer.headers.warning, undefined);
    });

    test('its account reads nodes, and changes none', async () => {
      const may = async (verb: string, resource: string) => {
        const user = `system:serviceaccount:${NAMESPACE}:${VERIFY}`;
        const body = { spec: { user, resourceAttributes: { verb, resource } } };
        const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
        return (await plane.api.requestOk('POST', path, { body })).status?.allowed;
      };
      for (const verb of ['get', 'list', 'watch']) assert.equal(await may(verb, 'nodes'), true, verb);
      for (const verb of ['patch', 'update', 'delete']) assert.equal(await may(verb, 'nodes'), false, verb);
      for (const resource of ['pods', 'secrets', 'configmaps'])
        assert.equal(await may('list', resource), false, resource);
    });

    test('a Job of another policy cannot replace it in place, which is why Flux is told to force it', async () => {
      const job = structuredClone(find(objects, `Job/${VERIFY}`));
      job.spec.template.spec.volumes[0].configMap.name = `${VERIFY}-another`;
      const apply = plane.kubectl(['apply', '--server-side', '-f', '-'], { stdin: JSON.stringify(job) });
      await assert.rejects(apply, /spec\.template: Invalid value: .*field is immutable/s);
    });
  });
});
