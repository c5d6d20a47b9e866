import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SAMPLE_DRAIN } from '../samples.ts';
import { ALLOWANCE, DELETING_AGAIN } from './allowance.ts';
import type { DrainStep } from './drain.ts';
import { DELETION_PLACE_MS, type DrainCall, MAX_DELETIONS_IN_FLIGHT, MAX_EVICTIONS_IN_FLIGHT } from './drain-calls.ts';
import type { DrainOrder } from './drain-order.ts';
import { MIN_PAUSE_MS } from './eviction-answer.ts';
import { chooseEvictions, daemonSetKey } from './eviction-choice.ts';
import { type Ended, type Play, playDrain, type Reply, type Sent, type World } from './play-drain.ts';
import type { PodView } from './pod.ts';
import { samplePod } from './sample-pod.ts';

/** Whatever the pods, the answers and their delays are. */

const FOR_MS = 300_000;
const SINCE = '2025-01-01T00:00:00Z';
/** The one list at the end, and the reading that goes on, after a deadline has passed. */
const LAST_LOOK_MS = 2_000;
const DELETED_MS = 60_000;
/** A look-up that another drain has asked for. */
const CALL_MS = 10_000;
/** No drain here has more time than that, deletions included. */
const LONGEST_WAIT_MS = 2 * 120_000 + DELETED_MS;

const CONTROLLERS = [
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'db', uid: 'rs-2' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'logs', uid: 'ds-1' },
];
const anyPod = fc.record({
  labels: fc.constantFrom<Record<string, string>>({}, { app: 'web' }),
  namespace: fc.constantFrom('default', 'storage'),
  phase: fc.constantFrom('Running', 'Running', 'Succeeded'),
  terminating: fc.boolean(),
  ready: fc.boolean(),
  priority: fc.constantFrom(0, 0, 1_000, 2_000_001_000),
  terminationGracePeriodSeconds: fc.constantFrom(0, 30, 7_200),
  deletionGracePeriodSeconds: fc.constantFrom(null, 30, 7_200),
  createdAt: fc.constantFrom('2024-01-01T00:00:00Z', '2025-01-01T00:00:01Z'),
  controller: fc.constantFrom(...CONTROLLERS),
});
const anyPods: fc.Arbitrary<PodView[]> = fc
  .array(anyPod, { maxLength: 25 })
  .map((pods) => pods.map((each, i) => samplePod(`pod-${i}`, each)));

const anyOrder = (policy: string): fc.Arbitrary<DrainOrder> =>
  fc.record({
    policy: fc.constant(policy),
    since: fc.constantFrom(SINCE, '2024-12-31T23:59:30Z', '2024-12-31T00:00:00Z'),
    isRetry: fc.boolean(),
    rules: fc.record({
      ...Object.fromEntries(Object.entries(SAMPLE_DRAIN).map(([key, value]) => [key, fc.constant(value)])),
      timeoutSeconds: fc.constantFrom(1, 20, 60, 120),
      gracePeriodSeconds: fc.constantFrom(null, 0, 40),
      podSelector: fc.constantFrom({}, { matchLabels: { app: 'web' } }),
      namespaces: fc.constantFrom({ exclude: [] }, { exclude: ['storage'] }),
      onTimeout: fc.constantFrom('GiveUp', 'Delete'),
    }) as unknown as fc.Arbitrary<DrainOrder['rules']>,
  });
const anyOrders = fc.oneof(
  anyOrder('a').map((order) => [order]),
  fc.tuple(anyOrder('a'), anyOrder('b')).map((orders) => [...orders]),
);

const anyAnswer: fc.Arbitrary<Reply['answer']> = fc.oneof(
  fc.constantFrom<Reply['answer']>(
    {},
    {},
    { status: null, message: 'cut' },
    { status: 404, isNotFound: true },
    { status: 404 },
    { status: 409 },
    { status: 429, causes: ['DisruptionBudget'] },
    { status: 429, retryAfterMs: 3_600_000 },
    { status: 403, message: 'denied the request' },
    { status: 403, message: 'User "x" cannot create' },
    { status: 500, message: 'more than one PodDisruptionBudget' },
    { status: 503 },
  ),
);
const anyReply: fc.Arbitrary<Reply> = fc.record({
  afterMs: fc.constantFrom(0, 1, 50, 3_000, 60_000),
  answer: anyAnswer,
  lookup: fc.constantFrom<NonNullable<Reply['lookup']>>(
    { kind: 'NotFound' },
    { kind: 'Found', uid: 'ds-1' },
    { kind: 'Unknown', problem: '503' },
    { kind: 'Unknown', problem: '403', isRefusal: true },
  ),
});

/** Replies by turns, so that each pod has a history. */
const anyPlay: fc.Arbitrary<Play> = fc
  .record({
    orders: anyOrders,
    pods: anyPods,
    replies: fc.array(anyReply, { minLength: 1, maxLength: 12 }),
    endsAfterMs: fc.constantFrom(0, 20, 5_000, null),
    comesBack: fc.boolean(),
    randoms: fc.array(fc.constantFrom(0, 0.3, 0.999), { minLength: 1, maxLength: 5 }),
  })
  .map(({ orders, pods, replies, endsAfterMs, comesBack, randoms }) => {
    let turn = 0;
    let made = 0;
    let drawn = 0;
    return {
      orders,
      pods,
      forMs: FOR_MS,
      reply: () => replies[turn++ % replies.length] ?? {},
      terminationMs: () => endsAfterMs,
      onGone: (gone, world) => {
        if (comesBack) world.put({ ...gone, terminating: false, uid: `back-${made}`, name: `back-${made++}` });
      },
      random: () => randoms[drawn++ % randoms.length] ?? 0,
    };
  });

function targetOf(call: DrainCall): string {
  if (call.kind === 'List') return call.kind;
  return call.kind === 'FindDaemonSet' ? `${call.kind} ${call.namespace}/${call.name}` : `${call.kind} ${call.pod.uid}`;
}

/** An attempt that begins just after another has ended knows nothing of what that one has asked. */
function assertPaced(sent: readonly Sent[], ends: readonly Ended[]): void {
  const last = new Map<string, number>();
  const unread = new Map<string, number>();
  for (const { atMs, call } of sent) {
    if (call.kind === 'Evict' || call.kind === 'Delete') {
      unread.set(call.pod.uid, (unread.get(call.pod.uid) ?? 0) + 1);
    }
    if (call.kind === 'Read') {
      const before = unread.get(call.pod.uid) ?? 0;
      assert.ok(before > 0, 'a pod is read once after an answer that asks for it');
      unread.set(call.pod.uid, before - 1);
      continue;
    }
    const target = targetOf(call);
    const before = last.get(target);
    const isAnew = before !== undefined && ends.some((end) => end.atMs >= before && end.atMs <= atMs);
    assert.ok(before === undefined || isAnew || atMs - before >= MIN_PAUSE_MS, `${target} at ${before} and ${atMs} ms`);
    last.set(target, atMs);
  }
}

function assertBounded(sent: readonly Sent[]): void {
  const mostAMinute = ALLOWANCE.burst + ALLOWANCE.perMinute + DELETING_AGAIN.burst + DELETING_AGAIN.perMinute;
  for (const [i, { atMs }] of sent.entries()) {
    const end = sent.findIndex((other) => other.atMs >= atMs + 60_000);
    assert.ok((end < 0 ? sent.length : end) - i <= mostAMinute);
  }
}

function assertStep({ state, calls, wakeAtMs }: DrainStep, { nowMs }: World): void {
  assert.ok(wakeAtMs === null || wakeAtMs > nowMs, 'no step follows at once');
  const uids = calls.flatMap((call) => ('pod' in call ? [call.pod.uid] : []));
  assert.equal(new Set(uids).size, uids.length, 'one request a pod at a time');
  const all = [...state.progress.values()];
  const evictions = all.filter(
    ({ how, state }) => how === 'Evict' && (state.kind === 'InFlight' || (state.kind === 'Reading' && state.isSent)),
  );
  assert.ok(evictions.length <= MAX_EVICTIONS_IN_FLIGHT, `${evictions.length} evictions under way`);
  const deletions = all.filter(
    ({ how, state }) => how === 'Delete' && state.kind === 'InFlight' && state.sentMs > nowMs - DELETION_PLACE_MS,
  );
  const first = deletions.filter(({ attempts }) => attempts === 1).length;
  for (const count of [first, deletions.length - first]) {
    assert.ok(count <= MAX_DELETIONS_IN_FLIGHT, `${count} deletions under way`);
  }
  for (const each of state.progress.values()) {
    if ('untilMs' in each.state) assert.ok(each.state.untilMs <= nowMs + LONGEST_WAIT_MS, 'each wait is bounded');
  }
  for (const call of calls) {
    assert.ok(call.deadlineMs <= 10_000, 'each call is bounded');
    const attempts = [...state.attempts.values()];
    if (call.kind === 'Evict')
      assert.ok(attempts.some(({ phase, untilMs }) => phase === 'Evicting' && nowMs < untilMs));
    if (call.kind === 'Delete') assert.ok(attempts.some(({ phase }) => phase === 'Deleting'));
  }
}

test('a drain is bounded in what it sends and in how long it takes, and never ends well before its pods have gone', () => {
  fc.assert(
    fc.property(anyPlay, (play) => {
      const underWay = new Map<string, { kind: string; untilMs: number }>();
      const { sent, ends } = playDrain({
        ...play,
        onStep(step, world) {
          assertStep(step, world);
          for (const end of step.ends) {
            const { order, untilMs } = end.attempt;
            assert.ok(world.nowMs <= untilMs + LAST_LOOK_MS, `${order.policy} ended at ${world.nowMs} for ${untilMs}`);
            if (end.state === 'Drained') assertDrained(order, step, world);
          }
        },
        reply(call, nowMs, world) {
          const reply = play.reply?.(call, nowMs, world) ?? {};
          if (call.kind !== 'Evict' && call.kind !== 'Delete') return reply;
          const thenMs = nowMs + Math.min(reply.afterMs ?? 5, call.deadlineMs);
          const { kind, untilMs } = underWay.get(call.pod.uid) ?? { kind: '', untilMs: 0 };
          // A deletion ends the eviction that hangs.
          const isEnded = kind === 'Evict' && call.kind === 'Delete';
          assert.ok(untilMs <= nowMs || isEnded, 'never two writes to one pod at a time');
          underWay.set(call.pod.uid, { kind: call.kind, untilMs: thenMs });
          return reply;
        },
      });
      assertPaced(sent, ends);
      assertBounded(sent);
      for (const { end } of ends) {
        const { order, startedMs, untilMs } = end.attempt;
        const { timeoutSeconds, gracePeriodSeconds } = order.rules;
        const longestMs = Math.max(timeoutSeconds, gracePeriodSeconds ?? 0) * 1000 + DELETED_MS;
        const latestMs = startedMs + timeoutSeconds * 1000 + CALL_MS + longestMs + 2 * LAST_LOOK_MS;
        assert.ok(untilMs <= latestMs);
      }
    }),
    { numRuns: 200 },
  );
});

/** Nothing is left in truth, as the list at the end said, that this drain takes. */
function assertDrained({ rules }: DrainOrder, { state }: DrainStep, world: World): void {
  const daemonSets = new Map(
    [...state.daemonSets].flatMap(([key, { lookup }]) => (lookup === null ? [] : [[key, lookup] as const])),
  );
  // What came in the moments since the list was made is the next one's.
  const pods = [...world.pods.values()].filter(({ uid }) => !uid.startsWith('back'));
  const { evict, wait } = chooseEvictions(pods, { nodeName: 'node-1', ownPod: null, drain: rules, daemonSets });
  assert.deepEqual(
    [...evict, ...wait].filter((each) => daemonSetKey(each) === null),
    [],
  );
}
