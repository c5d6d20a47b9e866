import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PolicyReport } from './policy-report.ts';
import { rolloutOf, type Straggler } from './rollout.ts';

const WANTED = '0123456789ab';

suite('a node that reports', () => {
  const CASES: readonly [string, PolicyReport, Straggler['reason'] | null, string | null][] = [
    ['the revision', { revision: WANTED }, null, null],
    ['the revision, and newer files that are invalid', { revision: WANTED, error: 'no' }, null, null],
    ['the revision, and a defect of its agent', { revision: WANTED, internalError: 'x' }, 'InternalError', 'x'],
    ['all three', { revision: WANTED, error: 'no', internalError: 'x' }, 'InternalError', 'x'],
    ['another revision, and a defect', { revision: 'ba9876543210', internalError: 'x' }, 'InternalError', 'x'],
    ['invalid files, and a defect', { revision: null, error: 'no', internalError: 'x' }, 'InvalidFiles', 'no'],
    ['the revision, and a check that says nothing', { revision: WANTED, unknown: { disk: 'timed out' } }, null, null],
    ['another revision', { revision: 'ba9876543210' }, 'OtherRevision', null],
    ['none', { revision: null }, 'NothingInForce', null],
  ];
  for (const [what, report, reason, error] of CASES) {
    test(`${what} ${reason === null ? 'runs it' : `is ${reason}`}`, () => {
      const { stragglers } = rolloutOf(WANTED, [{ name: 'a', report }]);
      assert.deepEqual(
        stragglers.map((straggler) => [straggler.reason, straggler.error]),
        reason === null ? [] : [[reason, error]],
      );
    });
  }
});

test('the checks that say nothing are named by node, whatever it runs', () => {
  const unknown = { disk: 'timed out', net: 'killed by SIGKILL' };
  const { unknown: named } = rolloutOf(WANTED, [
    { name: 'b', report: { revision: WANTED, unknown } },
    { name: 'a', report: { revision: null, unknown: { disk: 'x' } } },
    { name: 'c', report: 'Absent' },
  ]);
  assert.deepEqual(named, [
    { node: 'a', policy: 'disk', why: 'x' },
    { node: 'b', policy: 'disk', why: 'timed out' },
    { node: 'b', policy: 'net', why: 'killed by SIGKILL' },
  ]);
});
