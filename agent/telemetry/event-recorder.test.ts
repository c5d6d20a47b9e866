import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { waitFor } from '../../test/harness/wait-for.ts';
import { type EventSeries, FATAL_TOPIC, type NodeEvent } from '../core/node-event.ts';
import { SYSTEM_CLOCK } from '../loop/clock.ts';
import { EVENT_BURST, EVENT_REFILL_MS } from './event-correlator.ts';
import { createEventRecorder, type EventRecorder } from './event-recorder.ts';
import type { LogEntry } from './log.ts';

const event = (message: string, more: Partial<NodeEvent> = {}): NodeEvent => ({
  type: 'Warning',
  reason: 'NodeCordoned',
  topic: 'node',
  message,
  ...more,
});
const TOPICS: Readonly<Record<string, string>> = {
  CheckFailing: 'check',
  CheckRecovered: 'check',
  BudgetDenied: 'budget',
  DrainFailed: 'drain',
  PolicyInvalid: 'directory',
};
const about = (reason: string, policy?: string) =>
  event(reason, { reason, topic: TOPICS[reason] ?? 'node', ...(policy && { policy }) });

/** Takes the whole burst. */
function spend(recorder: EventRecorder): void {
  for (let n = 0; n < EVENT_BURST; n++) recorder.record(about('BudgetDenied', `${n}`));
}

/** A recorder whose sink keeps what it gets, after failing as often as told; time passes only by its sleeping. */
function setUp({ failures = 0, mayRetry = (_attempts: number): boolean => true } = {}) {
  const created: string[] = [];
  const repeated: [message: string, count: number][] = [];
  const ids: string[] = [];
  const logged: LogEntry[] = [];
  const clock = { ms: 1_000, runs: true, tick: () => {} };
  let expired = false;
  let isAway = false;
  const sink = {
    async create({ event }: EventSeries, id: string) {
      ids.push(id);
      if (isAway || failures-- > 0) throw new Error('the API server is away');
      created.push(event.message);
      return event.message;
    },
    async repeat(written: string, { event, count }: EventSeries) {
      if (expired) return null;
      repeated.push([event.message, count]);
      return written;
    },
    canRetry: (_error: unknown, attempts: number) => mayRetry(attempts),
  };
  const recorder = createEventRecorder(sink, (entry) => logged.push(entry), {
    clock: {
      ...SYSTEM_CLOCK,
      wallMs: () => clock.ms,
      async sleep(ms, signal) {
        if (!clock.runs) {
          await new Promise<void>((resolve) => {
            clock.tick = resolve;
            signal?.addEventListener('abort', () => resolve());
          });
        }
        clock.ms += ms;
        await new Promise(setImmediate);
      },
    },
  });
  const expire = () => {
    expired = true;
  };
  const away = (now: boolean) => {
    isAway = now;
  };
  const written = () => [...created, ...repeated.map(([message]) => message)];
  return { recorder, created, repeated, ids, logged, clock, expire, away, written };
}

test('Events are written in the order in which they happened', async () => {
  const { recorder, created } = setUp();
  for (const message of ['a', 'b', 'c']) recorder.record(event(message));
  await waitFor(() => created.length === 3, { what: 'three Events' });
  assert.deepEqual(created, ['a', 'b', 'c']);
});

test('the same Event again is counted up, and written anew once it has expired', async () => {
  const { recorder, created, repeated, expire } = setUp();
  recorder.record(event('a'));
  recorder.record(event('a'));
  await waitFor(() => repeated.length === 1, { what: 'the repetition' });
  assert.deepEqual(repeated, [['a', 2]]);
  expire();
  recorder.record(event('a'));
  await waitFor(() => created.length === 2, { what: 'the second Event' });
});

test('what happens again before it is written is one request with its count', async () => {
  const { recorder, created, repeated } = setUp();
  recorder.record(event('first'));
  for (let n = 0; n < 3; n++) recorder.record(event('a'));
  recorder.record(event('b'));
  await waitFor(() => created.length === 3, { what: 'three Events' });
  assert.deepEqual([created, repeated], [['first', 'a', 'b'], []]);
});

test('an Event is tried again while the API server is away, always as the same one', async () => {
  const { recorder, created, ids } = setUp({ failures: 30 });
  recorder.record(event('a'));
  await waitFor(() => created.length === 1, { what: 'the Event' });
  assert.deepEqual([ids.length, new Set(ids).size], [31, 1]);
});

test('an Event that cannot be written is given up with a line in the log, and the next has its turn', async () => {
  const { recorder, created, logged } = setUp({ failures: 5, mayRetry: (attempts) => attempts < 5 });
  recorder.record(event('a'));
  recorder.record(event('b'));
  await waitFor(() => created.length === 1, { what: 'the next Event' });
  assert.deepEqual(created, ['b']);
  assert.equal(logged[0]?.message, 'Event not written');
});

test('a storm of Events is cut to the burst of 25, and then to one every 5 minutes', async () => {
  const { recorder, clock, written } = setUp();
  clock.runs = false;
  for (let n = 0; n < 100; n++) recorder.record(about('CheckFailing', `policy-${n}`));
  await waitFor(() => written().length === EVENT_BURST, { what: '25 Events' });
  recorder.record(about('DrainFailed'));
  await new Promise(setImmediate);
  assert.equal(written().length, EVENT_BURST);
  recorder.stop();
});

test('of what was too much, the latest of each topic is written once there is a share for it, each in its turn', async () => {
  const { recorder, clock, written, created } = setUp();
  spend(recorder);
  const flap = [about('CheckFailing', 'a'), about('NodeCordoned'), about('CheckRecovered', 'a'), about('NodeReleased')];
  for (let n = 0; n < 20; n++) for (const each of flap) recorder.record(each);
  recorder.record(about('CheckFailing', 'b'));
  recorder.record(about('PolicyInvalid'));
  await waitFor(() => written().length === EVENT_BURST + 4, { what: 'the last of four topics' });
  assert.deepEqual(created.slice(-4), ['CheckRecovered', 'NodeReleased', 'CheckFailing', 'PolicyInvalid']);
  assert.equal(clock.ms, 1_000 + 4 * EVENT_REFILL_MS);
});

test('a topic that never rests does not keep another from its turn', async () => {
  const { recorder, clock, created, written } = setUp();
  spend(recorder);
  clock.runs = false;
  const flap = () => {
    recorder.record(about('CheckFailing', 'a'));
    recorder.record(about('NodeCordoned'));
  };
  for (let turn = 1; turn <= 2; turn++) {
    flap();
    await waitFor(() => written().length >= EVENT_BURST, { what: 'the burst' });
    clock.tick();
    await waitFor(() => written().length === EVENT_BURST + turn, { what: `turn ${turn}` });
  }
  assert.deepEqual(created.slice(-2), ['CheckFailing', 'NodeCordoned']);
  recorder.stop();
});

test('while the API server is away the latest of a topic still takes the place of the one before', async () => {
  const { recorder, clock, created, away } = setUp();
  away(true);
  spend(recorder);
  recorder.record(about('NodeCordoned'));
  const later = clock.ms + 3 * EVENT_REFILL_MS;
  await waitFor(() => clock.ms > later, { what: 'time to pass' });
  recorder.record(about('NodeReleased'));
  away(false);
  await waitFor(() => created.includes('NodeReleased'), { what: 'the last Event' });
  assert.ok(!created.includes('NodeCordoned'));
});

test('similar Events become one from the eleventh on, which says the last', async () => {
  const { recorder, created, repeated } = setUp();
  for (let n = 1; n <= 13; n++) recorder.record(event(`${n}`, { reason: 'PolicyInvalid' }));
  recorder.record(event('13', { reason: 'PolicyReloaded' }));
  await waitFor(() => created.includes('13'), { what: 'the last Event' });
  const combined = (n: number) => `(combined from similar Events): ${n}`;
  assert.deepEqual([created.length, repeated.length], [12, 0]);
  assert.equal(created[10], combined(13));
});

test('a message that is too long for the API server ends with a sign, also where it stands for several', async () => {
  const { recorder, created } = setUp();
  for (let n = 0; n <= 10; n++) recorder.record(event(`${n} ${'é '.repeat(2000)}`));
  await waitFor(() => created.length === 11, { what: 'the Events' });
  for (const message of created) {
    assert.ok(Buffer.byteLength(message) <= 1_024 && message.endsWith('é…'), message);
  }
  assert.ok(created[10]?.startsWith('(combined from similar Events): 10 é'));
});

/** A recorder in virtual time whose sink fails for as long as it is away. */
function setUpVirtual({ mayRetry = (_attempts: number): boolean => true, takesMs = 0 } = {}) {
  const clock = new VirtualClock();
  const world = { isAway: true, attempts: 0 };
  const created: string[] = [];
  const sink = {
    async create({ event: { message } }: EventSeries) {
      world.attempts += 1;
      await clock.sleep(takesMs);
      if (world.isAway) throw new Error('away');
      created.push(message);
      return message;
    },
    repeat: async (written: string) => written,
    canRetry: (_error: unknown, attempts: number) => mayRetry(attempts),
  };
  const recorder = createEventRecorder(sink, () => {}, { clock });
  return { clock, world, created, recorder, pass: (ms: number) => clock.run(clock.nowMs() + ms) };
}

suite('a back-off', () => {
  for (const [what, news] of [
    ['another Event', (recorder: EventRecorder) => recorder.record(event('b', { reason: 'NodeReleased' }))],
    ['the word that it may be over', (recorder: EventRecorder) => recorder.wake()],
  ] as const) {
    test(`is ended by ${what}`, async () => {
      const { world, created, recorder, pass } = setUpVirtual();
      recorder.record(event('a'));
      await pass(120_000);
      world.isAway = false;
      news(recorder);
      await pass(0);
      assert.equal(created[0], 'a');
    });
  }

  test('that news has ended counts as no attempt', async () => {
    const { world, created, recorder, pass } = setUpVirtual({ mayRetry: (attempts) => attempts < 3 });
    recorder.record(event('a'));
    for (let n = 0; n < 20; n++) {
      recorder.wake();
      await pass(0);
    }
    world.isAway = false;
    await pass(500);
    assert.deepEqual([created, world.attempts > 20], [['a'], true]);
  });
});

suite('an agent that ends', () => {
  test('writes what waits, also what waits for another attempt', async () => {
    const { world, created, recorder, pass } = setUpVirtual({ takesMs: 100 });
    recorder.record(event('a'));
    await pass(60_000);
    world.isAway = false;
    recorder.record(event('b'));
    recorder.record(event('c'));
    const finished = recorder.finish();
    await pass(300);
    await finished;
    assert.deepEqual(created, ['a', 'b', 'c']);
  });

  test('says why it ends, however many Events there were, and nothing else that was too much', async () => {
    const { recorder, clock, written, created } = setUp();
    clock.runs = false;
    spend(recorder);
    await waitFor(() => written().length === EVENT_BURST, { what: 'the burst' });
    recorder.record(about('DrainFailed'));
    recorder.record(event('noise on stderr', { reason: 'CheckFatal', topic: FATAL_TOPIC, policy: 'a' }));
    await recorder.finish();
    recorder.stop();
    assert.equal(written().length, EVENT_BURST + 1);
    assert.equal(created.at(-1), 'noise on stderr');
  });

  test('tries each once where the API server is away', async () => {
    const { world, recorder, pass } = setUpVirtual();
    recorder.record(event('a'));
    recorder.record(event('b'));
    await pass(60_000);
    world.attempts = 0;
    const finished = recorder.finish();
    await pass(0);
    await finished;
    assert.equal(world.attempts, 2);
  });
});

test('an agent that stops writes nothing more', async () => {
  const { recorder, created } = setUp({ failures: Number.POSITIVE_INFINITY });
  recorder.record(event('a'));
  recorder.stop();
  recorder.record(event('b'));
  await new Promise(setImmediate);
  assert.deepEqual(created, []);
});

test('a defect that shows in the writing of an Event is told, and keeps no other Event from being written', async () => {
  const told: unknown[] = [];
  const created: string[] = [];
  const bug = new TypeError('x is not a function');
  const sink = {
    async create({ event: { message } }: EventSeries) {
      if (message === 'a') throw bug;
      created.push(message);
      return message;
    },
    repeat: async () => null,
    canRetry: () => true,
  };
  const tellBug = (error: unknown) => told.push(error) > 0;
  const recorder = createEventRecorder(sink, () => {}, { clock: SYSTEM_CLOCK, tellBug });
  recorder.record(event('a'));
  recorder.record(event('b'));
  await waitFor(() => created.length === 1, { what: 'the other Event' });
  assert.deepEqual([created, told], [['b'], [bug]]);
});
