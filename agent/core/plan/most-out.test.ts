import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LabelSelector, NodeDisruptionBudget } from '../policy.ts';
import { sampleBudget, samplePolicy } from '../samples.ts';
import { budgetSelects, type LabelledNode, limitOf, topologyOf } from '../slot.ts';
import { mostOut } from './most-out.ts';

const ZONE = 'topology.kubernetes.io/zone';
const node = (n: number, zone: string | undefined, role: string): LabelledNode => ({
  name: `n${n}`,
  labels: { role, ...(zone && { [ZONE]: zone }) },
});
const set = (budgets: readonly NodeDisruptionBudget[], policies = [samplePolicy('a')]) => ({
  revision: '',
  policies,
  budgets,
});

test('without a budget every node on which a policy acts may be out, zone by zone', () => {
  const nodes = [node(1, 'b', 'x'), node(2, 'a', 'x'), node(3, 'a', 'y'), node(4, undefined, 'x')];
  const onX = samplePolicy('a', { spec: { nodeSelector: { matchLabels: { role: 'x' } } } });
  const idle = samplePolicy('b', { spec: { mode: 'Observe' } });
  assert.deepEqual(mostOut(set([], [onX, idle]), nodes), [
    { zone: null, nodes: 1, actedOn: 1, atMost: 1 },
    { zone: 'a', nodes: 2, actedOn: 1, atMost: 1 },
    { zone: 'b', nodes: 1, actedOn: 1, atMost: 1 },
  ]);
});

test('a percentage is of the nodes of its topology, rounded up', () => {
  const nodes = [1, 2, 3, 4, 5].map((n) => node(n, n < 4 ? 'a' : 'b', 'x'));
  const budget = sampleBudget('zone', { maxUnavailable: '34%', topologyKey: ZONE });
  assert.deepEqual(
    mostOut(set([budget]), nodes).map(({ atMost }) => atMost),
    [2, 1],
  );
});

const anyNodes = fc
  .array(fc.record({ zone: fc.constantFrom(undefined, 'a', 'b'), role: fc.constantFrom('x', 'y') }), { maxLength: 7 })
  .map((each) => each.map(({ zone, role }, n) => node(n, zone, role)));
const anyBudgets = fc.array(
  fc
    .record({
      maxUnavailable: fc.constantFrom(0, 1, 2, '30%', '50%'),
      nodeSelector: fc.constantFrom<LabelSelector>(
        {},
        { matchLabels: { role: 'x' } },
        { matchLabels: { [ZONE]: 'a' } },
      ),
      topologyKey: fc.constantFrom(undefined, ZONE, 'role'),
    })
    .map(({ topologyKey, ...spec }) => sampleBudget('b', { ...spec, ...(topologyKey && { topologyKey }) })),
  { maxLength: 3 },
);

test('no set of nodes that every budget would grant is larger than what is said', () => {
  fc.assert(
    fc.property(anyNodes, anyBudgets, (nodes, budgets) => {
      const said = new Map(mostOut(set(budgets), nodes).map(({ zone, atMost }) => [zone, atMost]));
      for (let mask = 0; mask < 2 ** nodes.length; mask++) {
        const out = nodes.filter((_, n) => mask & (1 << n));
        if (!budgets.every((budget) => isGranted(budget, out, nodes))) continue;
        for (const [zone, members] of Map.groupBy(out, ({ labels }) => labels[ZONE] ?? null)) {
          assert.ok(members.length <= (said.get(zone) ?? 0), `${members.length} in ${zone}, said ${said.get(zone)}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

/** By brute force: of each value of the topology no more are out than its limit. */
function isGranted(
  budget: NodeDisruptionBudget,
  out: readonly LabelledNode[],
  nodes: readonly LabelledNode[],
): boolean {
  const of = (list: readonly LabelledNode[]) =>
    Map.groupBy(
      list.filter((each) => budgetSelects(budget, each)),
      (each) => topologyOf(budget, each),
    );
  const all = of(nodes);
  return [...of(out)].every(
    ([value, members]) => members.length <= limitOf(budget.spec.maxUnavailable, all.get(value)?.length ?? 0),
  );
}
