import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Hold, holdOf, type Ledger, readLedger, writeLedger } from './ledger.ts';
import { LEDGER_ANNOTATION } from './node.ts';
import { drainRules } from './orders/drain-rules.ts';
import { SAMPLE_DRAIN, SAMPLE_TAINT, sampleNode } from './samples.ts';

const ledger: Ledger = {
  nodeUid: 'uid-1',
  since: '2026-01-01T00:00:00Z',
  policies: {
    b: {
      since: '2026-01-01T00:00:00Z',
      marks: { cordon: {}, taint: SAMPLE_TAINT },
      drain: { state: 'Draining', since: '2026-01-01T00:00:00Z', rules: drainRules(SAMPLE_DRAIN) },
    },
    a: { since: '2026-01-01T00:00:01Z', marks: {}, drain: null },
  },
  marks: [
    { effect: 'cordon', mark: {}, owner: 'Ours' },
    { effect: 'taint', mark: SAMPLE_TAINT, owner: 'Theirs' },
  ],
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
const withMark = (more: object) => JSON.stringify({ ...whole, marks: [{ ...whole.marks[0], ...more }] });
const withDrain = (more: object) =>
  JSON.stringify({ ...whole, policies: { b: { ...whole.policies.b, drain: { ...whole.policies.b.drain, ...more } } } });
const broken: [found: string, text: string, problem: RegExp][] = [
  ['text that is not JSON', 'x', /JSON/],
  ['a list', '[]', /must be an object/],
  ['null', 'null', /must be an object/],
  ['another version', JSON.stringify({ ...whole, version: 3 }), /version must be 1 or 2, found 3/],
  ['no version', JSON.stringify({ ...whole, version: undefined }), /version must be 1 or 2, found undefined/],
  ['an owner nobody knows', withMark({ owner: 'Mine' }), /marks\[0\].owner must be Ours, Theirs or TakenAway/],
  ['an effect nobody knows', withMark({ effect: 'reboot' }), /effect must be one of cordon, taint, found "reboot"/],
  ['a missing field', JSON.stringify({ ...whole, nodeUid: undefined }), /nodeUid must be a string/],
  [
    'a taint with a wrong effect',
    withMark({ effect: 'taint', mark: { key: 'k', value: '', effect: 'X' } }),
    /marks\[0\].mark.effect must be one of NoSchedule, PreferNoSchedule, NoExecute, found "X"/,
  ],
  ['policies that are a list', JSON.stringify({ ...whole, policies: [] }), /policies must be an object/],
  ['a drain state nobody knows', withDrain({ state: '?' }), /policies.b.drain.state must be Draining, Drained, GaveUp/],
  ['a taint without a value', withMark({ effect: 'taint', mark: { key: 'k', effect: 'NoSchedule' } }), /value must be/],
];

for (const [found, text, problem] of broken) {
  test(`a ledger with ${found} is unreadable, not empty`, () => {
    const reading = readLedger(nodeWith(text));
    assert.equal(reading.readable, false);
    assert.match(reading.readable ? '' : reading.problem, problem);
  });
}

suite('what a check said when its policy took hold', () => {
  const { a, b } = ledger.policies as Record<'a' | 'b', Hold>;
  const withSaid = (said: object) => ({ ...ledger, policies: { b, a: { ...a, ...said } } });
  const readA = (said: object) => {
    const reading = readLedger(
      nodeWith(JSON.stringify({ ...whole, policies: { ...whole.policies, a: { ...a, ...said } } })),
    );
    assert.ok(reading.readable, 'it must be readable');
    const { mapped, words } = holdOf(reading.ledger, 'a') ?? assert.fail('the hold must be there');
    return { ...(mapped !== undefined && { mapped }), ...(words !== undefined && { words }) };
  };

  test('is read back as it was written', () => {
    const said = withSaid({ mapped: 'DiskFull', words: 'DISK CRITICAL - "sda" 98 %' });
    assert.deepEqual(readLedger(nodeWith(writeLedger(said))), { readable: true, ledger: said });
  });

  test('takes no place where there is nothing', () => assert.doesNotMatch(writeLedger(ledger), /mapped|words/));

  const rows: [found: string, written: object, read: object][] = [
    ['words that are no text count as none', { words: 7 }, {}],
    ['empty words count as none', { words: ' \n' }, {}],
    ['more than one line is its first', { words: 'a\nb' }, { words: 'a' }],
    ['what steers a terminal is taken from it', { words: '\u001b[2Ja\u009b31mb' }, { words: 'ab' }],
    ['what is too long is cut', { words: 'x'.repeat(9_999) }, { words: `${'x'.repeat(253)}…` }],
    ['a reason that is no text counts as none', { mapped: {} }, {}],
    ['a reason that is no reason counts as none', { mapped: 'disk full' }, {}],
    ['a reason that is too long counts as none', { mapped: 'X'.repeat(64) }, {}],
    ['one of them is enough', { mapped: 'DiskFull', words: null }, { mapped: 'DiskFull' }],
  ];
  for (const [found, written, read] of rows) {
    test(`whatever somebody writes there, the ledger stays readable: ${found}`, () => {
      assert.deepEqual(readA(written), read);
    });
  }
});
