import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type DrainProgress,
  type DrainStep,
  MAX_EVICTIONS_IN_FLIGHT,
  nextDrainStep,
  type PodProgress,
  progressAfter,
  progressInFlight,
} from './drain.ts';
import type { Choice } from './eviction-choice.ts';
import type { PodView } from './pod.ts';

const NOW = 1_000;
const DEADLINE = 10_000;

const pod = (name: string, terminating = false): PodView => ({
  namespace: 'default',
  name,
  uid: name,
  nodeName: 'node-1',
  labels: {},
  phase: 'Running',
  terminating,
  mirror: false,
  controller: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1' },
  hasEmptyDir: false,
});
const choice = (parts: Partial<Choice>): Choice => ({ evict: [], wait: [], skip: [], refuse: [], ...parts });
const many = (count: number, from = 0) => Array.from({ length: count }, (_, i) => pod(`pod-${from + i}`));

const IN_FLIGHT: PodProgress = { attempts: 1, state: { kind: 'InFlight', before: null } };
const ACCEPTED: PodProgress = { attempts: 1, state: { kind: 'Accepted' } };
const waiting = (untilMs: number, why = 'the budget'): PodProgress => ({
  attempts: 1,
  state: { kind: 'Waiting', untilMs, why },
});

function go(step: DrainStep): { evict: string[]; wakeAtMs: number | null } {
  if (step.kind !== 'Go') assert.fail(`expected Go, found ${step.kind}`);
  return { evict: step.evict.map(({ name }) => name), wakeAtMs: step.wakeAtMs };
}

test('no more evictions are under way than the bound', () => {
  const evict = many(25);
  assert.equal(go(nextDrainStep(choice({ evict }), new Map(), NOW, DEADLINE)).evict.length, MAX_EVICTIONS_IN_FLIGHT);
  const progress = new Map(evict.slice(0, 4).map(({ uid }) => [uid, IN_FLIGHT]));
  const more = go(nextDrainStep(choice({ evict }), progress, NOW, DEADLINE)).evict;
  assert.equal(more.length, MAX_EVICTIONS_IN_FLIGHT - 4);
  assert.ok(!more.includes('pod-0'));
});

test('a pod that waits for its budget, or for its end, holds no place among the evictions under way', () => {
  const stuck = many(30);
  const progress = new Map(stuck.map(({ uid }, i) => [uid, i % 2 ? ACCEPTED : waiting(5_000)]));
  const evict = [...stuck, ...many(3, 100)];
  assert.deepEqual(go(nextDrainStep(choice({ evict }), progress, NOW, DEADLINE)).evict, [
    'pod-100',
    'pod-101',
    'pod-102',
  ]);
});

test('a pod is tried again when its wait is over, and not before', () => {
  const progress = new Map([
    ['a', waiting(NOW)],
    ['b', waiting(NOW + 1)],
  ]);
  const step = go(nextDrainStep(choice({ evict: [pod('a'), pod('b')] }), progress, NOW, DEADLINE));
  assert.deepEqual(step, { evict: ['a'], wakeAtMs: NOW + 1 });
});

test('the next look is when the first wait is over', () => {
  const progress = new Map([
    ['a', waiting(7_000)],
    ['b', waiting(3_000)],
    ['c', ACCEPTED],
  ]);
  const evict = [pod('a'), pod('b'), pod('c')];
  assert.equal(go(nextDrainStep(choice({ evict }), progress, NOW, DEADLINE)).wakeAtMs, 3_000);
});

test('where only terminating pods are left, there is nothing to do until something changes', () => {
  const step = go(nextDrainStep(choice({ wait: [pod('a', true)] }), new Map(), NOW, DEADLINE));
  assert.deepEqual(step, { evict: [], wakeAtMs: null });
});

test('nothing left but what stays is empty, also after the deadline', () => {
  const skip = [{ pod: pod('logs'), reason: 'DaemonSet' as const }];
  assert.equal(nextDrainStep(choice({ skip }), new Map(), NOW, DEADLINE).kind, 'Empty');
  assert.equal(nextDrainStep(choice({ skip }), new Map(), DEADLINE, DEADLINE).kind, 'Empty');
});

test('a refused pod means that nothing is evicted, and every reason of every pod is told', () => {
  const refuse = [
    { pod: pod('a'), reasons: ['no controller', 'data'] },
    { pod: pod('b'), reasons: ['data'] },
  ];
  const step = nextDrainStep(choice({ evict: many(3), refuse }), new Map(), NOW, DEADLINE);
  assert.deepEqual(step, {
    kind: 'Refused',
    problems: ['pod default/a: no controller; data', 'pod default/b: data'],
  });
});

test('at the deadline every pod that is left is named with why', () => {
  const progress = new Map([
    ['budget', waiting(20_000, 'its budget')],
    ['accepted', ACCEPTED],
    ['stalled', IN_FLIGHT],
    ['ending', waiting(20_000, 'its budget')],
  ]);
  const evict = [pod('budget'), pod('accepted'), pod('stalled'), pod('untried')];
  const step = nextDrainStep(choice({ evict, wait: [pod('ending', true)] }), progress, DEADLINE, DEADLINE);
  assert.equal(step.kind, 'Late');
  assert.deepEqual(step.kind === 'Late' && step.problems, [
    'pod default/budget: its budget',
    'pod default/accepted: it is terminating still',
    'pod default/stalled: the API server has not answered yet',
    'pod default/untried: it was not tried yet',
    'pod default/ending: it is terminating still',
  ]);
  assert.equal(nextDrainStep(choice({ evict }), progress, DEADLINE - 1, DEADLINE).kind, 'Go');
});

test('an answer turns into what the pod waits for', () => {
  const after = (next: Parameters<typeof progressAfter>[1]) => progressAfter(IN_FLIGHT, next, NOW).state;
  assert.deepEqual(after({ kind: 'Wait' }), { kind: 'Accepted' });
  assert.deepEqual(after({ kind: 'Gone' }), { kind: 'Accepted' });
  assert.deepEqual(after({ kind: 'Recheck' }), { kind: 'Waiting', untilMs: NOW, why: 'the answer was lost' });
  assert.deepEqual(after({ kind: 'Retry', afterMs: 500, why: 'w' }), { kind: 'Waiting', untilMs: 1_500, why: 'w' });
  assert.deepEqual(after({ kind: 'Fail', why: 'w' }), { kind: 'Waiting', untilMs: Number.POSITIVE_INFINITY, why: 'w' });
});

test('what the API server said to the attempt before counts until it says something else', () => {
  const again = progressInFlight(waiting(NOW, 'its budget'));
  assert.deepEqual(again, { attempts: 2, state: { kind: 'InFlight', before: 'its budget' } });
  const late = nextDrainStep(choice({ evict: [pod('web')] }), new Map([['web', again]]), DEADLINE, DEADLINE);
  assert.deepEqual(late.kind === 'Late' && late.problems, ['pod default/web: its budget']);
  const lost = progressAfter(again, { kind: 'Recheck' }, NOW);
  assert.deepEqual(lost.state, { kind: 'Waiting', untilMs: NOW, why: 'its budget' });
  const refused = progressAfter(again, { kind: 'Retry', afterMs: 0, why: 'another one' }, NOW);
  assert.deepEqual(refused.state, { kind: 'Waiting', untilMs: NOW, why: 'another one' });
  assert.deepEqual(progressInFlight(undefined), IN_FLIGHT);
});

const anyProgress: fc.Arbitrary<PodProgress | undefined> = fc.oneof(
  fc.constantFrom(undefined, IN_FLIGHT, ACCEPTED),
  fc.nat(2 * NOW).map((untilMs) => waiting(untilMs)),
);
const anyPods = fc.array(fc.tuple(fc.constantFrom('evict', 'wait', 'skip', 'refuse'), anyProgress), { maxLength: 60 });

test('whatever the state: the bound holds, a refusal stops all, and only pods to evict that are due are evicted', () => {
  fc.assert(
    fc.property(anyPods, (pods) => {
      const parts = { evict: [], wait: [], skip: [], refuse: [] } as { [Part in keyof Choice]: Choice[Part][number][] };
      const progress = new Map<string, PodProgress>();
      pods.forEach(([part, each], i) => {
        const view = pod(`pod-${i}`, part === 'wait');
        if (each) progress.set(view.uid, each);
        if (part === 'evict' || part === 'wait') parts[part].push(view);
        else if (part === 'skip') parts.skip.push({ pod: view, reason: 'Mirror' });
        else parts.refuse.push({ pod: view, reasons: ['data'] });
      });
      const step = nextDrainStep(parts, progress as DrainProgress, NOW, DEADLINE);
      assert.equal(step.kind === 'Refused', parts.refuse.length > 0);
      if (step.kind !== 'Go') return;
      const inFlight = [...progress.values()].filter((each) => each === IN_FLIGHT).length;
      assert.ok(step.evict.length === 0 || inFlight + step.evict.length <= MAX_EVICTIONS_IN_FLIGHT);
      for (const each of step.evict) {
        const state = progress.get(each.uid)?.state;
        assert.ok(parts.evict.includes(each));
        assert.ok(state === undefined || (state.kind === 'Waiting' && state.untilMs <= NOW));
      }
    }),
  );
});
