import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KubeError } from '../kube/kube-error.ts';
import { describeBug, isBug } from './bug.ts';

declare const noSuchName: string;

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('the call must throw');
}

const nothing = undefined as unknown as { field: string; call(): void };
const unclosed = '(';

const DEFECTS: readonly [string, () => unknown][] = [
  ['a field of what is not there', () => nothing.field],
  ['a call of what is no function', () => ({ ...nothing }).call()],
  ['a name that nobody gave', () => noSuchName],
  ['a time that is none', () => new Date('tomorrow').toISOString()],
  ['a regular expression that is none', () => new RegExp(unclosed)],
  ['an escape that is none', () => decodeURIComponent('%')],
  ['an assertion that does not hold', () => assert.equal(1, 2)],
];

suite('a defect of this program', () => {
  for (const [what, call] of DEFECTS) test(`is ${what}`, () => assert.ok(isBug(thrownBy(call))));

  test('is among others, too', () => {
    assert.ok(isBug(new AggregateError([new Error('no answer'), new TypeError('not a function')])));
  });
});

suite('no defect of this program', () => {
  const cases: readonly [string, unknown][] = [
    ['an answer of the API server', new KubeError('could not read Node a: 500', { status: 500 })],
    ['one whose cause is one', new KubeError('no', { status: null, cause: new TypeError('fetch failed') })],
    ['a message for people', new Error('the Node was not read yet, so no Event can be about it')],
    ['an answer that is no JSON', thrownBy(() => JSON.parse('<html>'))],
    ['an answer that was cut', thrownBy(() => JSON.parse('{"items": ['))],
    ['what the system says', Object.assign(new Error('no such file'), { code: 'ENOENT' })],
    ['a call that was abandoned', new DOMException('This operation was aborted', 'AbortError')],
    ['several without one', new AggregateError([new Error('a'), new Error('b')])],
    ['what is no error at all', 'TypeError'],
    ['nothing', null],
  ];
  for (const [what, error] of cases) test(`is ${what}`, () => assert.equal(isBug(error), false));
});

test('a defect is told in one short line', () => {
  assert.equal(describeBug(new TypeError('a\n\n  b\u2028c')), 'TypeError: a b c');
  assert.equal(describeBug(new RangeError('x'.repeat(1_000))).length, 300);
});
