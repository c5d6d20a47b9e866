import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../test/harness/wait-for.ts';
import { MAX_EVICTIONS_IN_FLIGHT } from '../core/orders/drain-calls.ts';
import type { AttemptEnd } from '../core/orders/drain-verdict.ts';
import type { EvictionAnswer } from '../core/orders/eviction-answer.ts';
import type { PodListener, PodView } from '../core/orders/pod.ts';
import { samplePod as pod } from '../core/orders/sample-pod.ts';
import type { DrainApi } from '../core/ports.ts';
import { SAMPLE_DRAIN } from '../core/samples.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { createDrainer } from './drainer.ts';

const SILENT = { drainSkips() {}, drainEvicts() {}, drainDeletes() {}, drainWaits() {}, drainProblem() {} };

/** Nothing ever comes of it. */
const hangs = () => new Promise<never>(() => {});

class Refusal extends Error {
  readonly status: number | null;
  constructor(status: number | null, message = `answered ${status}`) {
    super(message);
    this.status = status;
  }
}

type Tools = {
  /** Pods as the API server has them. */
  readonly pods: Map<string, PodView>;
  readonly evicted: string[];
  readonly deleted: string[];
  watch: PodListener;
  /** The pod's end, as the watch tells it. */
  end(name: string): void;
};

/** A drain of some pods, against an API server that evicts at once unless `make` says otherwise. */
function startDrain(
  pods: readonly PodView[],
  make: (tools: Tools) => Partial<DrainApi> = () => ({}),
  { timeoutMs = 5_000, onTimeout = 'GiveUp' as 'GiveUp' | 'Delete' } = {},
) {
  const tools: Tools = {
    pods: new Map(pods.map((each) => [each.name, each])),
    evicted: [],
    deleted: [],
    watch: { onList() {}, onPod() {}, onGone() {}, onProblem() {} },
    end(name) {
      const gone = tools.pods.get(name);
      tools.pods.delete(name);
      if (gone) tools.watch.onGone(gone);
    },
  };
  const api: DrainApi = {
    list: async () => [...tools.pods.values()],
    watch: async (listener) => {
      tools.watch = listener;
      listener.onList([...tools.pods.values()]);
    },
    read: async ({ name }) => tools.pods.get(name) ?? null,
    evict: async ({ name }) => {
      tools.evicted.push(name);
      setImmediate(() => tools.end(name));
    },
    delete: async ({ name }) => {
      tools.deleted.push(name);
      setImmediate(() => tools.end(name));
    },
    findDaemonSet: async () => ({ kind: 'NotFound' }),
    answerOf: (error): EvictionAnswer => {
      const { status, message } = error as Refusal;
      return { status, message, causes: [], retryAfterMs: null, isNotFound: false };
    },
    ...make(tools),
  };
  const ended = Promise.withResolvers<AttemptEnd>();
  const startedMs = performance.now();
  const drainer = createDrainer({
    nodeName: 'node-1',
    ownPod: null,
    api,
    clock: SYSTEM_CLOCK,
    serverNowMs: () => SYSTEM_CLOCK.wallMs(),
    narrator: { ...SILENT, drainEnded: (_order, end) => ended.resolve(end) },
    meter: { podsLeft() {}, podAccepted() {}, attemptEnded() {} },
    onEnd: () => drainer.obey([]),
  });
  const rules = { ...SAMPLE_DRAIN, timeoutSeconds: timeoutMs / 1000, onTimeout };
  drainer.obey([{ policy: 'sick-check', since: '2025-01-01T00:00:00Z', isRetry: true, rules }]);
  const result = ended.promise.then(({ attempt, state, skipped, problems }) => ({
    state,
    skipped,
    problems,
    evicted: attempt.accepted,
  }));
  return { ...tools, tools, stop: () => drainer.obey([]), result, tookMs: () => performance.now() - startedMs };
}

test('after the last eviction a fresh list has the last word: a pod that the watch never showed is evicted too', async () => {
  const drain = startDrain([pod('web')], (tools) => ({
    evict: async ({ name }) => {
      tools.evicted.push(name);
      if (name === 'web') tools.pods.set('late', pod('late'));
      setImmediate(() => tools.end(name));
    },
  }));
  assert.equal((await drain.result).state, 'Drained');
  assert.deepEqual(drain.evicted, ['web', 'late']);
});

test('a pod that a list shows after the watch has seen it go is not waited for', async () => {
  const ending = pod('ending', { terminating: true });
  let lists = 0;
  const drain = startDrain([pod('web'), ending], (tools) => ({
    list: async () => {
      if (++lists > 1) return [...tools.pods.values()];
      tools.pods.set('late', pod('late'));
      return [ending, pod('late')];
    },
  }));
  drain.tools.end('ending');
  const { state, evicted } = await drain.result;
  assert.deepEqual([state, evicted], ['Drained', 2]);
});

test('no more evictions are under way than the bound, and each that ends makes room for one more', async () => {
  let underWay = 0;
  let peak = 0;
  const drain = startDrain(
    Array.from({ length: 35 }, (_, i) => pod(`web-${i}`)),
    (tools) => ({
      evict: async ({ name }) => {
        peak = Math.max(peak, ++underWay);
        await new Promise(setImmediate);
        underWay -= 1;
        setImmediate(() => tools.end(name));
      },
    }),
  );
  assert.deepEqual([(await drain.result).evicted, peak], [35, MAX_EVICTIONS_IN_FLIGHT]);
});

test('deletions at the deadline are bounded as evictions are', async () => {
  let underWay = 0;
  let peak = 0;
  const drain = startDrain(
    Array.from({ length: 35 }, (_, i) => pod(`web-${i}`)),
    (tools) => ({
      evict: () => Promise.reject(new Refusal(429)),
      delete: async ({ name }) => {
        peak = Math.max(peak, ++underWay);
        await new Promise(setImmediate);
        underWay -= 1;
        setImmediate(() => tools.end(name));
      },
    }),
    { timeoutMs: 100, onTimeout: 'Delete' },
  );
  assert.deepEqual([(await drain.result).state, peak], ['Drained', MAX_EVICTIONS_IN_FLIGHT]);
});

test('a deletion that RBAC forbids ends the drain, with the words of the server', async () => {
  const drain = startDrain(
    [pod('web')],
    () => ({
      evict: () => Promise.reject(new Refusal(429)),
      delete: () => Promise.reject(new Refusal(403, 'cannot delete pods')),
    }),
    { timeoutMs: 50, onTimeout: 'Delete' },
  );
  const { state, problems } = await drain.result;
  assert.deepEqual([state, problems], ['GaveUp', ['pod default/web: cannot delete pods']]);
});

test('under GiveUp nothing is ever deleted', async () => {
  const drain = startDrain([pod('web')], () => ({ evict: () => Promise.reject(new Refusal(503)) }), { timeoutMs: 100 });
  assert.equal((await drain.result).state, 'GaveUp');
  assert.deepEqual(drain.deleted, []);
});

const rechecks: [rule: string, now: PodView | null][] = [
  ['there is no such pod', null],
  ['another pod has its name', pod('web', { uid: 'uid-of-the-next' })],
  ['it is on another node', pod('web', { nodeName: 'node-2' })],
];
for (const [rule, now] of rechecks) {
  for (const status of [409, null]) {
    test(`an eviction answered ${status ?? 'by nothing whole'} is done when ${rule}`, async () => {
      let evictions = 0;
      const drain = startDrain([pod('web')], (tools) => ({
        evict: () => {
          evictions += 1;
          tools.pods.clear();
          return Promise.reject(new Refusal(status));
        },
        read: async () => now,
      }));
      assert.deepEqual([(await drain.result).state, evictions], ['Drained', 1]);
    });
  }
}

test('an eviction whose answer was lost is tried again when the very pod is there still', async () => {
  const drain = startDrain([pod('web')], (tools) => ({
    evict: async ({ name }) => {
      tools.evicted.push(name);
      if (tools.evicted.length === 1) throw new Refusal(null);
      setImmediate(() => tools.end(name));
    },
  }));
  assert.equal((await drain.result).state, 'Drained');
  assert.deepEqual(drain.evicted, ['web', 'web']);
});

test('a pod that begins to terminate while it waits for its budget is not evicted again', async () => {
  const drain = startDrain(
    [pod('web')],
    (tools) => ({
      evict: async ({ name }) => {
        tools.evicted.push(name);
        tools.watch.onPod(pod('web', { terminating: true }));
        throw new Refusal(503);
      },
    }),
    { timeoutMs: 1_500 },
  );
  assert.deepEqual((await drain.result).problems, ['pod default/web: it is terminating still']);
  assert.deepEqual(drain.evicted, ['web']);
});

for (const [how, last] of [
  ['is cut off by the deadline', () => Promise.reject(new Refusal(null))],
  ['has no answer at the deadline', () => new Promise<never>(() => {})],
] as const) {
  test(`what refused an eviction is told, though the attempt after it ${how}`, async () => {
    const drain = startDrain(
      [pod('web')],
      (tools) => ({
        evict: async ({ name }) => {
          tools.evicted.push(name);
          if (tools.evicted.length > 1) return last();
          throw new Refusal(503, 'its budget');
        },
      }),
      { timeoutMs: 1_000 },
    );
    const { state, problems } = await drain.result;
    assert.deepEqual([state, problems], ['GaveUp', ['pod default/web: its budget']]);
    assert.ok(drain.evicted.length > 1);
  });
}

const everyCall = ['watch', 'findDaemonSet', 'evict', 'list'] as const;
const daemon = pod('logs', { controller: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'logs', uid: 'ds-1' } });
for (const call of everyCall) {
  test(`the deadline is kept when ${call} never answers`, { timeout: 10_000 }, async () => {
    // A timer may fire a little early, and a look-up that was given up still leaves time for an eviction then.
    const after = call === 'findDaemonSet' ? { evict: hangs } : {};
    const drain = startDrain([pod('web'), daemon], () => ({ [call]: hangs, ...after }), { timeoutMs: 200 });
    const { state, problems } = await drain.result;
    assert.equal(state, 'GaveUp');
    assert.ok(problems[0] !== undefined && problems[0] !== '');
    assert.ok(drain.tookMs() < 5_000);
  });

  test(`a signal is obeyed at once when ${call} never answers`, { timeout: 10_000 }, async () => {
    const called = Promise.withResolvers<void>();
    const drain = startDrain(
      [pod('web'), daemon],
      () => ({
        [call]: () => {
          called.resolve();
          return hangs();
        },
      }),
      { timeoutMs: 60_000 },
    );
    await called.promise;
    drain.stop();
    assert.equal((await drain.result).state, 'Aborted');
  });
}

test('nothing is evicted after the signal', async () => {
  const drain = startDrain([pod('web')], (tools) => ({
    evict: async ({ name }) => {
      tools.evicted.push(name);
      throw new Refusal(503);
    },
  }));
  await waitFor(() => drain.evicted.length > 0, { what: 'an eviction' });
  drain.stop();
  const { state } = await drain.result;
  const tried = drain.evicted.length;
  drain.tools.watch.onPod(pod('late'));
  await new Promise(setImmediate);
  assert.deepEqual([state, drain.evicted.length], ['Aborted', tried]);
});

test('a DaemonSet is looked up once, however many pods it has and however often they change', async () => {
  const lookups: string[] = [];
  const drain = startDrain([daemon, { ...daemon, uid: 'uid-2', name: 'logs-2' }, pod('web')], () => ({
    findDaemonSet: async (namespace, name) => {
      lookups.push(`${namespace}/${name}`);
      return { kind: 'Found', uid: 'ds-1' };
    },
  }));
  const { state, skipped } = await drain.result;
  assert.deepEqual([state, skipped.length, lookups], ['Drained', 2, ['default/logs']]);
});
