import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { isHook, skipWithoutHelm, template } from './helm-chart.ts';
import { KUSTOMIZE, type RenderedObject, render } from './render.ts';

const skip = findBinary('kubectl') === undefined ? skipWithoutControlPlane() : skipWithoutHelm;

/**
 * Chart and base are the same objects, field by field. These alone may differ:
 * - the Namespace, which Helm makes itself (`--create-namespace`), without its pod security level;
 * - hooks, which kustomize does not have.
 */
describe('the chart is what kustomize renders', { skip }, () => {
  const sorted = (objects: readonly RenderedObject[]) =>
    Object.fromEntries(objects.map(({ id, object }) => [id, object] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
  const expected = (objects: readonly RenderedObject[]) =>
    sorted(objects.filter(({ object }) => object.kind !== 'Namespace'));

  test('with its defaults, from the base', async () => {
    const chart = await template();
    assert.deepEqual(sorted(chart.filter((one) => !isHook(one))), expected(await render(join(KUSTOMIZE, 'base'))));
  });

  test('with hostChecks, from the base with that component', async () => {
    const root = mkdtempSync(join(tmpdir(), 'nsc-helm-'));
    try {
      cpSync(KUSTOMIZE, root, { recursive: true });
      const overlay = join(root, 'overlays/host');
      mkdirSync(overlay);
      const kustomization = { resources: ['../../base'], components: ['../../components/host-checks'] };
      writeFileSync(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
      const chart = await template({ hostChecks: true });
      assert.deepEqual(sorted(chart.filter((one) => !isHook(one))), expected(await render(overlay)));
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
