import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { POLICY_ANNOTATION } from './node.ts';
import { formatPolicyReport, readPolicyReport } from './policy-report.ts';

const read = (text: string) => readPolicyReport({ [POLICY_ANNOTATION]: text });

suite('the policy report', () => {
  test('says the revision in force, and nothing else when all is well', () => {
    assert.equal(formatPolicyReport('0123456789ab', []), '{"revision":"0123456789ab"}');
  });

  test('tells the first error and how many more there are, and is read back as it was written', () => {
    const text = formatPolicyReport(null, ['a.yaml:1:1: no', 'b', 'c']);
    assert.deepEqual(read(text), { revision: null, error: 'a.yaml:1:1: no (and 2 more)' });
  });

  test('tells a defect of the agent, beside what is wrong with the files, and both are read back', () => {
    const alone = formatPolicyReport('0123456789ab', [], ['TypeError: x', 'TypeError: y']);
    assert.equal(alone, '{"revision":"0123456789ab","error":"internal error: TypeError: x (and 1 more)"}');
    assert.deepEqual(read(alone), { revision: '0123456789ab', internalError: 'TypeError: x (and 1 more)' });
    const both = formatPolicyReport(null, ['a.yaml:1:1: no'], ['TypeError: x']);
    assert.deepEqual(read(both), { revision: null, error: 'a.yaml:1:1: no', internalError: 'TypeError: x' });
  });

  test('takes what only speaks of a defect for what is wrong with the files', () => {
    const text = formatPolicyReport(null, ['a.yaml:1:1: no, found "internal error: x"']);
    assert.deepEqual(read(text), { revision: null, error: 'a.yaml:1:1: no, found "internal error: x"' });
  });

  test('is short, however long the error is', () => {
    assert.ok(formatPolicyReport('0123456789ab', ['x'.repeat(100_000)]).length < 600);
  });

  test('names the checks that say nothing, as many as fit, and is read back as it was written', () => {
    const text = formatPolicyReport('0123456789ab', ['no'], ['TypeError: x'], [['disk', 'timed out']]);
    const unknown = { disk: 'timed out' };
    assert.deepEqual(read(text), { revision: '0123456789ab', error: 'no', internalError: 'TypeError: x', unknown });
    const many = Array.from({ length: 300 }, (_, n) => [`${'p'.repeat(60)}${n}`, 'x'.repeat(5_000)] as const);
    const long = formatPolicyReport('0123456789ab', [], [], many);
    assert.ok(long.length < 3_000, `${long.length} characters`);
    const report = read(long);
    assert.ok(typeof report === 'object');
    assert.deepEqual([Object.keys(report.unknown ?? {}).length, report.unknownMore], [10, 290]);
  });

  test('of which somebody made another list than ours names no check', () => {
    for (const unknown of ['x', 7, null, [], {}, { a: 7 }]) {
      assert.deepEqual(read(JSON.stringify({ revision: 'a', unknown, unknownMore: 3 })), { revision: 'a' });
    }
  });

  test('is read as lines of visible characters, however somebody wrote it, and names policies alone', () => {
    const error = `a.yaml:1:1:\u001b[2J no${'x'.repeat(1_000)}\ninternal error: \u202eTypeError\u0007 x\n::error::y`;
    const unknown = { disk: 'timed\tout\nNODE', 'Not a name': 'x', ['p'.repeat(64)]: 'x', ['__proto__']: 'x' };
    const report = read(JSON.stringify({ revision: 'a', error, unknown, unknownMore: 2 }));
    assert.ok(typeof report === 'object');
    assert.match(report.error ?? '', /^a\.yaml:1:1: nox{400,520}…$/);
    assert.equal(report.internalError, 'TypeError  x');
    assert.deepEqual([report.unknown, report.unknownMore], [{ disk: 'timed out' }, 2]);
    assert.equal(read(JSON.stringify({ revision: 'a\nb' })), 'Unreadable');
  });

  test('that is not there is Absent', () => assert.equal(readPolicyReport({}), 'Absent'));

  for (const text of ['', '{"revision"', 'null', '[]', '"text"', '{}', '{"revision":7}']) {
    test(`that somebody overwrote with ${text || 'nothing'} is Unreadable`, () =>
      assert.equal(read(text), 'Unreadable'));
  }

  test('has no error when what stands there is no text', () => {
    assert.deepEqual(read('{"revision":"a","error":7,"more":1}'), { revision: 'a' });
  });
});
