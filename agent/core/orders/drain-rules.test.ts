import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LabelSelector } from '../policy.ts';
import { type DrainRules, widensDrain } from './drain-rules.ts';
import { chooseEvictions } from './eviction-choice.ts';
import { samplePod } from './sample-pod.ts';

const RULES: DrainRules = {
  podSelector: {},
  namespaces: { exclude: [] },
  deleteEmptyDirData: false,
  evictUnmanagedPods: false,
};
const app = (...values: string[]): LabelSelector => ({ matchExpressions: [{ key: 'app', operator: 'In', values }] });
const not = (...values: string[]): LabelSelector => ({ matchExpressions: [{ key: 'app', operator: 'NotIn', values }] });
const exists: LabelSelector = { matchExpressions: [{ key: 'app', operator: 'Exists' }] };
const absent: LabelSelector = { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] };

const rows: [rule: string, before: Partial<DrainRules>, after: Partial<DrainRules>, widens: boolean][] = [
  ['the same rules take the same', {}, {}, false],
  ['an opt-in takes more', {}, { deleteEmptyDirData: true }, true],
  ['and so does the other one', {}, { evictUnmanagedPods: true }, true],
  ['an opt-in taken back takes no more', { evictUnmanagedPods: true }, {}, false],
  [
    'a namespace no longer excluded takes more',
    { namespaces: { exclude: ['a', 'b'] } },
    { namespaces: { exclude: ['a'] } },
    true,
  ],
  [
    'one more namespace excluded takes less',
    { namespaces: { exclude: ['a'] } },
    { namespaces: { exclude: ['b', 'a'] } },
    false,
  ],
  ['a selector where there was none takes less', {}, { podSelector: app('web') }, false],
  ['no selector where there was one takes more', { podSelector: app('web') }, {}, true],
  [
    'fewer values take less',
    { podSelector: app('web', 'db') },
    { podSelector: { matchLabels: { app: 'web' } } },
    false,
  ],
  ['another value takes more', { podSelector: app('web') }, { podSelector: app('web', 'db') }, true],
  ['a value that was not left out takes less', { podSelector: not('db') }, { podSelector: app('web') }, false],
  ['more left out takes less', { podSelector: not('db') }, { podSelector: not('web', 'db') }, false],
  ['less left out takes more', { podSelector: not('web', 'db') }, { podSelector: not('db') }, true],
  ['a value takes less than any value', { podSelector: exists }, { podSelector: app('web') }, false],
  ['no value takes less than none of some', { podSelector: not('db') }, { podSelector: absent }, false],
  ['no value takes others than some values', { podSelector: exists }, { podSelector: absent }, true],
];
for (const [rule, before, after, widens] of rows) {
  test(rule, () => assert.equal(widensDrain({ ...RULES, ...before }, { ...RULES, ...after }), widens));
}

const key = fc.constantFrom('app', 'tier');
const value = fc.constantFrom('web', 'db', '');
const requirement = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.uniqueArray(value, { minLength: 1 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);
const anyRules: fc.Arbitrary<DrainRules> = fc.record({
  podSelector: fc.record({
    matchLabels: fc.dictionary(key, value, { maxKeys: 1 }),
    matchExpressions: fc.array(requirement, { maxLength: 2 }),
  }),
  namespaces: fc.record({ exclude: fc.uniqueArray(fc.constantFrom('default', 'storage', 'web')) }),
  deleteEmptyDirData: fc.boolean(),
  evictUnmanagedPods: fc.boolean(),
});
const anyPod = fc
  .record({
    namespace: fc.constantFrom('default', 'storage', 'web'),
    labels: fc.dictionary(key, value, { maxKeys: 2 }),
    phase: fc.constantFrom('Running', 'Succeeded'),
    terminating: fc.boolean(),
    controller: fc.constantFrom(null, { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1' }),
    hasEmptyDir: fc.boolean(),
  })
  .map((overrides) => samplePod('web', overrides));

test('rules that take a pod which the rules before did not are never said not to widen', () => {
  fc.assert(
    fc.property(anyRules, anyRules, anyPod, (before, after, pod) => {
      const takes = (drain: DrainRules) => {
        const rules = { nodeName: 'node-1', ownPod: null, daemonSets: new Map(), drain };
        const { evict, wait } = chooseEvictions([pod], rules);
        return evict.length + wait.length > 0;
      };
      if (takes(after) && !takes(before)) assert.equal(widensDrain(before, after), true);
    }),
    { numRuns: 2_000 },
  );
});
