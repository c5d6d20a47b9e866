import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeEvent } from '../core/event.ts';
import { BUG_LASTS_MS, createBugReporter } from './bug-reporter.ts';
import type { LogEntry } from './log.ts';

/** A reporter on a clock of its own, and all that it told. */
function setScene() {
  const scene = { nowMs: 0, counted: 0, news: 0, logged: [] as LogEntry[], events: [] as NodeEvent[] };
  const reporter = createBugReporter({
    log: (entry) => scene.logged.push(entry),
    record: (event) => scene.events.push(event),
    count: () => {
      scene.counted += 1;
    },
    onNews: () => {
      scene.news += 1;
    },
    nowMs: () => scene.nowMs,
  });
  return { scene, reporter };
}

test('a defect is counted, logged as an error with its stack, written as an Event and reported', () => {
  const { scene, reporter } = setScene();
  const bug = new TypeError('x is not a function');
  assert.equal(reporter.tell(bug), true);
  assert.equal(scene.counted, 1);
  const [{ level, message, fields } = assert.fail()] = scene.logged;
  assert.equal(level, 'error');
  assert.match(
    message,
    /^internal error: TypeError: x is not a function\. This is a defect of node-svc-checker\. Please report it/,
  );
  assert.equal(fields?.stack, bug.stack);
  const [{ type, reason, message: words } = assert.fail()] = scene.events;
  assert.deepEqual([type, reason], ['Warning', 'InternalError']);
  assert.match(words, /^internal error: TypeError: x is not a function\./);
  assert.deepEqual(reporter.lasting(), ['TypeError: x is not a function']);
  assert.equal(scene.news, 1);
});

test('what is no defect is nobody told of', () => {
  const { scene, reporter } = setScene();
  assert.equal(reporter.tell(new Error('no answer')), false);
  assert.deepEqual([scene.counted, scene.news, scene.logged, scene.events], [0, 0, [], []]);
  assert.deepEqual(reporter.lasting(), []);
});

test('each defect is told once while it lasts, and counted every time', () => {
  const { scene, reporter } = setScene();
  for (let n = 0; n < 5; n++) {
    reporter.tell(new TypeError('a'));
    reporter.tell(new TypeError('b'));
    scene.nowMs += BUG_LASTS_MS;
  }
  assert.deepEqual([scene.counted, scene.news, scene.logged.length, scene.events.length], [10, 2, 2, 2]);
});

test('a defect that has not shown for a while is over, and told anew when it comes back', () => {
  const { scene, reporter } = setScene();
  reporter.tell(new TypeError('a'));
  scene.nowMs += BUG_LASTS_MS + 1;
  assert.deepEqual(reporter.lasting(), []);
  reporter.tell(new TypeError('a'));
  assert.equal(scene.news, 2);
});

test('what another policy may have ended is forgotten, and told anew when it comes back', () => {
  const { scene, reporter } = setScene();
  reporter.tell(new TypeError('a'));
  reporter.forget();
  assert.deepEqual(reporter.lasting(), []);
  reporter.tell(new TypeError('a'));
  assert.equal(scene.news, 2);
});

test('defects without number are counted, and not all told', () => {
  const { scene, reporter } = setScene();
  for (let n = 0; n < 100; n++) assert.ok(reporter.tell(new TypeError(`${n}`)));
  assert.deepEqual([scene.counted, scene.news, reporter.lasting().length], [100, 20, 20]);
});
