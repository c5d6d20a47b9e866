import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ChoiceRules, chooseEvictions, type DaemonSetLookup, daemonSetKey } from './eviction-choice.ts';
import type { PodView } from './pod.ts';
import { samplePod } from './sample-pod.ts';

const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1' };
const DAEMON_SET = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'logs', uid: 'ds-1' };
const FOUND: DaemonSetLookup = { kind: 'Found', uid: 'ds-1' };

/** What was answered about the DaemonSet, to each of those who name it. */
function answered(lookup: DaemonSetLookup): ReadonlyMap<string, DaemonSetLookup> {
  return new Map(['ds-1', 'ds-2'].map((uid) => [`default/logs/${uid}`, lookup]));
}

function pod(overrides: Partial<PodView> = {}): PodView {
  return samplePod('web', overrides);
}

type RulesOverrides = Partial<Omit<ChoiceRules, 'drain'>> & { drain?: Partial<ChoiceRules['drain']> };

function rules({ drain, ...overrides }: RulesOverrides = {}): ChoiceRules {
  return {
    nodeName: 'node-1',
    drain: {
      deleteEmptyDirData: false,
      evictUnmanagedPods: false,
      podSelector: {},
      namespaces: { exclude: [] },
      ...drain,
    },
    ownPod: { namespace: 'nsc', name: 'agent' },
    daemonSets: answered(FOUND),
    ...overrides,
  };
}

/** What becomes of one pod: `evict`, `wait`, `off`, `refuse`, or `skip` with its reason. */
function fate(view: PodView, overrides?: RulesOverrides): string {
  const { evict, wait, skip, refuse } = chooseEvictions([view], rules(overrides));
  const fates = [
    ...evict.map(() => 'evict'),
    ...wait.map(() => 'wait'),
    ...skip.map(({ reason }) => `skip ${reason}`),
    ...refuse.map(() => 'refuse'),
  ];
  assert.ok(fates.length <= 1, `one pod, one fate, found ${fates.join(', ')}`);
  return fates[0] ?? 'off';
}

const daemonSets = (lookup: DaemonSetLookup) => ({ daemonSets: answered(lookup) });

const rows: [rule: string, pod: Partial<PodView>, fate: string, rules?: RulesOverrides][] = [
  ['a pod with a controller is evicted', {}, 'evict'],
  ['a pending pod is evicted', { phase: 'Pending' }, 'evict'],
  ['a pod of another node is nobody we know', { nodeName: 'node-2' }, 'off'],
  ['a pod without a node is nobody we know', { nodeName: '' }, 'off'],

  ['a pod of a DaemonSet stays', { controller: DAEMON_SET }, 'skip DaemonSet'],
  [
    'a terminating pod of a DaemonSet is not waited for',
    { controller: DAEMON_SET, terminating: true },
    'skip DaemonSet',
  ],
  [
    'a pod whose DaemonSet is gone is an orphan: an ordinary pod, and no unmanaged one',
    { controller: DAEMON_SET },
    'evict',
    daemonSets({ kind: 'NotFound' }),
  ],
  [
    'a DaemonSet of the same name and another UID is not the one of the pod',
    { controller: DAEMON_SET },
    'evict',
    daemonSets({ kind: 'Found', uid: 'ds-2' }),
  ],
  [
    'an orphan with emptyDir data still needs its opt-in',
    { controller: DAEMON_SET, hasEmptyDir: true },
    'refuse',
    daemonSets({ kind: 'NotFound' }),
  ],
  [
    'a pod whose DaemonSet cannot be looked up is taken for one of a DaemonSet',
    { controller: DAEMON_SET },
    'skip DaemonSetUnknown',
    daemonSets({ kind: 'Unknown', problem: '403' }),
  ],
  [
    'a pod whose DaemonSet was not looked up is taken for one of a DaemonSet',
    { controller: DAEMON_SET },
    'skip DaemonSetUnknown',
    { daemonSets: new Map() },
  ],
  [
    'a DaemonSet of another namespace is not the one of the pod',
    { controller: DAEMON_SET, namespace: 'other' },
    'skip DaemonSetUnknown',
  ],
  [
    'a DaemonSet of another API group is no DaemonSet',
    { controller: { ...DAEMON_SET, apiVersion: 'apps.kruise.io/v1alpha1' } },
    'evict',
  ],
  [
    'a DaemonSet pod with emptyDir data stays and is not refused',
    { controller: DAEMON_SET, hasEmptyDir: true },
    'skip DaemonSet',
  ],

  [
    'a mirror pod stays',
    { mirror: true, controller: { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: 'n' } },
    'skip Mirror',
  ],
  ['a finished mirror pod stays', { mirror: true, phase: 'Failed' }, 'skip Mirror'],
  ["the agent's own pod stays", { namespace: 'nsc', name: 'agent' }, 'skip OwnPod'],
  ["a pod that only shares the agent's name goes", { namespace: 'default', name: 'agent' }, 'evict'],
  ['without a pod of its own the agent spares none', { namespace: 'nsc', name: 'agent' }, 'evict', { ownPod: null }],
  [
    'a pod that podSelector leaves out stays',
    { labels: { app: 'db' } },
    'skip NotSelected',
    { drain: { podSelector: { matchLabels: { app: 'web' } } } },
  ],
  [
    'a pod that podSelector selects goes',
    { labels: { app: 'web' } },
    'evict',
    { drain: { podSelector: { matchLabels: { app: 'web' } } } },
  ],
  [
    'a pod that podSelector leaves out is not refused',
    { controller: null },
    'skip NotSelected',
    { drain: { podSelector: { matchLabels: { app: 'web' } } } },
  ],
  [
    'a pod of an excluded namespace stays',
    { namespace: 'storage' },
    'skip NamespaceExcluded',
    { drain: { namespaces: { exclude: ['storage'] } } },
  ],
  [
    'an excluded namespace is meant by its whole name',
    { namespace: 'storage-test' },
    'evict',
    { drain: { namespaces: { exclude: ['storage'] } } },
  ],
  [
    'a pod of an excluded namespace is neither refused nor waited for',
    { namespace: 'storage', controller: null, terminating: true },
    'skip NamespaceExcluded',
    { drain: { namespaces: { exclude: ['storage'] } } },
  ],

  ['a terminating pod is waited for, not evicted again', { terminating: true }, 'wait'],
  ['a terminating pod needs no opt-in any more', { terminating: true, controller: null, hasEmptyDir: true }, 'wait'],
  ['a terminating pod that Succeeded is off the node', { terminating: true, phase: 'Succeeded' }, 'off'],
  ['a terminating pod that Failed is off the node', { terminating: true, phase: 'Failed' }, 'off'],

  [
    'a finished pod is evicted without further questions',
    { phase: 'Succeeded', controller: null, hasEmptyDir: true },
    'evict',
  ],
  [
    'a failed pod is evicted without further questions',
    { phase: 'Failed', controller: null, hasEmptyDir: true },
    'evict',
  ],
  ['a finished pod of a DaemonSet goes like any finished pod', { phase: 'Succeeded', controller: DAEMON_SET }, 'evict'],

  ['an unmanaged pod needs its opt-in', { controller: null }, 'refuse'],
  [
    'an unmanaged pod with its opt-in is evicted',
    { controller: null },
    'evict',
    { drain: { evictUnmanagedPods: true } },
  ],
  ['emptyDir data needs its opt-in', { hasEmptyDir: true }, 'refuse'],
  ['emptyDir data with its opt-in goes', { hasEmptyDir: true }, 'evict', { drain: { deleteEmptyDirData: true } }],
  [
    'one opt-in does not stand for the other',
    { controller: null, hasEmptyDir: true },
    'refuse',
    { drain: { evictUnmanagedPods: true } },
  ],
];

for (const [rule, view, expected, overrides] of rows) {
  test(rule, () => assert.equal(fate(pod(view), overrides), expected));
}

test('every reason of every refused pod is collected, each with what to change', () => {
  const both = pod({ name: 'both', controller: null, hasEmptyDir: true });
  const data = pod({ name: 'data', hasEmptyDir: true });
  const { refuse, evict } = chooseEvictions([both, pod({ name: 'fine' }), data], rules());
  const optIns = refuse.map(({ pod: { name }, reasons }) => [
    name,
    ...reasons.map((reason) => /actions\.drain\.\w+: true/.exec(reason)?.[0]),
  ]);
  assert.deepEqual(optIns, [
    ['both', 'actions.drain.evictUnmanagedPods: true', 'actions.drain.deleteEmptyDirData: true'],
    ['data', 'actions.drain.deleteEmptyDirData: true'],
  ]);
  assert.deepEqual(
    evict.map(({ name }) => name),
    ['fine'],
  );
});

test('the DaemonSet to look up is the controller of apps/v1, in the namespace of the pod', () => {
  assert.equal(daemonSetKey(pod({ namespace: 'kube-system', controller: DAEMON_SET })), 'kube-system/logs/ds-1');
  assert.equal(daemonSetKey(pod()), null);
  assert.equal(daemonSetKey(pod({ controller: null })), null);
  assert.equal(daemonSetKey(pod({ controller: { ...DAEMON_SET, apiVersion: 'extensions/v1beta1' } })), null);
});

const anyPod: fc.Arbitrary<PodView> = fc
  .record({
    namespace: fc.constantFrom('default', 'nsc'),
    name: fc.constantFrom('web', 'agent'),
    uid: fc.uuid(),
    nodeName: fc.constantFrom('node-1', 'node-1', 'node-2'),
    labels: fc.constantFrom<Record<string, string>>({}, { app: 'web' }),
    phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
    terminating: fc.boolean(),
    mirror: fc.boolean(),
    controller: fc.constantFrom(null, REPLICA_SET, DAEMON_SET, { ...DAEMON_SET, uid: 'ds-2' }),
    hasEmptyDir: fc.boolean(),
  })
  .map((view) => pod(view));
const anyRules: fc.Arbitrary<ChoiceRules> = fc.record({
  nodeName: fc.constant('node-1'),
  drain: fc.record({
    deleteEmptyDirData: fc.boolean(),
    evictUnmanagedPods: fc.boolean(),
    podSelector: fc.constantFrom({}, { matchLabels: { app: 'web' } }),
    namespaces: fc.constantFrom({ exclude: [] }, { exclude: ['nsc'] }),
  }),
  ownPod: fc.constantFrom(null, { namespace: 'nsc', name: 'agent' }),
  daemonSets: fc.constantFrom<ReadonlyMap<string, DaemonSetLookup>>(
    new Map(),
    answered(FOUND),
    answered({ kind: 'NotFound' }),
  ),
});

test('every pod of the node has exactly one fate, unless it is off the node, and no other pod has any', () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyPod, { selector: ({ uid }) => uid, maxLength: 8 }), anyRules, (pods, anyRule) => {
      const { evict, wait, skip, refuse } = chooseEvictions(pods, anyRule);
      const chosen = [...evict, ...wait, ...skip.map((each) => each.pod), ...refuse.map((each) => each.pod)];
      assert.equal(new Set(chosen).size, chosen.length);
      for (const each of pods) {
        const isOff = each.terminating && ['Succeeded', 'Failed'].includes(each.phase);
        if (each.nodeName !== 'node-1') assert.ok(!chosen.includes(each));
        else if (!chosen.includes(each)) assert.ok(isOff);
      }
    }),
  );
});
