import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { readPolicyInput } from '../../agent/policy/read-input.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { createServiceAccount } from '../harness/pods.ts';
import { find, INSTALLATIONS, KUSTOMIZE, podTemplate, type RenderedObject, render } from './render.ts';

const NAMESPACE = 'node-svc-checker';
const ENFORCE = 'pod-security.kubernetes.io/enforce';
const LEVELS = ['privileged', 'baseline', 'restricted'] as const;
/** Kinds whose CRDs the Prometheus operator brings; this API server knows none of them. */
const CUSTOM_KINDS: readonly string[] = ['PodMonitor', 'PrometheusRule'];

describe('the manifests on a real API server', { skip: skipWithoutControlPlane() }, () => {
  let plane: ControlPlane;
  before(async () => {
    // Off by default, but nodes need it for their network and storage pods, so clusters have it on.
    plane = await startControlPlane({ apiServerFlags: ['--allow-privileged=true'] });
  });
  after(() => plane?.stop());

  for (const installation of INSTALLATIONS) {
    describe(installation, () => {
      let objects: RenderedObject[];
      let level: string;
      before(async () => {
        objects = await render(join(KUSTOMIZE, installation));
        const namespace = find(objects, `Namespace/${NAMESPACE}`);
        level = namespace.metadata.labels?.[ENFORCE] ?? '';
        await plane.kubectl(['apply', '--server-side', '-f', '-'], { stdin: JSON.stringify(namespace) });
      });

      test('every field of every object is known and valid', async () => {
        const known = objects.filter(({ object }) => !CUSTOM_KINDS.includes(object.kind));
        const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
        const answer = await plane.kubectl(dryRun, { stdin: known.map(({ text }) => text).join('---\n') });
        assert.equal(answer.trim().split('\n').length, known.length, answer);
      });

      test('nsc validate takes its policies as kubectl gets them, with the revision they have as rendered', async () => {
        const policy = find(objects, 'ConfigMap/node-svc-checker-policy');
        await plane.kubectl(['apply', '--server-side', '-f', '-'], { stdin: JSON.stringify(policy) });
        const revisionOf = async (text: string) => {
          const [source] = await readPolicyInput('-', Readable.from([Buffer.from(text)]));
          return source?.load.valid ? [source.name, source.load.set.revision] : undefined;
        };
        const rendered = await revisionOf(objects.map(({ text }) => text).join('---\n'));
        assert.equal(rendered?.[0], `${NAMESPACE}/node-svc-checker-policy`);
        for (const format of ['yaml', 'json']) {
          const all = await plane.kubectl(['get', 'configmaps', '--all-namespaces', '--output', format]);
          assert.deepEqual(await revisionOf(all), rendered, format);
        }
      });

      /** What admission says to a pod of the DaemonSet, without creating it. */
      async function admit(namespace: string) {
        const { metadata, spec } = podTemplate(objects);
        await createServiceAccount(plane.api, namespace, spec.serviceAccountName);
        const body = { metadata: { ...metadata, name: 'agent' }, spec };
        const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`;
        return plane.api.request('POST', path, { body });
      }

      test('its namespace admits its pods, without a warning', async () => {
        const { status, headers, body } = await admit(NAMESPACE);
        assert.equal(status, 201, JSON.stringify(body));
        assert.equal(headers.warning, undefined);
      });

      test('no stricter pod security level would do', async () => {
        const stricter = LEVELS[LEVELS.indexOf(level as (typeof LEVELS)[number]) + 1];
        assert.ok(LEVELS.some((known) => known === level));
        if (stricter === undefined) return;
        const name = `stricter-than-${level}`;
        const body = { metadata: { name, labels: { [ENFORCE]: stricter } } };
        await plane.api.requestOk('POST', '/api/v1/namespaces', { body });
        const answer = await admit(name);
        assert.equal(answer.status, 403);
        assert.match(JSON.stringify(answer.body), /violates PodSecurity/);
      });
    });
  }
});
