import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ownerKey } from './come-back.ts';
import type { DrainOrder } from './drain-order.ts';
import { isActive } from './drain-state.ts';
import { chooseEvictions } from './eviction-choice.ts';
import { type Change, PLAY_BEGAN, type Play, playDrain, type Reply, type World } from './play-drain.ts';
import { order } from './play-words.ts';
import type { PodView } from './pod.ts';
import { samplePod } from './sample-pod.ts';

/** Whatever becomes of the orders, the agent and the pods meanwhile. */

const FOR_MS = 400_000;
/** What the API server takes, and what another policy asks of it while deletions wait for a look-up. */
const SLACK_MS = 2_500;
const RESUMED_MS = 5_000;
/** Of a call to the pod that another policy asked for before an order came, or while this drain rested after its moment. */
const CALL_MS = 10_000;

const anyRules = fc.record({
  timeoutSeconds: fc.constantFrom(20, 60, 120),
  gracePeriodSeconds: fc.constantFrom(null, 0, 40),
  podSelector: fc.constantFrom({}, { matchLabels: { app: 'web' } }),
  deleteEmptyDirData: fc.boolean(),
  onTimeout: fc.constantFrom('GiveUp' as const, 'Delete' as const),
});
const anyOrder = (policy: string): fc.Arbitrary<DrainOrder> =>
  fc
    .tuple(anyRules, fc.boolean(), fc.constantFrom(0, 0, -30_000, -1_000_000, 5_000))
    .map(([rules, isRetry, landedMs]) => order(rules, { policy, isRetry }, landedMs));
const anyOrders = fc
  .tuple(fc.option(anyOrder('a'), { freq: 5 }), fc.option(anyOrder('b')))
  .map((orders) => orders.filter((each) => each !== null));
const anyChanges: fc.Arbitrary<Change[]> = fc
  .array(
    fc.record({
      atMs: fc.oneof(fc.integer({ min: 1, max: 200_000 }), fc.constantFrom(20_000, 42_500, 60_000, 82_500, 120_000)),
      orders: anyOrders,
      isRestart: fc.boolean(),
    }),
    { maxLength: 5 },
  )
  .map((changes) => changes.sort((a, b) => a.atMs - b.atMs));

const OWNERS = ['rs-1', 'rs-2'].map((uid) => ({ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid }));
const DAEMON = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'logs', uid: 'ds-1' };
const anyPods: fc.Arbitrary<PodView[]> = fc
  .array(
    fc.record({
      labels: fc.constantFrom<Record<string, string>>({}, { app: 'web' }),
      priority: fc.constantFrom(0, 0, -5, 1_000, 2_000_001_000),
      terminationGracePeriodSeconds: fc.constantFrom(0, 30, 7_200),
      controller: fc.constantFrom(...OWNERS, ...OWNERS, DAEMON),
      hasEmptyDir: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 15 },
  )
  .map((pods) => pods.map((each, i) => samplePod(`pod-${i}`, each)));

type History = {
  readonly orders: readonly DrainOrder[];
  readonly changes: readonly Change[];
  readonly pods: readonly PodView[];
  readonly listMs: number;
  readonly comesBack: boolean;
  readonly evictions: readonly Reply[];
  readonly lookups: readonly Reply[];
};
const anyHistory: fc.Arbitrary<History> = fc.record({
  orders: anyOrders,
  changes: anyChanges,
  pods: anyPods,
  listMs: fc.constantFrom(1, 1, 700, 8_000, 30_000),
  comesBack: fc.boolean(),
  evictions: fc.array(
    fc.constantFrom<Reply>(
      {},
      { answer: { status: 429, causes: ['DisruptionBudget'] } },
      { answer: { status: 409 } },
      { answer: { status: 404 } },
      { answer: { status: 403, message: 'User "x" cannot create' } },
      { afterMs: 60_000 },
    ),
    { minLength: 1, maxLength: 6 },
  ),
  lookups: fc.array(
    fc.constantFrom<Reply>(
      { lookup: { kind: 'Found', uid: 'ds-1' } },
      { lookup: { kind: 'NotFound' } },
      { lookup: { kind: 'Unknown', problem: '503' } },
    ),
    { minLength: 1, maxLength: 3 },
  ),
});

/** Which orders are in force, and since when each is known to this agent. */
type InForce = { readonly order: DrainOrder; readonly sinceMs: number };

function inForceAt({ orders, changes }: History, nowMs: number): readonly InForce[] {
  let inForce: InForce[] = orders.map((each) => ({ order: each, sinceMs: 0 }));
  // Also of those that are not ordered at the moment.
  const last = new Map(inForce.map((each) => [each.order.policy, each]));
  for (const change of changes) {
    if (change.atMs > nowMs) break;
    if (change.isRestart) last.clear();
    inForce = change.orders.map((each) => {
      const before = last.get(each.policy);
      return { order: each, sinceMs: before?.order.since === each.since ? before.sinceMs : change.atMs };
    });
    for (const each of inForce) last.set(each.order.policy, each);
  }
  return inForce;
}

/** When what is left is deleted. Where a clock is wrong and the cordon is yet to land, it may be as if it did on hearing of it. */
function deletesMs({ order: { since, rules }, sinceMs }: InForce): {
  readonly soonest: number;
  readonly latest: number;
} {
  const timeoutMs = rules.timeoutSeconds * 1000;
  const landedMs = Date.parse(since) - PLAY_BEGAN;
  const leastMs = sinceMs + Math.min(timeoutMs, RESUMED_MS);
  const from = (ms: number) => Math.max(ms + timeoutMs, leastMs);
  return { soonest: from(Math.min(landedMs, sinceMs)), latest: from(landedMs) };
}

function takes({ rules }: DrainOrder, pods: readonly PodView[], state: World['state']) {
  const daemonSets = new Map(
    [...state.daemonSets].flatMap(([key, { lookup }]) => (lookup === null ? [] : [[key, lookup] as const])),
  );
  return chooseEvictions(pods, { nodeName: 'node-1', ownPod: null, drain: rules, daemonSets });
}

/** Whether a pod that was there when its attempt began keeps all the others. */
function isRefused(refuse: ReturnType<typeof takes>['refuse'], { policy }: DrainOrder, state: World['state']): boolean {
  return refuse.some(({ pod }) => state.attempts.get(policy)?.there?.has(pod.uid));
}

function play(history: History, more: Partial<Play> = {}) {
  let made = 0;
  const turns = { evict: 0, lookup: 0 };
  return playDrain({
    ...history,
    forMs: FOR_MS,
    reply({ kind }) {
      if (kind === 'Evict') return history.evictions[turns.evict++ % history.evictions.length] ?? {};
      if (kind === 'FindDaemonSet') return history.lookups[turns.lookup++ % history.lookups.length] ?? {};
      return {};
    },
    onGone(gone, world) {
      if (!history.comesBack) return;
      const createdAt = new Date(PLAY_BEGAN + world.nowMs).toISOString();
      const next = { terminating: false, deletionGracePeriodSeconds: null, createdAt };
      world.put({ ...gone, ...next, uid: `back-${made}`, name: `back-${made++}` });
    },
    ...more,
  });
}

const RUNS = { numRuns: 300 };

test('no pod is touched that no order in force takes, and none is deleted before its moment', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      play(history, {
        onStep({ calls, state, wakeAtMs }, { nowMs }) {
          const isOver = [...state.attempts.values()].every(({ phase }) => phase === 'Drained');
          assert.ok(wakeAtMs !== null || isOver, `nothing wakes it at ${nowMs}`);
          for (const call of calls) {
            if (call.kind !== 'Evict' && call.kind !== 'Delete') continue;
            const by = inForceAt(history, nowMs).filter(({ order }) => {
              const { evict, wait, refuse } = takes(order, [...(state.pods?.byUid.values() ?? [])], state);
              const isBegun = !isRefused(refuse, order, state);
              return isBegun && [...evict, ...wait].some(({ uid }) => uid === call.pod.uid);
            });
            assert.notDeepEqual(by, [], `${call.kind} ${call.pod.name} at ${nowMs}`);
            if (call.kind === 'Evict') continue;
            const isDue = by.some(
              (each) => each.order.rules.onTimeout === 'Delete' && nowMs >= deletesMs(each).soonest,
            );
            assert.ok(isDue, `${call.pod.name} is deleted at ${nowMs}`);
          }
        },
      });
    }),
    RUNS,
  );
});

test('what is there at its moment is deleted then, or as soon as it is listed', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const asked = new Set<string>();
      let followedMs = Number.POSITIVE_INFINITY;
      play(history, {
        onStep({ needsPods, state, calls }, { nowMs, pods }) {
          const isRestart = history.changes.some(({ atMs, isRestart }) => atMs === nowMs && isRestart);
          if (!needsPods) followedMs = Number.POSITIVE_INFINITY;
          else if (followedMs === Number.POSITIVE_INFINITY || isRestart) followedMs = nowMs;
          const listedMs = followedMs + history.listMs;
          assert.ok(state.pods !== null || nowMs <= listedMs, `blind at ${nowMs}`);
          for (const call of calls) if (call.kind === 'Delete') asked.add(call.pod.uid);
          for (const each of inForceAt(history, nowMs)) {
            if (!isOverdue(history, each, state, Math.max(deletesMs(each).latest, listedMs), nowMs)) continue;
            const { evict, refuse } = takes(each.order, [...pods.values()], state);
            if (isRefused(refuse, each.order, state)) continue;
            const due = state.attempts.get(each.order.policy)?.due;
            const left = evict.filter(({ uid }) => (due?.has(uid) ?? true) && !asked.has(uid));
            assert.deepEqual(left, [], `at ${nowMs}`);
          }
        },
      });
    }),
    RUNS,
  );
});

/** Whether its deletions have gone out, at the latest: an attempt is under way that could not be held up any more. */
function isOverdue(
  history: History,
  { order }: InForce,
  state: World['state'],
  fromMs: number,
  nowMs: number,
): boolean {
  const attempt = state.attempts.get(order.policy);
  if (order.rules.onTimeout !== 'Delete' || attempt === undefined || !isActive(attempt)) return false;
  const changedMs = Math.max(0, ...history.changes.map(({ atMs }) => atMs).filter((ms) => ms <= nowMs));
  const callsMs = [...(changedMs > 0 ? [changedMs] : []), ...(attempt.number > 0 ? [attempt.startedMs] : [])];
  return nowMs >= SLACK_MS + Math.max(fromMs, ...callsMs.map((ms) => ms + CALL_MS));
}

test('the pods that an owner brings back are sent away at growing intervals, by whatever means', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const firsts = new Map<string, Set<string>>();
      play(
        { ...history, comesBack: true },
        {
          onStep({ calls, state: { attempts, origins } }) {
            for (const call of calls) {
              if (call.kind !== 'Evict' && call.kind !== 'Delete') continue;
              const { uid } = call.pod;
              // At the moment when all are deleted, and after a restart, nobody waits.
              const isDue = call.kind === 'Delete' && [...attempts.values()].some(({ due }) => due?.has(uid));
              const wasThere = [...attempts.values()].some(({ there }) => there?.has(uid));
              if (isDue || (wasThere && origins?.get(uid) !== 'Back')) continue;
              const key = ownerKey(call.pod);
              firsts.set(key, (firsts.get(key) ?? new Set()).add(uid));
            }
          },
        },
      );
      const lives = livesOf(history);
      // What the agent before a restart sent away comes back to one that has not seen it there.
      const most = lives * (2 + Math.log2(FOR_MS / 1_000)) + history.pods.length * (lives - 1);
      for (const [key, uids] of firsts) assert.ok(uids.size <= most, `${uids.size} of ${key}`);
    }),
    RUNS,
  );
});

/** How often an owner may begin anew: with a restart, or when none of the drains was ordered before. */
function livesOf({ orders, changes }: History): number {
  let lives = 1;
  const known = new Map(orders.map(({ policy, since }) => [policy, since]));
  for (const change of changes) {
    if (change.isRestart) known.clear();
    const isResumed = change.orders.some(({ policy, since }) => known.get(policy) === since);
    if (change.isRestart || (change.orders.length > 0 && !isResumed)) lives += 1;
    for (const { policy, since } of change.orders) known.set(policy, since);
  }
  return lives;
}
