import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { readSamples, samplesOf } from '../../test/harness/metrics-text.ts';
import type { Comparison } from '../core/compare.ts';
import type { Withheld } from '../core/holds.ts';
import type { PolicySet } from '../core/policy.ts';
import { SAMPLE_NOW, samplePolicy } from '../core/samples.ts';
import { createPolicyMetrics } from './policy-metrics.ts';

function setUp() {
  const registry = new Registry();
  const read = async (name: string) => samplesOf(readSamples(await registry.metrics()), name);
  return { registry, policies: createPolicyMetrics(registry, () => 1_000_000), read };
}

const wanted = { since: SAMPLE_NOW, marks: { cordon: {} }, drain: null };
const because = null;
const setOf = (revision: string): PolicySet => ({
  revision,
  policies: [samplePolicy('a'), samplePolicy('b')],
  budgets: [],
});

function compared(withheld: readonly Withheld[]): Comparison {
  return { kind: 'Compared', change: null, withheld, ledger: null, drains: [], drainsRest: null };
}

test('what is withheld is there while it is, and a slot that is being asked for is not', async () => {
  const { policies, read } = setUp();
  const reasons = [
    'Observe',
    'Paused',
    'BelowThreshold',
    'KubeletNotReady',
    'BudgetDenied',
    'WouldEvictAgent',
  ] as const;
  for (const why of reasons) {
    const pending = { policy: 'b', why: 'SlotPending', because, wanted } as const;
    policies.compared(compared([{ policy: 'a', why, because, wanted }, pending]));
    assert.deepEqual(await read('nsc_policy_withheld'), { [`policy="a",reason="${why}"`]: 1 });
  }
  for (const nothing of [compared([]), { kind: 'Unreadable', problem: 'x' } as const, null]) {
    policies.compared(compared([{ policy: 'a', why: 'Observe', because, wanted }]));
    policies.compared(nothing);
    assert.deepEqual(await read('nsc_policy_withheld'), {});
  }
});

test('no series of what is withheld outlives its policy', async () => {
  const { policies, registry } = setUp();
  policies.compared(compared([{ policy: 'gone-b', why: 'Observe', because, wanted }]));
  policies.compared(compared([]));
  assert.doesNotMatch(await registry.metrics(), /gone-b/);
});

test('a reload that fails is a 0 until the same good directory is back', async () => {
  const { policies, read } = setUp();
  const success = () => read('nsc_policy_reload_success');
  const valid = (revision: string) => {
    policies.loaded(true);
    policies.inForce(setOf(revision));
  };
  valid('0123456789ab');
  policies.loaded(false);
  assert.deepEqual(await success(), { '': 0 });
  assert.deepEqual(await read('nsc_policy_info'), { 'revision="0123456789ab"': 1 });
  valid('0123456789ab');
  assert.deepEqual(await success(), { '': 1 });
  valid('ba9876543210');
  assert.deepEqual(await read('nsc_policy_info'), { 'revision="ba9876543210"': 1 });
  assert.deepEqual(await read('nsc_policy_reloads_total'), { 'result="Success"': 3, 'result="Error"': 1 });
  assert.deepEqual(await read('nsc_policy_reload_success_timestamp_seconds'), { '': 1_000 });
  assert.deepEqual(await read('nsc_policies'), { '': 2 });
  assert.deepEqual(await read('nsc_budgets'), { '': 0 });
});
