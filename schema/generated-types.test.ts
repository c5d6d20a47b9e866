import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  Actions,
  Check,
  Drain,
  LabelSelector,
  NodeCheckPolicy,
  NodeDisruptionBudget,
  RunIn,
  Taint,
} from '../agent/core/generated/policy.ts';

/** `true` if the two types are the same, else `false`: optional and required fields are told apart. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

test('in the generated types a field with a default is required, and any other optional one is not', () => {
  // The type checker is what can fail here.
  const checks: {
    actions: Same<keyof Actions, 'cordon' | 'taint' | 'drain'>;
    optionalActions: Same<Actions, { cordon: boolean; taint?: Taint; drain?: Drain }>;
    taint: Same<Taint, { key: string; value: string; effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute' }>;
    command: Same<Check['command'], [string, ...string[]]>;
    env: Same<Check['env'][number], { name: string; value: string }>;
    runIn: Same<Check['runIn'], RunIn>;
    numbers: Same<Check['periodSeconds'] | Check['failureThreshold'] | Drain['timeoutSeconds'], number>;
    onStderr: Same<Check['onStderr'], 'Fatal' | 'Failed' | 'Unknown' | 'Ignore'>;
    gracePeriod: Same<Drain['gracePeriodSeconds'], number | null>;
    podSelector: Same<Drain['podSelector'], LabelSelector>;
    nodeSelector: Same<NodeCheckPolicy['spec']['nodeSelector'], LabelSelector | undefined>;
    mode: Same<NodeCheckPolicy['spec']['mode'], 'Enforce' | 'Observe'>;
    budget: Same<
      NodeDisruptionBudget['spec'],
      { nodeSelector?: LabelSelector; maxUnavailable: number | string; topologyKey?: string }
    >;
  } = {
    actions: true,
    optionalActions: true,
    taint: true,
    command: true,
    env: true,
    runIn: true,
    numbers: true,
    onStderr: true,
    gracePeriod: true,
    podSelector: true,
    nodeSelector: true,
    mode: true,
    budget: true,
  };
  assert.ok(Object.values(checks).every(Boolean));
});
