import fc from 'fast-check';
import type { Actions, Check, NodeCheckPolicy, NodeDisruptionBudget, PolicySet } from '../../agent/core/policy.ts';
import { SAMPLE_DRAIN, sampleBudget, samplePolicy } from '../../agent/core/samples.ts';

const NAMES = ['a', 'constructor'] as const;
/** All that a policy of these may be called. */
export const POLICY_NAMES = [...NAMES, 'renamed'];
const SELECTORS: readonly NodeCheckPolicy['spec']['nodeSelector'][] = [
  undefined,
  {},
  { matchLabels: { role: 'storage' } },
  { matchExpressions: [{ key: 'role', operator: 'In', values: ['storage', 'db'] }] },
  { matchExpressions: [{ key: 'role', operator: 'DoesNotExist' }] },
  { matchLabels: { role: 'storage' }, matchExpressions: [{ key: 'gpu', operator: 'Exists' }] },
];

const anyCheck: fc.Arbitrary<Partial<Check>> = fc.record({
  command: fc.constantFrom<[string]>(['/check'], ['/other']),
  failureThreshold: fc.integer({ min: 1, max: 2 }),
  successThreshold: fc.integer({ min: 1, max: 2 }),
  periodSeconds: fc.constantFrom(1, 5),
  onStderr: fc.constantFrom('Fatal', 'Fatal', 'Failed', 'Unknown', 'Ignore'),
  onTimeout: fc.constantFrom('Unknown', 'Failed'),
  exitCodes: fc.record({
    unknown: fc.constantFrom([], [3], [126, 127], [127, 126]),
    reasons: fc.constantFrom<Record<string, string>>({}, { 2: 'SaysTwo' }),
  }),
  words: fc.constantFrom('FirstLine', 'LastLine', 'None'),
});

const anyActions: fc.Arbitrary<Actions> = fc
  .record({
    cordon: fc.boolean(),
    taint: fc.constantFrom(
      null,
      { key: 'sick', value: 'a', effect: 'NoSchedule' as const },
      { key: 'sick', value: 'b', effect: 'NoSchedule' as const },
      { key: 'gone', value: '', effect: 'NoExecute' as const },
    ),
    drain: fc.constantFrom(
      null,
      SAMPLE_DRAIN,
      { ...SAMPLE_DRAIN, deleteEmptyDirData: true },
      { ...SAMPLE_DRAIN, timeoutSeconds: 60, onTimeout: 'Delete' as const },
    ),
  })
  .map(({ cordon, taint, drain }) => ({ cordon, ...(taint && { taint }), ...(drain && { drain }) }));

/** A policy of that name, with defaults filled in. */
export function anyPolicyNamed(name: string): fc.Arbitrary<NodeCheckPolicy> {
  return fc
    .record({
      check: anyCheck,
      actions: anyActions,
      mode: fc.constantFrom('Enforce' as const, 'Observe' as const),
      paused: fc.constantFrom(false, false, false, true),
      nodeSelector: fc.constantFrom(...SELECTORS),
      nodeCondition: fc.constantFrom(undefined, `${name.toUpperCase()}Well`),
      lifecycleConditions: fc.boolean(),
    })
    .map(({ check, actions, nodeSelector, nodeCondition, ...spec }) =>
      samplePolicy(name, {
        check,
        spec: { ...spec, actions, ...(nodeSelector && { nodeSelector }), ...(nodeCondition && { nodeCondition }) },
      }),
    );
}

const anyBudget: fc.Arbitrary<NodeDisruptionBudget> = fc
  .record({
    name: fc.constantFrom('cluster', 'zone'),
    maxUnavailable: fc.constantFrom(0, 1, 2, '10%', '50%'),
    nodeSelector: fc.constantFrom(...SELECTORS),
    topologyKey: fc.constantFrom(undefined, 'zone'),
  })
  .map(({ name, maxUnavailable, nodeSelector, topologyKey }) => ({
    ...sampleBudget(name),
    spec: { maxUnavailable, ...(nodeSelector && { nodeSelector }), ...(topologyKey && { topologyKey }) },
  }));

/** Budgets, each with a name of its own. */
export const anyBudgets = fc.uniqueArray(anyBudget, { selector: ({ metadata }) => metadata.name, maxLength: 2 });

/** Up to two policies and two budgets. */
export const anyPolicySet: fc.Arbitrary<PolicySet> = fc.record({
  revision: fc.constant('000000000000'),
  policies: fc.subarray([...NAMES]).chain((names) => fc.tuple(...names.map(anyPolicyNamed))),
  budgets: anyBudgets,
});

/** A set, and what somebody may make of it with a few edits, so that it is often the same, or nearly. */
export const anyChange: fc.Arbitrary<readonly [before: PolicySet, after: PolicySet]> = anyPolicySet.chain((before) =>
  fc.array(anyEdit, { minLength: 1, maxLength: 2 }).map((edits) => {
    const edited = edits.reduce((set, edit) => edit(set), before);
    return [before, { ...edited, revision: '111111111111' }] as const;
  }),
);

type Edit = (set: PolicySet) => PolicySet;

const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  // One field of one policy.
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.nat(1),
        fc.constantFrom(...NAMES).chain(anyPolicyNamed),
        fc.constantFrom('mode', 'paused', 'nodeSelector', 'nodeCondition', 'lifecycleConditions'),
      )
      .map(
        ([index, { spec }, field]): Edit =>
          (set) =>
            withSpec(set, index, (old) => {
              const { [field]: _, ...rest } = old;
              return { ...rest, ...(spec[field] !== undefined && { [field]: spec[field] }) } as NodeCheckPolicy['spec'];
            }),
      ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.nat(1), anyCheck, fc.nat(7)).map(
      ([index, check, nth]): Edit =>
        (set) => {
          const entry = Object.entries(check)[nth % Object.keys(check).length];
          return withSpec(set, index, (old) => ({
            ...old,
            check: { ...old.check, ...(entry && { [entry[0]]: entry[1] }) },
          }));
        },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(1), anyActions, fc.constantFrom('cordon', 'taint', 'drain')).map(
      ([index, actions, field]): Edit =>
        (set) =>
          withSpec(set, index, ({ actions: { [field]: _, ...others }, ...old }) => ({
            ...old,
            actions: { cordon: false, ...others, ...(actions[field] !== undefined && { [field]: actions[field] }) },
          })),
    ),
  },
  anyBudgets.map(
    (budgets): Edit =>
      (set) => ({ ...set, budgets }),
  ),
  { weight: 2, arbitrary: fc.constant<Edit>((set) => ({ ...set, policies: [...set.policies].reverse() })) },
  fc.constantFrom<Edit>(
    (set) => ({ ...set, policies: set.policies.slice(1) }),
    (set) => ({ ...set, policies: set.policies.map((each, n) => (n === 0 ? renamed(each, 'renamed') : each)) }),
  ),
);

function renamed(policy: NodeCheckPolicy, name: string): NodeCheckPolicy {
  return { ...policy, metadata: { name } };
}

function withSpec(
  set: PolicySet,
  index: number,
  change: (spec: NodeCheckPolicy['spec']) => NodeCheckPolicy['spec'],
): PolicySet {
  return {
    ...set,
    policies: set.policies.map((policy, n) =>
      n === index % set.policies.length ? { ...policy, spec: change(policy.spec) } : policy,
    ),
  };
}
