import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTHING_READ, readEntry, tellEntry } from './agent-log.ts';

const say = (msg: string, fields = {}) => ({ level: 'warn', msg, ...fields });
const DENIED = say('the cluster budget grants no slot; would otherwise act on the node', { would: 'cordon' });

for (const end of ['policy recovered', 'node changed: Cordoned', 'mode is Observe; would otherwise act on the node']) {
  test(`a node is denied until the agent says "${end}"`, () => {
    const denied = [DENIED, say('check failed', { policy: 'one', failures: 5, failureThreshold: 4 })];
    const reading = denied.reduce(readEntry, NOTHING_READ);
    assert.equal(reading.isDenied, true);
    assert.equal(readEntry(reading, say(end)).isDenied, false);
  });
}

test('a denial is told with its reason, and what was wanted', () => {
  const told = [say('slot denied', { reason: 'budget one is full, 1 of 1 disrupted' }), DENIED];
  assert.deepEqual(
    told.map((entry) => tellEntry(NOTHING_READ, entry)),
    ['no slot: budget one is full, 1 of 1 disrupted', 'left as it is; wanted: cordon'],
  );
});
