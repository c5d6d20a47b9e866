import { Counter, Gauge, type Registry } from 'prom-client';
import type { Comparison } from '../core/compare.ts';
import { isPending } from '../core/gates/gate.ts';
import type { PolicySet } from '../core/policy.ts';

export type PolicyMetrics = ReturnType<typeof createPolicyMetrics>;

/** What is in force, how reloading goes, and what keeps policies from acting. */
export function createPolicyMetrics(registry: Registry, wallMs: () => number) {
  const registers = [registry];
  const reloads = new Counter({
    name: 'nsc_policy_reloads_total',
    help: 'Times that the policy directory said something new, by whether it could be brought into force.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['Success', 'Error']) reloads.inc({ result }, 0);
  const successful = new Gauge({
    name: 'nsc_policy_reload_success',
    help: '1 when the newest policy directory is the one in force, 0 when it could not be loaded.',
    registers,
  });
  const timestamp = new Gauge({
    name: 'nsc_policy_reload_success_timestamp_seconds',
    help: 'When a policy directory last came into force; 0 before the first.',
    registers,
  });
  const info = new Gauge({
    name: 'nsc_policy_info',
    help: 'The revision in force, as a label.',
    labelNames: ['revision'],
    registers,
  });
  const policies = new Gauge({
    name: 'nsc_policies',
    help: 'Policies in force, whether or not they select this node.',
    registers,
  });
  const budgets = new Gauge({
    name: 'nsc_budgets',
    help: 'Budgets in force, whether or not they select this node.',
    registers,
  });
  const withheld = new Gauge({
    name: 'nsc_policy_withheld',
    help: '1 while effects that a policy wants are withheld for this reason: Observe, Paused, BelowThreshold, KubeletNotReady, BudgetDenied or WouldEvictAgent.',
    labelNames: ['policy', 'reason'],
    registers,
  });

  return {
    /** The policy directory says something new. */
    loaded(isValid: boolean): void {
      reloads.inc({ result: isValid ? 'Success' : 'Error' });
      successful.set(isValid ? 1 : 0);
      if (isValid) timestamp.set(wallMs() / 1000);
    },

    inForce(set: PolicySet): void {
      info.reset();
      info.set({ revision: set.revision }, 1);
      policies.set(set.policies.length);
      budgets.set(set.budgets.length);
    },

    /** null: there is no Node to compare with. */
    compared(comparison: Comparison | null): void {
      withheld.reset();
      if (comparison?.kind !== 'Compared') return;
      for (const { policy, why } of comparison.withheld) {
        if (!isPending(why)) withheld.set({ policy, reason: why }, 1);
      }
    },
  };
}
