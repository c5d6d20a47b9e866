import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AgentCluster } from '../harness/agent-cluster.ts';
import type { AgentProcess } from '../harness/agent-process.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import type { KubeList } from '../harness/api-client.ts';
import { isHeld } from '../harness/held-node.ts';
import { createNode } from '../harness/nodes.ts';
import { createSickCheck, type SickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;

/** A node of a fleet, with a policy directory of its own. */
export interface Member {
  readonly name: string;
  readonly check: SickCheck;
  agent: AgentProcess;
}

/** Of the budget that counts the nodes of one fleet, and has its name. */
export type Budget = { maxUnavailable: number | string; topologyKey?: string };

/** The one of a list. */
export function only<T>([one, ...others]: readonly T[]): T {
  assert.ok(one !== undefined && others.length === 0);
  return one;
}

/** What tests of budgets need, of a cluster that is there once they run. */
export function budgetTools(cluster: () => AgentCluster) {
  const setBudget = ({ check }: Pick<Member, 'check'>, fleet: string, spec: Budget) =>
    writeFileSync(
      join(check.policyDir, 'budget.json'),
      JSON.stringify({
        apiVersion: 'node-svc-checker/v1',
        kind: 'NodeDisruptionBudget',
        metadata: { name: fleet },
        spec: { nodeSelector: { matchLabels: { fleet } }, ...spec },
      }),
    );
  /** A node for each zone, named after the fleet, with an agent for as long as the test lasts. */
  async function muster(
    t: TestContext,
    fleet: string,
    zones: readonly string[],
    budget: Budget,
    actions: object = { cordon: true },
  ) {
    const members: Member[] = [];
    t.after(() => Promise.all(members.map(({ name }) => cluster().endOn(name))));
    for (const [n, zone] of zones.entries()) {
      const name = `${fleet}-${n}`;
      await createNode(cluster().plane.api, name, { labels: { fleet, ...(zone && { zone }) } });
      const check = createSickCheck({ check: { failureThreshold: 1 }, actions });
      setBudget({ check }, fleet, budget);
      members.push({ name, check, agent: cluster().start(await cluster().seat(name), check) });
    }
    for (const { agent } of members) await agent.waitForLine(/OK/);
    return members;
  }
  const heldOf = async (members: readonly Member[]) => {
    const nodes = await Promise.all(members.map(({ name }) => cluster().node(name)));
    return members.filter((_, n) => isHeld(nodes[n] ?? assert.fail()));
  };
  const leasesOf = async (fleet: string) => {
    const query = `labelSelector=node-svc-checker/budget=${fleet}`;
    return (await cluster().plane.api.requestOk<KubeList>('GET', `${LEASES}?${query}`)).items ?? [];
  };
  const untilHeld = (members: readonly Member[], count: number) =>
    waitFor(async () => (await heldOf(members)).length === count, {
      what: `${count} nodes to be held`,
    });
  return { setBudget, muster, heldOf, leasesOf, untilHeld };
}
