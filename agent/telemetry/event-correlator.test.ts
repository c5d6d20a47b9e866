import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeEvent } from '../core/node-event.ts';
import { EVENT_BURST, EVENT_REFILL_MS, EventCorrelator, EventShare, MAX_SIMILAR } from './event-correlator.ts';

const event = (message: string, more: Partial<NodeEvent> = {}): NodeEvent => ({
  type: 'Warning',
  topic: 'check',
  reason: 'CheckFailing',
  message,
  policy: 'a',
  ...more,
});
const MINUTE = 60_000;

test('an Event counts up while it comes again within 10 minutes, and then anew', () => {
  const correlator = new EventCorrelator();
  const first = correlator.note(event('x'), 0);
  assert.equal(correlator.note(event('x'), 9 * MINUTE), first);
  assert.equal(correlator.note(event('x'), 18 * MINUTE), first);
  assert.deepEqual([first.count, first.firstMs, first.lastMs], [3, 0, 18 * MINUTE]);
  assert.equal(correlator.note(event('x'), 29 * MINUTE).count, 1);
});

test('what differs in type, reason, policy or message is another Event', () => {
  const correlator = new EventCorrelator();
  correlator.note(event('x'), 0);
  const others = [event('y'), event('x', { type: 'Normal' }), event('x', { reason: 'BudgetDenied' })];
  for (const other of [...others, event('x', { policy: 'b' })]) assert.equal(correlator.note(other, 0).count, 1);
});

test('the eleventh message of a kind is combined with all further ones, until it is quiet for 10 minutes', () => {
  const correlator = new EventCorrelator();
  for (let n = 0; n < MAX_SIMILAR; n++) assert.equal(correlator.note(event(`${n}`), 0).event.message, `${n}`);
  const combined = correlator.note(event('10'), MINUTE);
  assert.equal(combined.event.message, '(combined from similar Events): 10');
  assert.equal(correlator.note(event('11'), MINUTE), combined);
  assert.equal(combined.event.message, '(combined from similar Events): 11');
  assert.equal(correlator.note(event('3'), MINUTE).count, 2, 'a known one goes on by itself');
  assert.equal(correlator.note(event('other', { policy: 'b' }), MINUTE).event.message, 'other');
  assert.equal(correlator.note(event('12'), 30 * MINUTE).event.message, '12');
});

test('the share is a burst of 25 and one every 5 minutes, never more than the burst', () => {
  const share = new EventShare(0);
  const takeAll = (nowMs: number) => {
    let taken = 0;
    while (share.take(nowMs)) taken += 1;
    return taken;
  };
  assert.equal(takeAll(0), EVENT_BURST);
  assert.equal(share.untilNextMs(MINUTE), EVENT_REFILL_MS - MINUTE);
  assert.equal(takeAll(EVENT_REFILL_MS - 1), 0);
  assert.equal(takeAll(EVENT_REFILL_MS), 1);
  assert.equal(takeAll(3 * EVENT_REFILL_MS), 2);
  assert.equal(takeAll(1_000 * EVENT_REFILL_MS), EVENT_BURST);
});

test('a clock that was set back delays the next one by no more than 5 minutes', () => {
  const share = new EventShare(1_000 * EVENT_REFILL_MS);
  for (let n = 0; n < EVENT_BURST; n++) share.take(1_000 * EVENT_REFILL_MS);
  assert.equal(share.take(0), false);
  assert.equal(share.untilNextMs(0), EVENT_REFILL_MS);
  assert.equal(share.take(EVENT_REFILL_MS), true);
});
