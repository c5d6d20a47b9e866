import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { NodeDisruptionBudget } from '../../agent/core/policy.ts';
import type { ActiveFault, FaultRule } from '../../simulator/faults.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { ObjectDraft } from '../../simulator/types.ts';
import { connect } from '../harness/api-client.ts';
import { type CrashPoint, type Fleet, type FleetMember, startFleet } from '../harness/fleet.ts';
import { fleetPolicies, healAfterTurn, untilNothingIsLeft } from '../harness/fleet-episode.ts';
import { type FleetLaw, observeLaw } from '../harness/fleet-law.ts';
import { waitFor } from '../harness/wait-for.ts';

/**
 * A whole fleet fails at once, while its agents crash in the middle of requests, the API server misbehaves, and people
 * uncordon nodes. In no state that the Nodes went through is more disrupted than the budget allows; everybody has a turn;
 * nothing is left behind.
 *
 * `FLEET_SEED=n` plays the crashes and faults of that seed again, as far as the machine's timing allows.
 */

const ZONE = 'topology.kubernetes.io/zone';
const NAMESPACE = 'fleet';
const SEED = Number(process.env.FLEET_SEED ?? Math.floor(Math.random() * 1e9));
/** How long a node stays sick once it is disrupted. */
const SICK_MS = 500;
/** A little more than the period of the check. */
const FLAP_MS = 1_100;
/** How likely an agent crashes in a request. */
const CRASHES: Readonly<Record<string, number>> = { GET: 0.003, POST: 0.05, DELETE: 0.05, PATCH: 0.15 };
const SLOWEST_MS = 1_500;
/** More than the slowest answer. */
const MAY_LAND_MS = 2_500;

type Row = [what: string, agents: number, spec: Partial<NodeDisruptionBudget['spec']>, limit: number, byPeople: number];
const rows: Row[] = [
  ['an integer', 200, { maxUnavailable: 40 }, 40, 4],
  ['a percentage', 60, { maxUnavailable: '12%', nodeSelector: { matchLabels: { role: 'storage' } } }, 8, 2],
  ['so many in each zone', 60, { maxUnavailable: 3, topologyKey: ZONE }, 9, 3],
];

describe('a failing fleet on an API server in trouble', { concurrency: true }, () => {
  for (const [what, agents, spec, limit, byPeople] of rows) {
    test(`never more than ${what} of ${agents} failing nodes are disrupted, whoever crashes, and all have a turn`, async (t) => {
      t.diagnostic(`FLEET_SEED=${SEED}`);
      const random = seeded(SEED);
      const budget = budgetNamed('fleet', spec);
      const dir = mkdtempSync(join(tmpdir(), 'nsc-fleet-'));
      const simulator = await startSimulator({ historyLimit: 2_000 });
      const names = Array.from({ length: agents }, (_, n) => `node-${n}`);
      simulator.seed(
        { kind: 'Namespace', metadata: { name: NAMESPACE } },
        ...names.map((name, n) => nodeNamed(name, n, n < byPeople)),
      );
      const api = connect({ url: simulator.url });
      const law = await observeLaw(api, NAMESPACE, [budget]);
      let trouble = true;
      const fleet = startFleet({
        kubeconfig: simulator.writeKubeconfig(join(dir, 'kubeconfig')),
        namespace: NAMESPACE,
        nodes: names,
        documents: [...fleetPolicies(), budget],
        mayLandMs: MAY_LAND_MS,
        crashAt({ method, path }, member) {
          if (!trouble || random() > (CRASHES[method] ?? 0)) return null;
          // What it wanted when it crashed, its next life need not want.
          if (random() < 0.5) flap(member, law);
          const point = crashPoint(random);
          // What is on the wire lands after the next life has begun.
          const fault = { kind: 'delay', ms: (SLOWEST_MS + random() * SLOWEST_MS) / 2 } as const;
          if (point === 'onTheWire') simulator.faults.add({ method, path: new RegExp(`${path}$`), times: 1, fault });
          return point;
        },
      });
      const stopTrouble = makeTrouble(simulator, fleet, law, random);
      let stopHealing = () => {};
      const lawfully = async (what: string, condition: () => boolean) => {
        await waitFor(() => law.violations.length > 0 || condition(), { what: `${what} (FLEET_SEED=${SEED})` });
        assert.deepEqual(law.violations, [], `FLEET_SEED=${SEED}`);
      };
      /** However long all of them take together, it never takes long until the next one. */
      const untilTurns = async (count: number) => {
        for (let had = law.hadTurn.size; had < count; had = law.hadTurn.size) {
          await lawfully(`more than ${had} of ${agents} nodes to have had a turn`, () => law.hadTurn.size > had);
        }
      };
      try {
        for (const member of fleet.members.slice(byPeople)) member.breakIt();
        await lawfully('the budget to be used up', () => law.ours().length === limit - byPeople);
        stopHealing = healAfterTurn(fleet, law, SICK_MS);
        await untilTurns(agents / 2);
        stopTrouble();
        trouble = false;
        uncordonByHand(simulator, fleet.members.slice(0, byPeople));
        await untilTurns(agents);
        await untilNothingIsLeft(api, NAMESPACE);
        assert.deepEqual([...law.violations, ...law.withoutSlot()], [], `FLEET_SEED=${SEED}`);
        const peak = [...law.peaks.values()].reduce((sum, disrupted) => sum + disrupted, 0);
        assert.equal(peak, limit, 'the budget was used up, and no more');
        t.diagnostic(
          `${[...law.peaks].join(' ')}; ${fleet.members.reduce((sum, { crashes }) => sum + crashes, 0)} crashes`,
        );
      } finally {
        stopTrouble();
        stopHealing();
        fleet.stop();
        law.stop();
        api.close();
        await simulator.close();
        rmSync(dir, { recursive: true });
      }
    });
  }
});

/** Every so often another kind of trouble for a few requests. @returns how to stop it */
function makeTrouble({ faults, watches }: Simulator, fleet: Fleet, law: FleetLaw, random: () => number): () => void {
  const lease = /\/leases/;
  const node = /\/nodes\/node-/;
  const slowWrite = (): FaultRule => ({
    method: 'PATCH',
    path: node,
    fault: { kind: 'delay', ms: random() * SLOWEST_MS },
  });
  const kinds: (() => FaultRule)[] = [
    slowWrite,
    () => ({ method: 'POST', path: lease, fault: { kind: 'delay', ms: random() * SLOWEST_MS } }),
    () => ({ method: 'DELETE', path: lease, fault: { kind: 'delay', ms: random() * SLOWEST_MS } }),
    () => ({
      method: 'GET',
      path: /\/leases(?!.*watch)|\/nodes\/node-/,
      fault: { kind: 'delay', ms: random() * SLOWEST_MS },
    }),
    () => ({ method: 'PATCH', path: node, fault: { kind: 'drop' } }),
    () => ({ method: 'POST', path: lease, fault: { kind: 'drop' } }),
    () => ({ method: 'DELETE', path: lease, fault: { kind: 'drop' } }),
    () => ({ method: 'PATCH', path: node, fault: { kind: 'status', code: 409 } }),
    () => ({ method: 'DELETE', path: lease, fault: { kind: 'status', code: 500 } }),
    () => ({ path: /\/leases|\/nodes\?.*limit/, fault: { kind: 'status', code: 429, plainText: true } }),
    () => ({ path: /\/leases|\/nodes\?.*limit/, fault: { kind: 'truncate' } }),
  ];
  const added: ActiveFault[] = [];
  const timer = setInterval(() => {
    for (const active of added.splice(0)) active.remove();
    for (let n = 0; n < 2; n++) added.push(faults.add({ ...pick(random, kinds)(), times: 2 }));
    if (random() < 0.5) added.push(faults.add({ ...slowWrite(), times: 1 }));
    const agents = [...watches].filter(({ userAgent }) => userAgent.startsWith('fleet/'));
    if (random() < 0.3) pick(random, agents)?.cut();
    flap(pick(random, fleet.members), law);
  }, 100);
  return () => {
    clearInterval(timer);
    faults.clear();
  };
}

/** A node recovers for a moment, perhaps while it is on its way to be disrupted. */
function flap(member: FleetMember, law: FleetLaw): void {
  if (!member.isSick || law.hadTurn.has(member.name)) return;
  member.heal();
  setTimeout(() => law.hadTurn.has(member.name) || member.breakIt(), FLAP_MS);
}

/** The check of such a node fails only then: found cordoned, it would not be ours. */
function uncordonByHand(simulator: Simulator, members: readonly FleetMember[]): void {
  for (const { name, breakIt } of members) {
    simulator.edit('Node', name, ({ spec }) => {
      delete spec.unschedulable;
    });
    breakIt();
  }
}

function crashPoint(random: () => number): CrashPoint {
  return pick(random, ['beforeSending', 'onTheWire', 'answered']);
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function nodeNamed(name: string, n: number, unschedulable: boolean): ObjectDraft {
  const labels = { [ZONE]: `zone-${n % 3}`, role: 'storage', act: n % 2 === 0 ? 'cordon' : 'taint' };
  return {
    kind: 'Node',
    metadata: { name, labels },
    spec: unschedulable ? { unschedulable } : {},
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function budgetNamed(name: string, spec: Partial<NodeDisruptionBudget['spec']>): NodeDisruptionBudget {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name },
    spec: { nodeSelector: {}, maxUnavailable: 1, ...spec },
  };
}
