import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics, resourceOf } from './metrics.ts';

const paths: [path: string, resource: string][] = [
  ['/api/v1/nodes', 'nodes'],
  ['/api/v1/nodes/node-1', 'nodes'],
  ['/api/v1/nodes/node-1/status', 'nodes/status'],
  ['/api/v1/namespaces/default/events', 'events'],
  ['/api/v1/namespaces/default/events/node-1.17', 'events'],
  ['/api/v1/namespaces/web/pods/a/eviction', 'pods/eviction'],
  ['/apis/coordination.k8s.io/v1/namespaces/nsc/leases/a', 'leases'],
  ['/api/v1/namespaces', 'namespaces'],
];
for (const [path, resource] of paths) {
  test(`${path} counts as ${resource}, so that no name becomes a label`, () => {
    assert.equal(resourceOf(path), resource);
  });
}

test('the build and every counted thing is exported under nsc_', async () => {
  const metrics = createMetrics({ version: '1.2.3', runtime: 'node 24' });
  metrics.checkResults.inc({ policy: 'a', verdict: 'Failed' });
  const text = await metrics.registry.metrics();
  assert.match(text, /^nsc_build_info\{version="1.2.3",runtime="node 24"\} 1$/m);
  assert.match(text, /^nsc_check_results_total\{policy="a",verdict="Failed"\} 1$/m);
  for (const [name] of text.matchAll(/^# TYPE \S+/gm)) assert.match(name, /TYPE nsc_/);
});
