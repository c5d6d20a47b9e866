import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { NodeDisruptionBudget } from './policy.ts';
import {
  askForSlot,
  type BudgetView,
  describeDenial,
  type LabelledNode,
  limitOf,
  type SlotDenial,
  type SlotLease,
} from './slot.ts';

const ZONE = 'topology.kubernetes.io/zone';
const ME: LabelledNode = { name: 'me', labels: { [ZONE]: 'a', role: 'storage' } };

function budget(spec: Partial<NodeDisruptionBudget['spec']> = {}): NodeDisruptionBudget {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name: 'b' },
    spec: { nodeSelector: {}, maxUnavailable: 1, ...spec },
  };
}

function lease(holder: string, version: string, changed: Partial<SlotLease> = {}): SlotLease {
  return {
    name: `nsc-b-${holder}`,
    uid: `uid-${holder}`,
    resourceVersion: version,
    createdAt: '2026-01-01T00:00:00Z',
    budget: 'b',
    holder,
    ownerUid: '',
    topology: null,
    ...changed,
  };
}

const node = (name: string, labels: Record<string, string> = {}): LabelledNode => ({ name, labels });
const MINE = lease('me', '10', { topology: `${ZONE}=a` });

function ask(
  view: Partial<BudgetView>,
  spec: Partial<NodeDisruptionBudget['spec']> = {},
  mine: SlotLease | null = MINE,
) {
  const leases = [...(mine ? [mine] : []), ...(view.leases ?? [])];
  return askForSlot(budget(spec), ME, mine, { cordoned: [], selected: null, ...view, leases });
}

const GRANTED = { kind: 'Granted' } as const;
const full = (used: number, limit = 1) => ({ kind: 'Full', used, limit }) as const;

suite('a slot', () => {
  type Row = [rule: string, view: Partial<BudgetView>, expected: object, spec?: Partial<NodeDisruptionBudget['spec']>];
  const rows: Row[] = [
    ['is granted where nobody has one', {}, GRANTED],
    ['is denied where an earlier Lease takes the last one', { leases: [lease('x', '9')] }, full(1)],
    ['is granted where another Lease came later', { leases: [lease('x', '11')] }, GRANTED],
    [
      'compares versions as numbers of any length',
      { leases: [lease('x', '9'), lease('y', '100000000000000000000')] },
      full(1),
    ],
    ['is denied by a version that is no number: in doubt it counts', { leases: [lease('x', 'abc')] }, full(1)],
    [
      'is denied by an earlier Lease that somebody edited, which moved its version',
      { leases: [lease('x', '99', { createdAt: '2025-12-31T23:59:59Z' })] },
      full(1),
    ],
    ['is denied where somebody else cordoned a node', { cordoned: [node('x')] }, full(1)],
    ['does not count its own cordon', { cordoned: [ME] }, GRANTED],
    [
      'counts a node once that is cordoned and has a Lease',
      { leases: [lease('x', '9')], cordoned: [node('x')] },
      GRANTED,
      { maxUnavailable: 2 },
    ],
    ['counts a cordoned node whose Lease came later', { leases: [lease('x', '11')], cordoned: [node('x')] }, full(1)],
    ['counts a Lease without a holder', { leases: [lease('x', '9', { holder: '' })] }, full(1)],
    [
      'does not count cordoned nodes that the budget does not select',
      { cordoned: [node('x')] },
      GRANTED,
      { nodeSelector: { matchLabels: { role: 'storage' } } },
    ],
    ['is never granted by a budget of nothing', {}, full(0, 0), { maxUnavailable: 0 }],
    ['is never granted by a percentage of no nodes', { selected: [] }, full(0, 0), { maxUnavailable: '50%' }],
    [
      'is granted by a percentage, rounded up',
      { selected: [ME, node('x'), node('y')] },
      GRANTED,
      { maxUnavailable: '1%' },
    ],
    [
      'by topology, is granted where another zone is disrupted',
      { leases: [lease('x', '9', { topology: `${ZONE}=b` })], cordoned: [node('y', { [ZONE]: 'b' })] },
      GRANTED,
      { topologyKey: ZONE },
    ],
    [
      'by topology, is denied where the same zone is disrupted',
      { leases: [lease('x', '9', { topology: `${ZONE}=a` })] },
      full(1),
      { topologyKey: ZONE },
    ],
    [
      'by topology, counts a Lease that says no zone everywhere',
      { leases: [lease('x', '9')] },
      full(1),
      { topologyKey: ZONE },
    ],
    [
      'by topology, counts a Lease that says its place by another key everywhere',
      { leases: [lease('x', '9', { topology: 'rack=1' })] },
      full(1),
      { topologyKey: ZONE },
    ],
    [
      'by topology, counts a cordoned node without the label everywhere',
      { cordoned: [node('x')] },
      full(1),
      { topologyKey: ZONE },
    ],
    [
      'by topology, is a percentage of the nodes of its zone',
      {
        leases: [lease('x', '9', { topology: `${ZONE}=a` })],
        selected: [ME, node('x', { [ZONE]: 'a' }), node('y', { [ZONE]: 'b' })],
      },
      full(1),
      { topologyKey: ZONE, maxUnavailable: '50%' },
    ],
    [
      'is not granted to a node that lacks the label that the budget counts by',
      {},
      { kind: 'Uncountable', problem: 'node me must have the label rack, by whose values the budget counts' },
      { topologyKey: 'rack' },
    ],
  ];
  for (const [rule, view, expected, spec] of rows) {
    test(rule, () => assert.deepEqual(ask(view, spec), expected));
  }

  const theirs = [1, 2, 3].map((n) => lease(`x${n}`, `${n}`));
  const counted: [rule: string, view: Partial<BudgetView>, limit: number, used: number][] = [
    ['of losers of a race for one slot, none calls another one disrupted', { leases: theirs }, 1, 1],
    ['of losers of a race for two slots, those that come first are', { leases: theirs }, 2, 2],
    [
      'of cordoned nodes all are counted, also beyond the limit',
      { cordoned: ['p', 'q', 'r'].map((n) => node(n)) },
      1,
      3,
    ],
    ['of cordoned nodes those that have a Lease are counted once', { leases: theirs, cordoned: [node('x1')] }, 1, 1],
    ['candidates take what cordoned nodes leave', { leases: theirs, cordoned: [node('p')] }, 3, 3],
    ['the own cordon is not one', { leases: theirs, cordoned: [ME] }, 1, 1],
  ];
  for (const [rule, view, limit, used] of counted) {
    test(`says how many are disrupted: ${rule}`, () => {
      assert.deepEqual(ask(view, { maxUnavailable: limit }), full(used, limit));
      assert.deepEqual(ask(view, { maxUnavailable: limit }, null), full(used, limit), 'before it has a Lease, too');
    });
  }

  test('is worth asking for only where the Leases that are there leave room', () => {
    assert.deepEqual(ask({ leases: [lease('x', '99')] }, {}, null), full(1));
    assert.deepEqual(ask({}, {}, null), GRANTED);
  });
});

suite('what a budget that says no would have people know', () => {
  const rows: [answer: SlotDenial, text: string][] = [
    [full(1, 1), 'budget b is full, 1 of 1 disrupted'],
    [full(3, 1), 'budget b is full, 3 of 1 disrupted'],
    [full(0, 0), 'budget b lets no node be disrupted (its limit is 0)'],
    [
      { kind: 'Uncountable', problem: 'node me must have the label zone' },
      'budget b: node me must have the label zone',
    ],
  ];
  for (const [answer, text] of rows) {
    test(text, () => assert.equal(describeDenial({ budget: 'b', answer }), text));
  }
});

suite('the limit of a budget', () => {
  const limits: [maxUnavailable: number | string, nodes: number, limit: number][] = [
    [3, 1, 3],
    [0, 10, 0],
    ['0%', 10, 0],
    ['10%', 0, 0],
    ['10%', 1, 1],
    ['10%', 10, 1],
    ['10%', 11, 2],
    ['7%', 100, 7],
    ['100%', 9, 9],
  ];
  for (const [maxUnavailable, nodes, limit] of limits) {
    test(`${maxUnavailable} of ${nodes} nodes is ${limit}`, () => assert.equal(limitOf(maxUnavailable, nodes), limit));
  }
});
