import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatNotes } from '../notes.ts';
import { COMMAND, checkOf, service, translate } from './fixtures.ts';

suite('how often, and how many failures', () => {
  for (const [directives, settings, expected] of [
    [{}, '', [60, 3]],
    [{ check_interval: 10, retry_interval: 2 }, '', [120, 3]],
    [{ check_interval: 10, retry_interval: 2, max_check_attempts: 1 }, '', [600, 1]],
    [{ normal_check_interval: 2, retry_check_interval: 0.5 }, '', [30, 3]],
    [{ check_interval: 30, retry_interval: 10 }, 'interval_length=1', [10, 3]],
    [{ retry_interval: 99999 }, '', [86_400, 3]],
    [{ max_check_attempts: 'null' }, '', [60, 3]],
  ] as const) {
    test(`${JSON.stringify(directives)} ${settings}`, () => {
      const { periodSeconds, failureThreshold } = checkOf(COMMAND, service(directives), settings);
      assert.deepEqual([periodSeconds, failureThreshold], expected);
    });
  }
});

suite('a value that is not taken as it stands is named, and said in the comment before the field', () => {
  const NUMBER = "must be a number above zero; Nagios' default,";
  const COUNT = 'must be a whole number above zero; 3 is taken';
  const CUT = 'the most that a policy can have';
  for (const [directives, settings, expected, field, note] of [
    [{ check_interval: 'abc', max_check_attempts: 1 }, '', [300, 1], 'periodSeconds', `${NUMBER} 5, is taken`],
    [{ normal_check_interval: '-3', max_check_attempts: 1 }, '', [300, 1], 'periodSeconds', `${NUMBER} 5, is taken`],
    [{ check_interval: '5m', max_check_attempts: 1 }, '', [300, 1], 'periodSeconds', `${NUMBER} 5, is taken`],
    [{ retry_interval: 0 }, '', [60, 3], 'periodSeconds', `${NUMBER} 1, is taken`],
    [{ retry_interval: '0x10' }, '', [60, 3], 'periodSeconds', `${NUMBER} 1, is taken`],
    [{ retry_check_interval: 99999999 }, '', [86_400, 3], 'periodSeconds', `cut to 86400 s, ${CUT}`],
    [{ max_check_attempts: 0 }, '', [60, 3], 'failureThreshold', COUNT],
    [{ max_check_attempts: 'abc' }, '', [60, 3], 'failureThreshold', COUNT],
    [{ max_check_attempts: '-3' }, '', [60, 3], 'failureThreshold', COUNT],
    [{ max_check_attempts: 2.5 }, '', [60, 3], 'failureThreshold', COUNT],
    [{ max_check_attempts: 99999999 }, '', [60, 86_400], 'failureThreshold', `cut to 86400, ${CUT}`],
  ] as const) {
    test(`${JSON.stringify(directives)} ${settings}`, () => {
      const { check, why, notes } = translate(COMMAND, service(directives), settings).drafts[0] ?? assert.fail();
      assert.deepEqual([check.periodSeconds, check.failureThreshold], expected);
      const [[name, value] = assert.fail()] = Object.entries(directives);
      const told = `${name} ${value} (b.cfg:${name === 'max_check_attempts' ? 4 : 5}): ${note}`;
      assert.deepEqual(formatNotes(notes), [told]);
      assert.ok(why[field]?.endsWith(`. ${told}.`), why[field]);
      assert.doesNotMatch(why.failureThreshold ?? '', /in none of these files/);
    });
  }

  test('of what is cut because of the length of an interval, the service', () => {
    const { drafts } = translate(COMMAND, service(), 'interval_length=100000');
    assert.deepEqual(formatNotes(drafts[0]?.notes ?? []), [
      'service X (b.cfg:1): cut to 86400 s, the most that a policy can have',
    ]);
  });

  for (const [setting, usual] of [
    ['interval_length=0', 60],
    ['service_check_timeout=soon', 60],
    ['host_check_timeout=-1', 30],
    ['command_timeout=5m', 60],
  ] as const) {
    test(setting, () => {
      const { notes } = translate(COMMAND, service(), setting);
      assert.deepEqual(formatNotes(notes), [
        `${setting} (c.cfg:1): must be a number above zero; the default, ${usual}, is taken`,
      ]);
    });
  }
});

test('a check that Nagios does not schedule is left out, and named', () => {
  for (const [name, value] of [
    ['check_interval', 0],
    ['normal_check_interval', '0.0'],
  ] as const) {
    const { drafts, notes } = translate(COMMAND, service({ [name]: value }));
    assert.deepEqual(drafts, []);
    assert.deepEqual(formatNotes(notes), [
      'service X (b.cfg:1): its check_interval is 0: Nagios does not schedule it, something else may run it',
    ]);
  }
});
