import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { NodeEvent } from '../core/event.ts';
import { createEventRecorder } from './event-recorder.ts';
import type { LogEntry } from './log.ts';

const event = (message: string): NodeEvent => ({ type: 'Warning', reason: 'NodeCordoned', message });

/** A sink that keeps what it gets, after failing as often as told. */
function sink(failures = 0) {
  const created: string[] = [];
  const repeated: string[] = [];
  let expired = false;
  return {
    created,
    repeated,
    expire: () => {
      expired = true;
    },
    create: async (each: NodeEvent) => {
      if (failures-- > 0) throw new Error('the API server is away');
      created.push(each.message);
      return each.message;
    },
    repeat: async (written: string) => {
      if (expired) return null;
      repeated.push(written);
      return written;
    },
  };
}

test('Events are written in the order in which they happened', async () => {
  const to = sink();
  const recorder = createEventRecorder(to, () => {});
  for (const message of ['a', 'b', 'c']) recorder.record(event(message));
  await waitFor(() => to.created.length === 3, { what: 'three Events' });
  assert.deepEqual(to.created, ['a', 'b', 'c']);
});

test('the same Event again is counted up, and written anew once it has expired', async () => {
  const to = sink();
  const recorder = createEventRecorder(to, () => {});
  recorder.record(event('a'));
  recorder.record(event('a'));
  await waitFor(() => to.repeated.length === 1, { what: 'the repetition' });
  to.expire();
  recorder.record(event('a'));
  await waitFor(() => to.created.length === 2, { what: 'the second Event' });
});

test('an Event is tried again while the API server is away', async () => {
  const to = sink(2);
  const recorder = createEventRecorder(to, () => {});
  recorder.record(event('a'));
  await waitFor(() => to.created.length === 1, { what: 'the Event' });
});

test('an Event that cannot be written is given up with a line in the log, and the next has its turn', async () => {
  const to = sink(5);
  const logged: LogEntry[] = [];
  const recorder = createEventRecorder(to, (entry) => logged.push(entry));
  recorder.record(event('a'));
  recorder.record(event('b'));
  await waitFor(() => to.created.length === 1, { what: 'the next Event', deadlineMs: 30_000 });
  assert.deepEqual(to.created, ['b']);
  assert.equal(logged[0]?.message, 'Event not written');
});

test('a storm of Events is cut to the burst of 25', async () => {
  const to = sink();
  const recorder = createEventRecorder(to, () => {});
  for (let n = 0; n < 100; n++) recorder.record(event(`${n}`));
  await waitFor(() => to.created.length === 25, { what: '25 Events' });
  recorder.record(event('one more'));
  await new Promise(setImmediate);
  assert.equal(to.created.length, 25);
});

test('a message is cut to what the API server takes', async () => {
  const to = sink();
  createEventRecorder(to, () => {}).record(event('x'.repeat(5000)));
  await waitFor(() => to.created[0]?.length === 1000, { what: 'the cut message' });
});
