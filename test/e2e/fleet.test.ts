import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeDisruptionBudget } from '../../agent/core/policy.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { startControlPlane } from '../harness/control-plane.ts';
import { startFleet } from '../harness/fleet.ts';
import { fleetPolicies, healAfterTurn, untilNothingIsLeft } from '../harness/fleet-episode.ts';
import { observeLaw } from '../harness/fleet-law.ts';
import { createNode } from '../harness/nodes.ts';
import { SOAKING } from '../harness/soaking.ts';
import { waitFor } from '../harness/wait-for.ts';

const AGENTS = SOAKING ? 50 : 30;
/** Failing at once, and ended in the middle of what they do, one every so often. */
const CRASH_EVERY_MS = 150;
const SICK_MS = 300;
const BUDGET: NodeDisruptionBudget = {
  apiVersion: 'node-svc-checker/v1',
  kind: 'NodeDisruptionBudget',
  metadata: { name: 'fleet' },
  spec: { nodeSelector: {}, maxUnavailable: '20%' },
};

/** The laws of test/soak/fleet.test.ts, on a real API server. */
test(`of ${AGENTS} failing nodes never more are disrupted than the budget allows, and all have a turn`, {
  skip: skipWithoutControlPlane(),
}, async (t) => {
  const plane = await startControlPlane();
  try {
    await plane.kubectl(['create', 'namespace', NAMESPACE]);
    const nodes = Array.from({ length: AGENTS }, (_, n) => `node-${n}`);
    const labelled = (n: number) => ({ labels: { act: n % 2 === 0 ? 'cordon' : 'taint' } });
    await Promise.all(nodes.map((name, n) => createNode(plane.api, name, labelled(n))));
    const law = await observeLaw(plane.api, NAMESPACE, [BUDGET]);
    const fleet = startFleet({
      kubeconfig: plane.kubeconfigPath,
      namespace: NAMESPACE,
      nodes,
      documents: [...fleetPolicies(), BUDGET],
      mayLandMs: 2_000,
    });
    const stopHealing = healAfterTurn(fleet, law, SICK_MS);
    let next = 0;
    const crashing = setInterval(() => fleet.members[next++ % AGENTS]?.crash(), CRASH_EVERY_MS);
    try {
      for (const member of fleet.members) member.breakIt();
      const turns = async (count: number) => {
        for (let had = law.hadTurn.size; had < count; had = law.hadTurn.size) {
          const what = `more than ${had} nodes to have a turn`;
          await waitFor(() => law.violations.length > 0 || law.hadTurn.size > had, { what });
          assert.deepEqual(law.violations, []);
        }
      };
      await turns(AGENTS / 2);
      clearInterval(crashing);
      await turns(AGENTS);
      await untilNothingIsLeft(plane.api, NAMESPACE);
      assert.deepEqual([...law.violations, ...law.withoutSlot()], []);
      t.diagnostic(`${[...law.peaks].join(' ')}; ${next} crashes`);
    } finally {
      clearInterval(crashing);
      stopHealing();
      fleet.stop();
      law.stop();
    }
  } finally {
    await plane.stop();
  }
});
