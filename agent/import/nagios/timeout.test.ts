import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatNotes } from '../notes.ts';
import { COMMAND, checkOf, define, service, translate } from './fixtures.ts';

suite('what takes too long', () => {
  for (const [settings, expected] of [
    ['', [60, 'Failed']],
    ['service_check_timeout=20', [20, 'Failed']],
    ['service_check_timeout_state=u', [60, 'Unknown']],
  ] as const) {
    test(`with ${settings || 'the defaults'} is as Nagios calls it`, () => {
      const { timeoutSeconds, onTimeout } = checkOf(COMMAND, service(), settings);
      assert.deepEqual([timeoutSeconds, onTimeout], expected);
    });
  }
});

suite('what takes too long through NRPE is what the first who gives up calls it', () => {
  for (const [options, settings, expected] of [
    ['', '', [10, 'Failed']],
    ['-u', '', [10, 'Unknown']],
    ['-t 30', '', [30, 'Failed']],
    ['-t30', '', [30, 'Failed']],
    ['-nut30', '', [30, 'Unknown']],
    ['--timeout=30', '', [30, 'Failed']],
    ['--timeout 30 --unknown-timeout', '', [30, 'Unknown']],
    ['-t 30:UNKNOWN', '', [30, 'Unknown']],
    ['-t 30:3', '', [30, 'Unknown']],
    ['-t 30:unknown', '', [30, 'Unknown']],
    ['-t 30:', '', [30, 'Failed']],
    ['-t 30s', '', [30, 'Failed']],
    ['-C -u -t 30', '', [30, 'Failed']],
    ['--client-cert -u -t 30', '', [30, 'Failed']],
    ['-u -t 30', '', [30, 'Unknown']],
    ['-t 0', '', [10, 'Failed']],
    ['-t 30:DOWN', '', [10, 'Failed']],
    ['-t 30:WARNING', '', [30, 'Unknown']],
    ['-t 30:OK', '', [30, 'Unknown']],
    ['-t 30:CRITICAL', '', [30, 'Failed']],
    ['-t :UNKNOWN', '', [10, 'Unknown']],
    ['-p 30 -H -u', '', [10, 'Failed']],
    ['-t 30', 'command_timeout=20', [20, 'Unknown']],
    ['-t 60', 'command_timeout=60', [60, 'Failed']],
    ['-t 90:UNKNOWN', 'command_timeout=90', [60, 'Failed']],
    ['-t 90', 'command_timeout=80\nservice_check_timeout=120', [80, 'Unknown']],
    ['-t soon', '', [10, 'Failed']],
    ['-t $_SERVICETIMEOUT$', '', [10, 'Failed']],
  ] as const) {
    test(`check_nrpe ${options} ${settings}`, () => {
      const line = `/p/check_nrpe -H $HOSTADDRESS$ ${options} -c y -a -t 1 -u`;
      const { check, why, notes } =
        translate(
          define('command', { command_name: 'y', command_line: line }),
          service({ check_command: 'y' }),
          `${settings}\ncommand[y]=/opt/y`,
        ).drafts[0] ?? assert.fail();
      assert.deepEqual([check.timeoutSeconds, check.onTimeout], expected);
      assert.equal(
        /is not known to be (OK|WARNING), so it is Unknown/.test(why.onTimeout ?? ''),
        /OK|WARN/.test(options),
      );
      const told = formatNotes(notes).filter((note) => note.startsWith('-t'));
      const refused = /^-t (soon|0|30:DOWN|\$_SERVICETIMEOUT\$)$/.test(options);
      assert.deepEqual(
        told,
        refused
          ? [
              `${options} of service X (b.cfg:1): must be SECONDS, SECONDS:STATE or :STATE; taken instead: 10 s, CRITICAL`,
            ]
          : [],
      );
    });
  }

  test('and a service that waits longer for the same command is named', () => {
    const commands = ['-t 20', ''].map((options, index) =>
      define('command', { command_name: `y${index}`, command_line: `/p/check_nrpe ${options} -c y` }),
    );
    const services = service({ check_command: 'y0' }) + service({ service_description: 'Y', check_command: 'y1' });
    const { drafts } = translate(commands.join(''), services, 'command[y]=/opt/y');
    assert.deepEqual(formatNotes(drafts[0]?.notes ?? []), [
      'service Y, Failed after 10 s (b.cfg:6): one check runs the command, as service X says',
    ]);
  });
});

test('a timeout of more than a day is cut, and named', () => {
  const { check, notes } = translate(COMMAND, service(), 'service_check_timeout=99999999').drafts[0] ?? assert.fail();
  assert.equal(check.timeoutSeconds, 86_400);
  assert.deepEqual(formatNotes(notes), [
    'timeout of 99999999 s of service X (b.cfg:1): cut to 86400 s, the most that a policy can have',
  ]);
});
