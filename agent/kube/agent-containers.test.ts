import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { containerProblem } from '../core/agent-container.ts';
import { lookUpAgents } from './agent-containers.ts';
import type { Transport } from './transport.ts';

const CREATED = '2026-01-01T00:00:00Z';
const AFTER_MS = Date.parse('2026-01-01T00:05:00Z');

test('the container of a pod that never starts is known with when the pod was created', async () => {
  const creating = { name: 'agent', state: { waiting: { reason: 'ContainerCreating' } } };
  const pod = {
    metadata: { name: 'agent-x', uid: 'u', resourceVersion: '1', creationTimestamp: CREATED },
    spec: { nodeName: 'node-1' },
    status: { containerStatuses: [creating, { ...creating, name: 'sidecar' }] },
  };
  const { agents } = await lookUpAgents(listing(pod), 'agents', true);
  assert.deepEqual(agents, [
    { nodeName: 'node-1', createdAt: CREATED, waiting: { reason: 'ContainerCreating', message: '' }, ended: null },
  ]);
  assert.equal(containerProblem(agents[0] ?? assert.fail(), AFTER_MS)?.reason, 'AgentNotRunning');
});

function listing(...items: readonly object[]): Transport {
  const list = { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '1' }, items };
  return { clock: new VirtualClock(), request: async () => list } as unknown as Transport;
}
