import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdOf, type Ledger, readLedger, writeLedger } from './ledger.ts';
import { LEDGER_ANNOTATION } from './node.ts';
import { SAMPLE_TAINT, sampleNode } from './samples.ts';

const ledger: Ledger = {
  nodeUid: 'uid-1',
  since: '2026-01-01T00:00:00Z',
  policies: {
    b: { since: '2026-01-01T00:00:00Z', cordon: true, taint: SAMPLE_TAINT, drain: true },
    a: { since: '2026-01-01T00:00:01Z', cordon: false, taint: null, drain: false },
  },
  cordon: 'Ours',
  taints: [{ ...SAMPLE_TAINT, owner: 'Theirs' }],
  drain: { state: 'Draining', since: '2026-01-01T00:00:00Z' },
};
const nodeWith = (text: string) => sampleNode({ annotations: { [LEDGER_ANNOTATION]: text } });

test('what was written is read back', () => {
  assert.deepEqual(readLedger(nodeWith(writeLedger(ledger))), { readable: true, ledger });
});

test('the same ledger is the same text, in whatever order its policies were found', () => {
  const { a, b } = ledger.policies as { a: never; b: never };
  assert.equal(writeLedger({ ...ledger, policies: { a, b } }), writeLedger({ ...ledger, policies: { b, a } }));
});

test('a policy holds what the ledger says, and nothing for what every object has', () => {
  assert.equal(holdOf(ledger, 'b'), ledger.policies.b);
  assert.equal(holdOf(ledger, 'constructor'), null);
  assert.equal(holdOf(null, 'b'), null);
});

test('no annotation is no ledger', () => {
  assert.deepEqual(readLedger(sampleNode()), { readable: true, ledger: null });
});

test('a ledger of a Node with another UID counts as none', () => {
  assert.deepEqual(readLedger({ ...nodeWith(writeLedger(ledger)), uid: 'uid-2' }), { readable: true, ledger: null });
});

const whole = JSON.parse(writeLedger(ledger));
const broken: [found: string, text: string, problem: RegExp][] = [
  ['text that is not JSON', 'x', /JSON/],
  ['a list', '[]', /must be an object/],
  ['null', 'null', /must be an object/],
  ['another version', JSON.stringify({ ...whole, version: 2 }), /version must be 1, found 2/],
  ['an owner nobody knows', JSON.stringify({ ...whole, cordon: 'Mine' }), /cordon must be Ours, Theirs or Released/],
  ['a missing field', JSON.stringify({ ...whole, nodeUid: undefined }), /nodeUid must be a string/],
  [
    'a taint with a wrong effect',
    JSON.stringify({ ...whole, taints: [{ key: 'k', value: '', effect: 'X' }] }),
    /taint effect/,
  ],
  ['policies that are a list', JSON.stringify({ ...whole, policies: [] }), /policies must be an object/],
  ['a drain state nobody knows', JSON.stringify({ ...whole, drain: { state: '?' } }), /drain.state/],
];

for (const [found, text, problem] of broken) {
  test(`a ledger with ${found} is unreadable, not empty`, () => {
    const reading = readLedger(nodeWith(text));
    assert.equal(reading.readable, false);
    assert.match(reading.readable ? '' : reading.problem, problem);
  });
}
