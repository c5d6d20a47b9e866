import { Counter, Gauge, Registry } from 'prom-client';
import { createApiMetrics } from './api-metrics.ts';
import { createBudgetMetrics } from './budget-metrics.ts';
import { createCheckMetrics } from './check-metrics.ts';
import { createDrainMetrics } from './drain-metrics.ts';
import { createNodeMetrics } from './node-metrics.ts';
import { createPolicyMetrics } from './policy-metrics.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every metric of the agent, in a registry of its own; docs/metrics.md is the list. Labels are the names of policies and
 * budgets in force, the revision, status codes and fixed words: nothing that grows with the cluster or with time.
 */
export function createMetrics(build: { version: string; runtime: string }) {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'nsc_build_info',
    help: 'The version of the agent and what it runs on, as labels.',
    labelNames: ['version', 'runtime'],
    registers,
  }).set(build, 1);
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since the Unix epoch, in seconds.',
    registers,
  }).set(performance.timeOrigin / 1000);
  const internalErrors = new Counter({
    name: 'nsc_internal_errors_total',
    help: 'Times that the agent met a defect of its own program; it goes on, and any at all should be reported.',
    registers,
  });
  return {
    registry,
    internalErrors: { met: () => internalErrors.inc() },
    checks: createCheckMetrics(registry),
    policies: createPolicyMetrics(registry),
    node: createNodeMetrics(registry),
    drain: createDrainMetrics(registry),
    budgets: createBudgetMetrics(registry),
    api: createApiMetrics(registry),
  };
}
