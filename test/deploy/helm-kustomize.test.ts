import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { isHook, skipWithoutHelm, template, type Values } from './helm-chart.ts';
import { KUSTOMIZE, type RenderedObject, render } from './render.ts';

const skip = findBinary('kubectl') === undefined ? skipWithoutControlPlane() : skipWithoutHelm;

/** By component of kustomize: the values of the chart that do the same. */
const COMPONENTS: Readonly<Record<string, Values>> = {
  'host-checks': { hostChecks: true },
  'no-drain': { drainRights: false },
  monitoring: {
    monitoring: {
      podMonitor: { enabled: true },
      prometheusRule: { enabled: true },
      dashboard: { enabled: true },
    },
  },
};

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

  for (const [component, values] of Object.entries(COMPONENTS)) {
    test(`with ${JSON.stringify(values)}, from the base with the component ${component}`, async () => {
      const root = mkdtempSync(join(tmpdir(), 'nsc-helm-'));
      try {
        cpSync(KUSTOMIZE, root, { recursive: true });
        const overlay = join(root, 'overlays/more');
        mkdirSync(overlay);
        const kustomization = { resources: ['../../base'], components: [`../../components/${component}`] };
        writeFileSync(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
        const chart = await template(values);
        assert.deepEqual(sorted(chart.filter((one) => !isHook(one))), expected(await render(overlay)));
      } finally {
        rmSync(root, { recursive: true });
      }
    });
  }
});
