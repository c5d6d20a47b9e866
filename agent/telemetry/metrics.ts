import { Counter, Gauge, Registry } from 'prom-client';
import { ledgerOf } from '../core/ledger.ts';
import { type AgentState, nodeOf } from '../core/state.ts';
import type { Step } from '../core/step.ts';
import { createApiMetrics } from './api-metrics.ts';
import { createBudgetMetrics } from './budget-metrics.ts';
import { createCheckMetrics } from './check-metrics.ts';
import { createDrainMetrics } from './drain-metrics.ts';
import { createNodeMetrics } from './node-metrics.ts';
import { createPolicyMetrics } from './policy-metrics.ts';
import type { Counted } from './telling.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every metric of the agent, in a registry of its own; docs/metrics.md is the list. Labels are the names of policies and
 * budgets in force, the revision, status codes, fixed words, and one line of a check for each policy that fails: nothing that
 * grows with the cluster or with time.
 */
export function createMetrics(build: { version: string; runtime: string }, wallMs: () => number) {
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
  const checks = createCheckMetrics(registry, wallMs);
  const policies = createPolicyMetrics(registry, wallMs);
  const node = createNodeMetrics(registry);
  const drain = createDrainMetrics(registry);
  const budgets = createBudgetMetrics(registry);
  const counted: Counted = {
    checkEnded: ({ policy, verdict, outcome }) =>
      checks.ended(policy.metadata.name, verdict.status, outcome.durationMs / 1000),
    checkSkipped: checks.skipped,
    nodeWritten: node.wrote,
    slotDenied: budgets.beganToDeny,
    policiesLoaded: policies.loaded,
    internalError: () => internalErrors.inc(),
  };
  let shown: AgentState | null = null;

  return {
    registry,
    counted,
    drain,
    api: createApiMetrics(registry),
    /** Shows how things are after a step. Most steps change little of it. */
    show({ state, decision }: Step): void {
      const isNew = (part: keyof AgentState) => shown === null || shown[part] !== state[part];
      if (isNew('inForce') && state.inForce !== null) {
        policies.inForce(state.inForce);
        budgets.inForce(state.inForce.budgets.map(({ metadata }) => metadata.name));
      }
      if (isNew('roster') || isNew('node')) checks.show(state.roster, ledgerOf(nodeOf(state)));
      if (isNew('roster') || isNew('leftOutside')) checks.leftOutside(state.leftOutside);
      if (isNew('node')) node.seen(nodeOf(state));
      if (isNew('slots') || isNew('inForce') || isNew('told')) {
        budgets.show(state.slots.held, state.told.denial?.split(' ')[0] ?? null);
      }
      policies.compared(decision.comparison);
      shown = state;
    },
  };
}
