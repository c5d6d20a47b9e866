import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { readSamples, samplesOf } from '../../test/harness/metrics-text.ts';
import { createApiMetrics, resourceOf } from './api-metrics.ts';

function setUp() {
  const registry = new Registry();
  const metrics = createApiMetrics(registry);
  return { metrics, read: async () => samplesOf(readSamples(await registry.metrics()), 'nsc_api_requests_total') };
}

const paths: [path: string, resource: string][] = [
  ['/api/v1/nodes', 'nodes'],
  ['/api/v1/nodes/node-1', 'nodes'],
  ['/api/v1/nodes/node-1/status', 'nodes/status'],
  ['/api/v1/namespaces/default/events', 'events'],
  ['/api/v1/namespaces/default/events/node-1.17', 'events'],
  ['/api/v1/namespaces/web/pods/a/eviction', 'pods/eviction'],
  ['/apis/coordination.k8s.io/v1/namespaces/nsc/leases/a', 'leases'],
  ['/apis/apps/v1/namespaces/web/daemonsets/logs', 'daemonsets'],
  ['/api/v1/namespaces', 'namespaces'],
  ['/api/v1/namespaces/namespaces/pods/pods', 'pods'],
  ['', 'other'],
  ['/', 'other'],
  ['/version', 'other'],
  ['//api/v1/pods', 'other'],
  ['/api/v1/pods/web/exec/more', 'other'],
  ['/api/v1/namespaces/web', 'namespaces'],
  ['/api/v1/namespaces/web/secret-name', 'other'],
  ['/api/v1/__proto__/constructor', 'other'],
  ['/api/v1/nodes/a"b\n', 'nodes'],
];
for (const [path, resource] of paths) {
  test(`${JSON.stringify(path)} counts as ${resource}, so that no name becomes a label`, () => {
    assert.equal(resourceOf(path), resource);
  });
}

test('whatever is asked for, the series stay few and name nothing', async () => {
  const segment = fc.oneof(
    fc.constantFrom('api', 'apis', 'v1', 'namespaces', 'pods', 'nodes', 'eviction'),
    fc.string(),
  );
  const pathArbitrary = fc.array(segment, { maxLength: 9 }).map((parts) => parts.map((part) => `/${part}`).join(''));
  const { metrics, read } = setUp();
  fc.assert(
    fc.property(pathArbitrary, (path) => metrics.requested({ method: 'GET', path, status: 200 })),
    { numRuns: 2_000 },
  );
  const series = Object.keys(await read());
  const resources = series.map((labels) => /resource="([^"]*)"/.exec(labels)?.[1] ?? assert.fail(labels));
  const known = new Set(paths.map(([, resource]) => resource));
  assert.deepEqual(
    resources.filter((resource) => !known.has(resource)),
    [],
  );
});

test('a call without an answer counts as code 0', async () => {
  const { metrics, read } = setUp();
  metrics.requested({ method: 'PATCH', path: '/api/v1/nodes/a', status: null });
  assert.deepEqual(await read(), { 'verb="PATCH",resource="nodes",code="0"': 1 });
});
