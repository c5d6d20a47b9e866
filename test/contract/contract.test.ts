import { after, before, describe, it } from 'node:test';
import { startSimulator } from '../../simulator/simulator.ts';
import { connect } from '../harness/api-client.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { BUDGET_RULES } from './budgets.ts';
import { CONDITION_RULES } from './conditions.ts';
import { EVENT_RULES } from './events.ts';
import { EVICTION_RULES } from './evictions.ts';
import { HISTORY_RULES, type HistoryRule } from './history.ts';
import { JSON_PATCH_RULES } from './json-patches.ts';
import { LEASE_RULES } from './leases.ts';
import { LIST_RULES } from './lists.ts';
import { NODE_RULES } from './nodes.ts';
import { PATCH_RULES } from './patches.ts';
import { POD_RULES } from './pods.ts';
import { REQUEST_RULES } from './requests.ts';
import type { Rule, Target } from './target.ts';
import { VALIDITY_RULES } from './validity.ts';
import { WATCH_RULES } from './watches.ts';

const RULES: readonly Rule[] = [
  ...NODE_RULES,
  ...PATCH_RULES,
  ...JSON_PATCH_RULES,
  ...CONDITION_RULES,
  ...VALIDITY_RULES,
  ...LIST_RULES,
  ...WATCH_RULES,
  ...LEASE_RULES,
  ...POD_RULES,
  ...EVICTION_RULES,
  ...BUDGET_RULES,
  ...EVENT_RULES,
  ...REQUEST_RULES,
];

interface RunningTarget extends Target {
  stop(): Promise<void>;
}

/** The same rules on both: where they disagree, the simulator is wrong. */
function contract(server: string, skip: string | false, start: () => Promise<RunningTarget>): void {
  describe(server, { skip, concurrency: 1 }, () => {
    let target: RunningTarget;
    before(async () => {
      target = await start();
    });
    after(() => target?.stop());
    describe('holds that', { concurrency: 8 }, () => {
      for (const { rule, holds } of RULES) it(rule, () => holds(target));
    });
    describe('holds, its history forgotten, that', { concurrency: 1 }, () => {
      const remembered = new Map<HistoryRule, string>();
      before(async () => {
        for (const rule of HISTORY_RULES) remembered.set(rule, await rule.before(target));
        await target.forgetHistory();
      });
      for (const rule of HISTORY_RULES) it(rule.rule, () => rule.holds(target, remembered.get(rule) ?? ''));
    });
  });
}

async function startSimulatorTarget(): Promise<RunningTarget> {
  const controllers = { podTerminationMs: null, garbageCollection: false, nodeTaints: false, disruption: false };
  const simulator = await startSimulator({ token: 'admin', controllers });
  const api = connect({ url: simulator.url, token: 'admin' });
  return {
    api,
    forgetHistory: async () => simulator.forgetHistory(),
    async stop() {
      api.close();
      await simulator.close();
    },
  };
}

const skip = skipWithoutControlPlane();

// Side by side: while the real one starts, the simulator is done.
describe('the contract of an API server', { concurrency: true }, () => {
  contract('the simulator', false, startSimulatorTarget);
  contract('the real API server', skip, startControlPlane);
});
