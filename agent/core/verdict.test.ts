import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check } from './policy.ts';
import { judge, type RunOutcome } from './verdict.ts';

const exited = (code: number): RunOutcome['ended'] => ({ kind: 'Exited', code });
const TIMED_OUT: RunOutcome['ended'] = { kind: 'TimedOut' };
const SIGNALED: RunOutcome['ended'] = { kind: 'Signaled', signal: 'SIGSEGV' };
const NOT_STARTED: RunOutcome['ended'] = { kind: 'NotStarted', reason: 'not found' };

const rows: [
  rule: string,
  ended: RunOutcome['ended'],
  stderrBytes: number,
  onStderr: Check['onStderr'],
  onTimeout: Check['onTimeout'],
  expected: string,
][] = [
  ['exit 0 and silent stderr is healthy', exited(0), 0, 'Fatal', 'Unknown', 'Healthy'],
  ['any other exit code is failed', exited(7), 0, 'Fatal', 'Unknown', 'Failed'],
  ['exit code 127 is failed like any other', exited(127), 0, 'Fatal', 'Unknown', 'Failed'],
  ['stderr is fatal where the policy says so', exited(0), 1, 'Fatal', 'Unknown', 'Fatal'],
  ['stderr is fatal whatever the exit code', exited(1), 1, 'Fatal', 'Unknown', 'Fatal'],
  ['stderr is fatal in a run that timed out', TIMED_OUT, 1, 'Fatal', 'Failed', 'Fatal'],
  ['stderr is failed where the policy says so', exited(0), 1, 'Failed', 'Unknown', 'Failed'],
  ['stderr is unknown where the policy says so, whatever the exit code', exited(1), 1, 'Unknown', 'Unknown', 'Unknown'],
  ['ignored stderr leaves the word to exit code 0', exited(0), 1, 'Ignore', 'Unknown', 'Healthy'],
  ['ignored stderr leaves the word to exit code 1', exited(1), 1, 'Ignore', 'Unknown', 'Failed'],
  ['a timeout is unknown by default', TIMED_OUT, 0, 'Fatal', 'Unknown', 'Unknown'],
  ['a timeout is failed where the policy says so', TIMED_OUT, 0, 'Fatal', 'Failed', 'Failed'],
  ['a timeout with noise is what onTimeout says', TIMED_OUT, 1, 'Failed', 'Unknown', 'Unknown'],
  ['a signal that is not ours is unknown', SIGNALED, 0, 'Fatal', 'Failed', 'Unknown'],
  ['a signal with noise is still unknown', SIGNALED, 1, 'Failed', 'Failed', 'Unknown'],
  ['what could not be started is unknown', NOT_STARTED, 0, 'Fatal', 'Failed', 'Unknown'],
  ['a launcher that complains on stderr ends no agent', NOT_STARTED, 1, 'Fatal', 'Failed', 'Unknown'],
];

for (const [rule, ended, stderrBytes, onStderr, onTimeout, expected] of rows) {
  test(rule, () => {
    const outcome = { ended, stdout: '', stderr: '', stdoutBytes: 0, stderrBytes, durationMs: 1 };
    assert.equal(judge(outcome, { onStderr, onTimeout }).status, expected);
  });
}
