import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { SlotApi } from '../core/ports.ts';
import type { LabelledNode } from '../core/slot.ts';
import { createBudgetReader } from './budget-reader.ts';

const NODES: LabelledNode[] = [{ name: 'node-1', labels: {} }];

function percentage(spec: Partial<NodeDisruptionBudget['spec']>): NodeDisruptionBudget {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name: 'cluster' },
    spec: { maxUnavailable: '10%', ...spec },
  };
}

function setUp() {
  const asked: (NodeDisruptionBudget['spec']['nodeSelector'] | 'everybody')[] = [];
  const api: Partial<SlotApi> = {
    list: async () => [],
    listCordoned: async () => [],
    async listSelected({ spec }) {
      asked.push(spec.nodeSelector ?? 'everybody');
      return NODES;
    },
  };
  return { asked, read: createBudgetReader(api as SlotApi, new VirtualClock()) };
}

test('a percentage without nodeSelector is one of all nodes', async () => {
  const { read, asked } = setUp();
  assert.deepEqual((await read(percentage({}), 60_000)).selected, NODES);
  assert.deepEqual(asked, ['everybody']);
});

test('a count of nodes serves again until it is too old, or the selector is another one', async () => {
  const { read, asked } = setUp();
  await read(percentage({}), 60_000);
  await read(percentage({}), 60_000);
  assert.deepEqual(asked, ['everybody']);
  const matchLabels = { role: 'storage' };
  await read(percentage({ nodeSelector: { matchLabels } }), 60_000);
  await read(percentage({ nodeSelector: { matchLabels } }), 0);
  assert.deepEqual(asked, ['everybody', { matchLabels }, { matchLabels }]);
});
