import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplePod } from '../core/orders/sample-pod.ts';
import { DrainTally } from './drain-tally.ts';

const pod = (uid: string, terminating = false) => samplePod(uid, { uid, terminating });
const [A, B, C] = [pod('a'), pod('b'), pod('c', true)];

function setUp() {
  const abort = new AbortController();
  const seen = { left: 0, blocked: 0, accepted: [] as string[] };
  const meter = {
    podsLeft: (left: number, blocked: number) => Object.assign(seen, { left, blocked }),
    podAccepted: (how: string) => void seen.accepted.push(how),
  };
  const tally = new DrainTally(meter, abort.signal);
  tally.looked([A, B, C]);
  return { tally, seen, abort };
}

test('pods to evict and pods that end still have to go', () => {
  const { seen } = setUp();
  assert.deepEqual(seen, { left: 3, blocked: 0, accepted: [] });
});

test('a pod whose eviction is refused is blocked until an answer says otherwise', () => {
  const { tally, seen } = setUp();
  tally.answered(A, 'Evicted', 429);
  tally.answered(B, 'Evicted', 429);
  assert.equal(seen.blocked, 2);
  tally.answered(A, 'Evicted', null);
  assert.equal(seen.blocked, 2, 'an answer that was lost says nothing');
  tally.answered(A, 'Evicted', 201);
  assert.deepEqual([seen.blocked, seen.accepted], [1, ['Evicted']]);
  tally.looked([A]);
  assert.deepEqual([seen.left, seen.blocked], [1, 0], 'a pod that went is not blocked');
});

test('a pod that is being deleted is not blocked, whatever its eviction was answered', () => {
  const { tally, seen } = setUp();
  tally.answered(A, 'Evicted', 429);
  tally.answered(A, 'Deleted', 200);
  assert.deepEqual([seen.blocked, seen.accepted], [0, ['Deleted']]);
  tally.answered(B, 'Deleted', 429);
  assert.equal(seen.blocked, 0, 'no budget refuses a deletion');
  tally.answered(C, 'Evicted', 429);
  assert.equal(seen.blocked, 0, 'it ends already');
});

test('an error other than 429 neither blocks nor counts', () => {
  const { tally, seen } = setUp();
  for (const status of [403, 404, 409, 500, 503]) tally.answered(A, 'Evicted', status);
  assert.deepEqual(seen, { left: 3, blocked: 0, accepted: [] });
});

test('once the drain is over only what was accepted all the same is counted', () => {
  const { tally, seen, abort } = setUp();
  abort.abort();
  tally.looked([]);
  tally.answered(A, 'Evicted', 201);
  assert.deepEqual(seen, { left: 3, blocked: 0, accepted: ['Evicted'] });
});
