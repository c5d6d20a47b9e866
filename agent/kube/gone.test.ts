import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Fault } from '../../simulator/faults.ts';
import { createCluster } from '../../simulator/simulated-cluster.ts';
import type { ObjectDraft } from '../../simulator/types.ts';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import type { ConditionsPatch, NodePatch } from '../core/node.ts';
import type { EventSeries } from '../core/node-event.ts';
import { samplePod } from '../core/orders/sample-pod.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import { createAgentPodApi } from './agent-pod-api.ts';
import { listAgentPods, namespacesWithAgents } from './agent-pods.ts';
import { createEventApi } from './event-api.ts';
import { KubeError } from './kube-error.ts';
import { createNodeApi } from './node-api.ts';
import { createPodApi } from './pod-api.ts';
import { createSlotApi } from './slot-api.ts';
import { lookUpSlots } from './slot-lookup.ts';
import type { Transport } from './transport.ts';

const BUDGET = { metadata: { name: 'b' }, spec: { maxUnavailable: 1 } } as NodeDisruptionBudget;
const HOLDER = { name: 'node-1', uid: 'u', labels: {} };
const LEASE = { name: 'nsc-b-node-1', uid: 'of an earlier one', budget: 'b', holder: 'node-1' };
const SERIES = {
  event: { type: 'Normal', reason: 'CheckFailing', message: 'it' },
  count: 1,
  firstMs: 0,
  lastMs: 0,
} as EventSeries;

/** What a call comes to in virtual time: its answer, or its KubeError; anything else is thrown. */
async function outcomeOf<T>(call: (transport: Transport) => Promise<T>, fault?: Fault, seed?: ObjectDraft) {
  const clock = new VirtualClock();
  const cluster = createCluster({ clock });
  if (seed) cluster.seed(seed);
  if (fault) cluster.faults.add({ fault });
  let outcome: { answer: T } | { error: KubeError } | { thrown: unknown } | null = null;
  call(cluster.connect('test')).then(
    (answer) => {
      outcome = { answer };
    },
    (error) => {
      outcome = error instanceof KubeError ? { error } : { thrown: error };
    },
  );
  await clock.runUntil(() => outcome !== null, { what: 'the call' });
  return outcome as unknown as { answer?: T; error?: KubeError; thrown?: unknown };
}

const PATCH = { resourceVersion: '1', change: {} } as NodePatch;
const CONDITIONS: ConditionsPatch = { uid: 'u', resourceVersion: '1', set: [], remove: ['A'] };
const BOUNDS = { deadlineMs: 5_000, signal: new AbortController().signal };
const pods = (transport: Transport) => createPodApi(transport, 'node-1');
const slots = (transport: Transport) => createSlotApi(transport, 'default');
const POD = { namespace: 'default', name: 'p' };
const agentPods = (transport: Transport) => createAgentPodApi(transport, POD, 'node-1');

/** What a call makes of an object that is not there. */
const absent: [what: string, call: (transport: Transport) => Promise<unknown>, answer: unknown][] = [
  ['a Lease that is read', (transport) => slots(transport).read(LEASE.name), null],
  ['a Lease that is deleted', (transport) => slots(transport).remove(LEASE as never), undefined],
  ['an Event that is counted up', (transport) => createEventApi(transport).repeat({ name: 'e' }, SERIES), null],
  ["another agent's pod", (transport) => agentPods(transport).isGone(POD), true],
];
/** What is said on the way, and of no object. */
const ofTheWay: [what: string, fault: Fault][] = [
  ["a proxy's page", { kind: 'status', code: 404, html: true }],
  ['a 404 in plain text', { kind: 'status', code: 404, plainText: true }],
  ['a 404 of the path', { kind: 'status', code: 404 }],
  ['a 409 that is no precondition', { kind: 'status', code: 409 }],
];

suite('what is gone', () => {
  for (const [what, call, answer] of absent) {
    test(`${what} is gone when the API server says so`, async () => {
      assert.deepEqual(await outcomeOf(call), { answer });
    });
    for (const [said, fault] of ofTheWay) {
      test(`${what} is not gone for ${said}`, async () => {
        const { error } = await outcomeOf(call, fault);
        assert.equal(error?.status, 'code' in fault && fault.code);
      });
    }
  }

  test('a Node is gone when the API server says so of this very Node', async () => {
    const read = (name: string) => (transport: Transport) => createNodeApi(transport, name).read();
    const { isGone } = createNodeApi({} as Transport, 'node-1');
    assert.ok(isGone((await outcomeOf(read('node-1'))).error));
    assert.ok(!isGone((await outcomeOf(read('node-2'))).error));
    for (const [, fault] of ofTheWay) assert.ok(!isGone((await outcomeOf(read('node-1'), fault)).error));
    assert.ok(!isGone(new Error('404')));
  });

  test('a Lease that is another one by now is left alone, and that is fine', async () => {
    const seed = { kind: 'Lease', metadata: { name: LEASE.name } };
    assert.deepEqual(await outcomeOf((transport) => slots(transport).remove(LEASE as never), undefined, seed), {
      answer: undefined,
    });
  });

  for (const [what, spec, phase, isGone] of [
    ['that runs on the Node is there', { nodeName: 'node-1' }, 'Running', false],
    ['that has ended', { nodeName: 'node-1' }, 'Failed', true],
    ['of another Node, whose claim was copied with the Node,', { nodeName: 'node-2' }, 'Running', true],
    ['that no Node runs yet', {}, 'Pending', true],
  ] as const) {
    test(`another agent's pod ${what}${isGone ? ' counts as gone' : ''}`, async () => {
      const seed = { kind: 'Pod', metadata: { name: POD.name }, spec, status: { phase } };
      const look = (transport: Transport) => agentPods(transport).isGone(POD);
      assert.deepEqual(await outcomeOf(look, undefined, seed), { answer: isGone });
    });
  }

  test('an Event is written already only when the API server says so', async () => {
    const create = (transport: Transport) => createEventApi(transport).create({ name: 'n', uid: 'u' }, SERIES, 'id');
    const seed = { kind: 'Event', metadata: { name: 'n.id' } };
    assert.deepEqual(await outcomeOf(create, undefined, seed), { answer: { name: 'n.id' } });
    assert.equal((await outcomeOf(create, { kind: 'status', code: 409 })).error?.status, 409);
  });

  test('nobody takes a 404 of the way for there being no agents or slots elsewhere', async () => {
    const page: Fault = { kind: 'status', code: 404, html: true };
    assert.equal((await outcomeOf(namespacesWithAgents, page)).error?.status, 404);
    assert.equal((await outcomeOf((transport) => lookUpSlots(transport, 'default', false), page)).error?.status, 404);
    assert.deepEqual(await outcomeOf(namespacesWithAgents, { kind: 'status', code: 403 }), { answer: [] });
  });
});

const oddities: [what: string, body: unknown][] = [
  ['a page', '<html>'],
  ['nothing', ''],
  ['null', null],
  ['a number', 7],
  ['an empty list', []],
  ['an empty object', {}],
  ['an object without a UID', { metadata: { name: 'x', resourceVersion: '1' } }],
  ['an object of odd labels', { metadata: { name: 'x', uid: 'u', resourceVersion: '1', labels: 'x' } }],
  ['an object of no kind', { metadata: { name: 'x', uid: 'u', resourceVersion: '1' } }],
  ['another object', { kind: 'ConfigMap', metadata: { name: 'x', uid: 'u', resourceVersion: '1' } }],
  ['a failure', { kind: 'Status', status: 'Failure', metadata: {} }],
];
const success = ['a success', { kind: 'Status', status: 'Success', metadata: {} }] as const;
const calls: Readonly<Record<string, (transport: Transport) => Promise<unknown>>> = {
  'read a Node': (transport) => createNodeApi(transport, 'node-1').read(),
  'annotate a Node': (transport) => createNodeApi(transport, 'node-1').annotate('u', '1', { 'a/b': 'c' }),
  'read a Lease': (transport) => slots(transport).read('x'),
  'list Leases': (transport) => slots(transport).list('b'),
  'create a Lease': (transport) => slots(transport).create(BUDGET, HOLDER),
  'list cordoned Nodes': (transport) => slots(transport).listCordoned(),
  "list agents' pods": (transport) => listAgentPods(transport, 'default', null),
  'look up slots': (transport) => lookUpSlots(transport, 'default', false),
  'read tolerations': (transport) => agentPods(transport).readOwnTolerations(),
  "look for another agent's pod": (transport) => agentPods(transport).isGone(POD),
  'change a Node': (transport) => createNodeApi(transport, 'node-1').patch(PATCH),
  'write conditions': (transport) => createNodeApi(transport, 'node-1').patchConditions(CONDITIONS),
  'write an Event': (transport) => createEventApi(transport).create(HOLDER, SERIES, 'id'),
  'count up an Event': (transport) => createEventApi(transport).repeat({ name: 'x' }, SERIES),
  'read a pod': (transport) => pods(transport).read(POD, BOUNDS),
  'list pods': (transport) => pods(transport).list(BOUNDS),
};
/** Calls that a success answers. */
const removals: typeof calls = {
  'delete a Lease': (transport) => slots(transport).remove(LEASE as never),
  'evict a pod': (transport) => pods(transport).evict(samplePod('x'), null, BOUNDS),
  'delete a pod': (transport) => pods(transport).delete(samplePod('x'), null, BOUNDS),
};

suite('an odd answer', () => {
  for (const [attempt, call] of Object.entries({ ...calls, ...removals })) {
    test(`to an attempt to ${attempt} is an error that says what was required and found`, async () => {
      for (const [what, body] of attempt in removals ? oddities : [...oddities, success]) {
        const { error, answer, thrown } = await outcomeOf(call, { kind: 'answer', code: 200, body });
        assert.ok(error, `${what}: ${JSON.stringify(answer)} ${thrown}`);
        assert.match(error.message, /^could not .*: the API server must answer with .*, found \S/);
        assert.equal(error.status, null);
      }
    });
  }

  const odd: [what: string, object: object][] = [
    ['conditions that are no list', { status: { conditions: 'x' } }],
    ['a condition that is none', { status: { conditions: [null] } }],
    ['taints that are no list', { spec: { taints: {} } }],
  ];
  for (const [what, part] of odd) {
    test(`with ${what} is an error`, async () => {
      const body = { kind: 'Node', metadata: { name: 'node-1', uid: 'u', resourceVersion: '1' }, ...part };
      const { error } = await outcomeOf((transport) => createNodeApi(transport, 'node-1').read(), {
        kind: 'answer',
        code: 200,
        body,
      });
      assert.match(error?.message ?? '', /must answer with a list in /);
    });
  }

  test('to the look-up of a DaemonSet is no DaemonSet', async () => {
    for (const [what, body] of [...oddities, success]) {
      const { answer } = await outcomeOf((transport) => pods(transport).findDaemonSet('default', 'x', BOUNDS), {
        kind: 'answer',
        code: 200,
        body,
      });
      assert.equal(answer?.kind, 'Unknown', what);
    }
  });

  const oddPods: [what: string, metadata: object, part: object][] = [
    ['owners that are no list', { ownerReferences: {} }, {}],
    ['finalizers that are no words', { finalizers: [1] }, {}],
    ['volumes that are no list', {}, { spec: { volumes: 'x' } }],
    ['a condition that is none', {}, { status: { conditions: [null] } }],
  ];
  for (const [what, more, part] of oddPods) {
    test(`of a pod with ${what} is an error`, async () => {
      const body = { kind: 'Pod', metadata: { name: 'p', uid: 'u', resourceVersion: '1', ...more }, ...part };
      const { error } = await outcomeOf((transport) => pods(transport).read(POD, BOUNDS), {
        kind: 'answer',
        code: 200,
        body,
      });
      assert.match(error?.message ?? '', /must answer with a list /);
    });
  }

  test('of a pod with no time of deletion does not make it terminate', async () => {
    const metadata = { name: 'p', uid: 'u', resourceVersion: '1', deletionTimestamp: null };
    const body = { kind: 'Pod', metadata };
    const { answer } = await outcomeOf((transport) => pods(transport).read(POD, BOUNDS), {
      kind: 'answer',
      code: 200,
      body,
    });
    assert.equal(answer?.terminating, false);
  });
});

suite('an eviction or a deletion is accepted', () => {
  const pod = { kind: 'Pod', metadata: { name: 'x', uid: 'u', resourceVersion: '1' } };
  for (const [what, body] of [success, ['the pod', pod]] as const) {
    test(`when it is answered with ${what}`, async () => {
      for (const [attempt, call] of Object.entries(removals)) {
        if (body === pod && attempt === 'delete a Lease') continue;
        assert.deepEqual(await outcomeOf(call, { kind: 'answer', code: 201, body }), { answer: undefined }, attempt);
      }
    });
  }
});
