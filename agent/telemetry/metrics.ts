import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const CHECK_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type Metrics = ReturnType<typeof createMetrics>;

/** Every metric of the agent, in a registry of its own. Labels are policy names, codes and fixed words only. */
export function createMetrics(build: { version: string; runtime: string }) {
  const registers = [new Registry()];
  const metrics = {
    checkResults: new Counter({
      name: 'nsc_check_results_total',
      help: 'Runs of a check by what they said.',
      labelNames: ['policy', 'verdict'],
      registers,
    }),
    checkSeconds: new Histogram({
      name: 'nsc_check_duration_seconds',
      help: 'How long a run of a check took.',
      labelNames: ['policy'],
      buckets: CHECK_SECONDS,
      registers,
    }),
    checksSkipped: new Counter({
      name: 'nsc_check_skipped_total',
      help: 'Runs of a check left out because the one before had not ended.',
      labelNames: ['policy'],
      registers,
    }),
    failing: new Gauge({
      name: 'nsc_policy_failing',
      help: '1 while the check of a policy has reached failureThreshold and has not recovered.',
      labelNames: ['policy'],
      registers,
    }),
    actions: new Counter({
      name: 'nsc_node_actions_total',
      help: 'What was done to the node, by result.',
      labelNames: ['action', 'result'],
      registers,
    }),
    reloadSuccessful: new Gauge({
      name: 'nsc_policy_reload_success',
      help: '1 when the newest policy directory is the one in force, 0 when it could not be loaded.',
      registers,
    }),
    reloadTimestamp: new Gauge({
      name: 'nsc_policy_reload_success_timestamp_seconds',
      help: 'When a policy directory last came into force.',
      registers,
    }),
    policyInfo: new Gauge({
      name: 'nsc_policy_info',
      help: 'The revision in force, as a label.',
      labelNames: ['revision'],
      registers,
    }),
    slotsHeld: new Gauge({
      name: 'nsc_budget_slots_held',
      help: '1 for each cluster budget of which this node holds a slot.',
      labelNames: ['budget'],
      registers,
    }),
    budgetDenied: new Gauge({
      name: 'nsc_budget_denied',
      help: '1 for the cluster budget that denies this node a slot.',
      labelNames: ['budget'],
      registers,
    }),
    apiRequests: new Counter({
      name: 'nsc_api_requests_total',
      help: 'Requests to the API server; code 0 where no answer came.',
      labelNames: ['verb', 'resource', 'code'],
      registers,
    }),
    buildInfo: new Gauge({
      name: 'nsc_build_info',
      help: 'The version of the agent and what it runs on, as labels.',
      labelNames: ['version', 'runtime'],
      registers,
    }),
  };
  metrics.buildInfo.set(build, 1);
  return { ...metrics, registry: registers[0] as Registry };
}

/** `/api/v1/nodes/node-1` → `nodes`, `…/pods/a/eviction` → `pods/eviction`: names never become labels. */
export function resourceOf(path: string): string {
  const [, resource = '', , subresource] = path
    .replace(/^\/apis\/[^/]+\/[^/]+|^\/api\/[^/]+/, '')
    .replace(/^\/namespaces\/[^/]+(?=\/)/, '')
    .split('/');
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}
