import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type JudgeRules, judge, type RunOutcome } from './verdict.ts';

const exited = (code: number): RunOutcome['ended'] => ({ kind: 'Exited', code });
const TIMED_OUT: RunOutcome['ended'] = { kind: 'TimedOut' };
const SIGNALED: RunOutcome['ended'] = { kind: 'Signaled', signal: 'SIGSEGV' };
const NOT_STARTED: RunOutcome['ended'] = { kind: 'NotStarted', reason: 'not found' };

const DEFAULTS: JudgeRules = {
  onStderr: 'Fatal',
  onTimeout: 'Unknown',
  exitCodes: { unknown: [126, 127], reasons: {} },
  words: 'FirstLine',
};
const outcome = (ended: RunOutcome['ended'], rest: Partial<RunOutcome> = {}): RunOutcome => ({
  ended,
  stdout: '',
  stderr: '',
  stdoutBytes: 0,
  stderrBytes: 0,
  durationMs: 1,
  ...rest,
});

const rows: [
  rule: string,
  ended: RunOutcome['ended'],
  stderrBytes: number,
  onStderr: JudgeRules['onStderr'],
  onTimeout: JudgeRules['onTimeout'],
  expected: string,
][] = [
  ['exit 0 and silent stderr is healthy', exited(0), 0, 'Fatal', 'Unknown', 'Healthy'],
  ['any other exit code is failed', exited(7), 0, 'Fatal', 'Unknown', 'Failed'],
  ['a tool that a shell does not find is unknown', exited(127), 0, 'Ignore', 'Unknown', 'Unknown'],
  ['a tool that a shell cannot execute is unknown', exited(126), 0, 'Ignore', 'Unknown', 'Unknown'],
  ['a code that is unknown stays unknown with noise that counts', exited(127), 1, 'Failed', 'Unknown', 'Unknown'],
  ['stderr is fatal where the policy says so', exited(0), 1, 'Fatal', 'Unknown', 'Fatal'],
  ['stderr is fatal whatever the exit code', exited(1), 1, 'Fatal', 'Unknown', 'Fatal'],
  ['stderr is fatal also with a code that is unknown', exited(127), 1, 'Fatal', 'Unknown', 'Fatal'],
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
    assert.equal(judge(outcome(ended, { stderrBytes }), { ...DEFAULTS, onStderr, onTimeout }).status, expected);
  });
}

suite("a policy's exit codes", () => {
  const exitCodes = { unknown: [3], reasons: { 2: 'DiskFull', 3: 'PluginUnknown' } };
  const rules: JudgeRules = { ...DEFAULTS, exitCodes };

  test('replace those that are unknown by default', () => {
    const statuses = [3, 126, 127].map((code) => judge(outcome(exited(code)), rules).status);
    assert.deepEqual(statuses, ['Unknown', 'Failed', 'Failed']);
  });

  for (const [code, mapped, reason] of [
    [1, null, 'exit code 1'],
    [2, 'DiskFull', 'exit code 2 (DiskFull)'],
    [3, 'PluginUnknown', 'exit code 3 (PluginUnknown)'],
  ] as const) {
    test(`give ${code} ${mapped === null ? 'no reason' : `the reason ${mapped}`}`, () => {
      const judgement = judge(outcome(exited(code)), rules);
      assert.deepEqual([judgement.mapped, judgement.reason], [mapped, reason]);
    });
  }

  test('say nothing of how a run ended that has no exit code', () => {
    for (const ended of [TIMED_OUT, SIGNALED, NOT_STARTED]) assert.equal(judge(outcome(ended), rules).mapped, null);
  });

  test('cannot make exit code 0 anything but healthy', () => {
    const never = { ...rules, exitCodes: { unknown: [0], reasons: {} } };
    assert.equal(judge(outcome(exited(0)), never).status, 'Healthy');
  });
});

test('why a run could not be started is one visible line, for a script can speak like its launcher', () => {
  const reason = `nsenter: \u001b[2Joh\u202e\u0007 ${'x'.repeat(4_000)}\nline`;
  const said = judge(outcome({ kind: 'NotStarted', reason }), DEFAULTS).reason;
  assert.match(said, /^could not be started: nsenter: oh {2}x{400,}…$/);
  assert.ok(said.length < 600, `${said.length} characters`);
});

suite('the words of a verdict', () => {
  const both = { stdout: 'OK - fine\n', stdoutBytes: 10, stderr: 'no such file\n', stderrBytes: 13 };

  test('are what the script said on stdout, whatever its verdict', () => {
    for (const ended of [exited(0), exited(1), exited(127), TIMED_OUT, SIGNALED]) {
      assert.equal(judge(outcome(ended, both), { ...DEFAULTS, onStderr: 'Ignore' }).words, 'OK - fine');
    }
  });

  test('of what is fatal are the complaint', () => {
    assert.equal(judge(outcome(exited(0), both), DEFAULTS).words, 'no such file');
  });

  test('are none where the policy wants none, also of what is fatal', () => {
    const rules: JudgeRules = { ...DEFAULTS, words: 'None' };
    const { status, words } = judge(outcome(exited(1), both), rules);
    assert.deepEqual([status, words], ['Fatal', '']);
    assert.equal(judge(outcome(exited(1), both), { ...rules, onStderr: 'Ignore' }).words, '');
  });

  test('are none where the script did not run', () => {
    assert.equal(judge(outcome(NOT_STARTED, both), DEFAULTS).words, '');
  });
});
