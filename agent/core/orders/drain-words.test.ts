import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_DRAIN } from '../samples.ts';
import { ordersGiven, podsListed } from './drain-events.ts';
import { type DrainState, newDrain, type PodProgress } from './drain-state.ts';
import { type Audience, describeLeft, groupByReason, problemsKey } from './drain-words.ts';
import type { PodView } from './pod.ts';
import { samplePod as pod } from './sample-pod.ts';

const NOW = 20_000;
const WAITING: PodProgress = {
  how: 'Evict',
  isOwed: false,
  attempts: 2,
  said: 'the disruption budget web needs 2 healthy pods and has 2',
  isBudget: true,
  silence: null,
  state: { kind: 'Waiting', untilMs: NOW },
};

function stateOf(pods: readonly PodView[], progress: Readonly<Record<string, Partial<PodProgress>>>): DrainState {
  const order = { policy: 'a', since: '2025-01-01T00:00:00Z', isRetry: true, rules: SAMPLE_DRAIN };
  const { state } = ordersGiven(newDrain('node-1', null, 0), [order], 0, 0, '');
  const entries = Object.entries(progress).map(([uid, each]) => [uid, { ...WAITING, ...each }] as const);
  return { ...podsListed(state, pods), progress: new Map(entries) };
}
const words = (
  pods: readonly PodView[],
  progress: Readonly<Record<string, Partial<PodProgress>>>,
  audience: Audience,
) => describeLeft(stateOf(pods, progress), pods.slice(0, 1), NOW, audience)[0];

const web = pod('web', { uid: 'u' });
const rows: [rule: string, pods: PodView[], progress: Partial<PodProgress>, log: RegExp, end: RegExp][] = [
  [
    'what a budget said counts for both',
    [web],
    {},
    /^pod default\/web: the .*budget web/,
    /^pod default\/web: the .*budget/,
  ],
  [
    'a silence is news for the log; at the end counts what was said before',
    [web],
    { silence: 'the connection was cut' },
    /^pod default\/web: no answer: the connection was cut$/,
    /budget web/,
  ],
  [
    'an answer that takes long is a silence',
    [web],
    { state: { kind: 'InFlight', sentMs: NOW - 5_500, policies: ['a'] } },
    /has not answered for 5 s$/,
    /budget web/,
  ],
  [
    'a moment without an answer is none',
    [web],
    { state: { kind: 'InFlight', sentMs: NOW - 1_000, policies: ['a'] } },
    /budget web/,
    /budget web/,
  ],
  [
    'a pod that was never answered for says so',
    [web],
    { said: null, isBudget: false, silence: 'cut', state: { kind: 'Waiting', untilMs: NOW } },
    /no answer: cut$/,
    /no answer: cut$/,
  ],
  [
    'a pod that is not ready itself is told with its budget',
    [{ ...web, ready: false }],
    {},
    /budget web.*; the pod is not ready \(unhealthyPodEvictionPolicy: AlwaysAllow/,
    /the pod is not ready/,
  ],
  [
    'and so is another one of the same owner',
    [web, pod('sick', { ready: false })],
    {},
    /; pod default\/sick of the same ReplicaSet is not ready$/,
    /default\/sick/,
  ],
  [
    'the finalizer that keeps a pod is told',
    [{ ...web, terminating: true, finalizers: ['a.example/x', 'b.example/y'] }],
    {},
    /^pod default\/web: it is terminating still; its object is kept by the finalizer a\.example\/x, b\.example\/y$/,
    /kept by the finalizer/,
  ],
];
for (const [rule, pods, progress, log, end] of rows) {
  test(rule, () => {
    assert.match(words(pods, { u: progress }, 'Log') ?? '', log);
    assert.match(words(pods, { u: progress }, 'End') ?? '', end);
  });
}

const entries = (count: number, why: (i: number) => string, name = (i: number) => `web-${i}`) =>
  Array.from({ length: count }, (_, i) => ({ pod: pod(name(i)), why: why(i) }));

test('one pod is named with its reason', () => {
  assert.deepEqual(groupByReason(entries(1, () => 'why')), ['pod default/web-0: why']);
});

test('pods with one reason are named together, the reason once', () => {
  assert.deepEqual(groupByReason(entries(2, () => 'why')), ['pod default/web-0, pod default/web-1: why']);
});

test('of many pods the first five are named, and how many there are', () => {
  const [text = '', ...more] = groupByReason(entries(12, () => 'why'));
  assert.match(text, /^12 pods, such as pod default\/web-0, .*pod default\/web-4: why$/);
  assert.deepEqual(more, []);
});

test('a reason that differs by the name of the pod or by a count is the same', () => {
  const why = (i: number) => `pods "web-${i}" is forbidden: ${i + 3} left`;
  assert.equal(groupByReason(entries(12, why)).length, 1);
});

test('a reason that names another budget is another one, though the names differ by a number alone', () => {
  assert.equal(groupByReason(entries(2, (i) => `the disruption budget db-${i} needs ${i} healthy pods`)).length, 2);
});

test('different reasons are told apart', () => {
  assert.equal(groupByReason(entries(4, (i) => (i % 2 ? 'budget' : 'webhook'))).length, 2);
});

test('names of any length leave room for the reason', () => {
  const [text = ''] = groupByReason(
    entries(
      12,
      () => 'why',
      (i) => `${'x'.repeat(240)}-${i}`,
    ),
  );
  assert.ok(text.length < 600 && text.endsWith(': why'), text);
});

const keys: [rule: string, a: string[], b: string[], isSame: boolean][] = [
  ['a time that something takes makes no difference', ['x: not for 5 s'], ['x: not for 12 s'], true],
  ['nor does one as Go writes it', ['x: after 1m30.5s: no'], ['x: after 200ms: no'], true],
  ['nor does the order', ['x', 'y'], ['y', 'x'], true],
  ['the name of a pod does', ['pod a/web-5: why'], ['pod a/web-6: why'], false],
  ['also where it looks like a time', ['pod a/web-5s: why'], ['pod a/web-6s: why'], false],
  ['and so does how many there are', ['5 pods, such as x'], ['6 pods, such as x'], false],
  ['and what a budget needs', ['x: needs 3 and has 2'], ['x: needs 3 and has 1'], false],
];
for (const [rule, a, b, isSame] of keys) {
  test(`of two ends of an attempt ${rule}`, () => assert.equal(problemsKey(a) === problemsKey(b), isSame));
}
