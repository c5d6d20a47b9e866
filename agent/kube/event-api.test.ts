import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canRetryEvent } from './event-api.ts';
import { KubeError } from './kube-error.ts';

const CASES: readonly (readonly [rule: string, status: number | null, attempts: number, again: boolean])[] = [
  ['without an answer is tried for as long as it takes', null, 1_000, true],
  ['is tried again while the server is in trouble', 503, 11, true],
  ['is tried again on a server that has not read its roles yet', 403, 11, true],
  ['is tried again on a server that has enough to do', 429, 1, true],
  ['is given up when the server stays in trouble', 503, 12, false],
  ['is given up when the right stays missing', 403, 12, false],
  ['that the server finds fault with is given up at once', 422, 1, false],
];
for (const [rule, status, attempts, again] of CASES) {
  test(`an Event ${rule}`, () => {
    assert.equal(canRetryEvent(new KubeError('could not write', { status }), attempts), again);
  });
}

test('an Event that cannot be sent yet is tried again', () => {
  assert.ok(canRetryEvent(new Error('the Node was not read yet'), 1_000));
});
