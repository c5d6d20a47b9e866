import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatNotes } from '../notes.ts';
import { fileSource } from '../source.ts';
import { readCfg } from './read-cfg.ts';
import { translateNagios } from './translate.ts';

const translate = (...texts: string[]) =>
  translateNagios(texts.map((text, index) => readCfg(fileSource(`${'abc'[index]}.cfg`, text))));

function define(type: string, directives: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(directives).map(([name, value]) => `  ${name}  ${value}\n`);
  return `define ${type} {\n${lines.join('')}}\n`;
}
const COMMAND = define('command', { command_name: 'check_x', command_line: '/opt/x -w $ARG1$ "$ARG2$"' });
const service = (directives: Readonly<Record<string, string | number>> = {}) =>
  define('service', { service_description: 'X', check_command: 'check_x!1!2', max_check_attempts: 3, ...directives });
const checkOf = (...texts: string[]) => translate(...texts).drafts[0]?.check ?? assert.fail();

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
      assert.ok(why[field]?.includes(told), why[field]);
      assert.doesNotMatch(why.failureThreshold ?? '', /in none of these files/);
    });
  }

  test('of what is cut because of the length of an interval, the service', () => {
    const { drafts } = translate(COMMAND, service(), 'interval_length=100000');
    assert.deepEqual(formatNotes(drafts[0]?.notes ?? []), [
      'service X (b.cfg:1): cut to 86400 s, the most that a policy can have',
    ]);
  });

  test('a timeout of more than a day', () => {
    const { check, notes } = translate(COMMAND, service(), 'service_check_timeout=99999999').drafts[0] ?? assert.fail();
    assert.equal(check.timeoutSeconds, 86_400);
    assert.deepEqual(formatNotes(notes), [
      'timeout of 99999999 s of service X (b.cfg:1): cut to 86400 s, the most that a policy can have',
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

suite('an object inherits what it does not say itself', () => {
  const template = (name: string, directives: object) => define('service', { name, register: 0, ...directives });

  test('the first template counts, and templates inherit as well', () => {
    const templates = [
      template('base', { retry_interval: 9, max_check_attempts: 7 }),
      template('a', { use: 'base', retry_interval: 2 }),
      template('b', { retry_interval: 5, max_check_attempts: 4 }),
    ];
    const own = define('service', { use: 'a, b', service_description: 'X', check_command: 'check_x!1!2' });
    const { periodSeconds, failureThreshold } = checkOf(COMMAND, templates.join(''), own);
    assert.deepEqual([periodSeconds, failureThreshold], [120, 7]);
  });

  test('a template that uses itself ends somewhere', () => {
    const circle = template('a', { use: 'b', retry_interval: 2 }) + template('b', { use: 'a' });
    assert.equal(checkOf(COMMAND, circle, service({ use: 'a' })).periodSeconds, 120);
  });
});

suite('a command line', () => {
  test('has the arguments of the service in it, and none where there are fewer', () => {
    assert.deepEqual(checkOf(COMMAND, service()).command, ['/opt/x', '-w', '1', '2']);
    assert.deepEqual(checkOf(COMMAND, service({ check_command: 'check_x!1' })).command, ['/opt/x', '-w', '1', '']);
  });

  test('with macros in its arguments has their values', () => {
    const texts = [COMMAND, service({ check_command: 'check_x!$USER1$/y!2' }), '$USER1$=/plugins'];
    assert.deepEqual(checkOf(...texts).command, ['/opt/x', '-w', '/plugins/y', '2']);
  });

  test('with a macro that has no value is left out, and said where and why', () => {
    const { drafts, notes } = translate(
      define('command', { command_name: 'check_x', command_line: '$USER1$/x $HOSTADDRESS$' }),
      service(),
    );
    assert.deepEqual(drafts, []);
    assert.deepEqual(formatNotes(notes), [
      'service X (b.cfg:1): $USER1$ has no value in these files; $HOSTADDRESS$ is not replaced by the importer; written in a.cfg:3: $USER1$/x $HOSTADDRESS$',
    ]);
  });

  for (const [argument, macros] of [
    ['$_SERVICEPROC$', '$_SERVICEPROC$ is not replaced by the importer'],
    ['x/$HOSTNAME$/$SERVICEDESC$', '$HOSTNAME$, $SERVICEDESC$ are not replaced by the importer'],
    ['$USER1$/x', '$USER1$ has no value in these files'],
    ['$USER3$', '$USER3$ is no path and may be a password, which is not written into a policy'],
  ] as const) {
    test(`with ${argument} in an argument is left out, by itself and through NRPE`, () => {
      const viaNrpe = define('command', { command_name: 'check_y', command_line: '/p/check_nrpe -c y -a $ARG1$' });
      const { drafts, notes } = translate(
        COMMAND + viaNrpe,
        service({ check_command: `check_x!1!${argument}` }) + service({ check_command: `check_y!${argument}` }),
        '$USER3$=hunter2\ncommand[y]=/opt/y $ARG1$',
      );
      const made = drafts.map(({ check }) => check.command);
      assert.deepEqual(made, [], JSON.stringify(made));
      const told = formatNotes(notes).join('\n');
      for (const written of [
        `a.cfg:3: /opt/x -w $ARG1$ "$ARG2$", and b.cfg:3: check_x!1!${argument}`,
        `a.cfg:7: /p/check_nrpe -c y -a $ARG1$, and b.cfg:8: check_y!${argument}`,
      ]) {
        assert.ok(told.includes(`${macros}; written in ${written}`), told);
      }
    });
  }

  test('is a check whatever stands in an argument that it does not use', () => {
    const { check } =
      translate(COMMAND, service({ check_command: 'check_x!1!2!$HOSTNAME$' })).drafts[0] ?? assert.fail();
    assert.deepEqual(check.command, ['/opt/x', '-w', '1', '2']);
  });

  test('never has a macro in it that may be a password', () => {
    const imported = translate(
      define('command', { command_name: 'check_x', command_line: '/opt/x -p $USER3$' }),
      service(),
      '$USER3$=hunter2',
    );
    assert.deepEqual(imported.drafts, []);
    assert.match(formatNotes(imported.notes).join('\n'), /\$USER3\$ is no path and may be a password/);
    assert.doesNotMatch(JSON.stringify(imported), /hunter2/);
  });

  test('that several services have is one check, as the first says', () => {
    const { drafts } = translate(COMMAND, service(), service({ service_description: 'Y', max_check_attempts: 5 }));
    assert.equal(drafts.length, 1);
    assert.deepEqual(formatNotes(drafts[0]?.notes ?? []), [
      'service Y, every 60 s, 5 in a row (c.cfg:1): one check runs the command, as service X says',
    ]);
  });
});

suite('NRPE', () => {
  const CHECK_NRPE = define('command', {
    command_name: 'nrpe',
    command_line: '/p/check_nrpe -H $HOSTADDRESS$ -c $ARG1$ -a $ARG2$',
  });

  test('runs what a service asks it for, with its arguments, and as its own configuration says', () => {
    const check = checkOf(
      CHECK_NRPE,
      service({ check_command: 'nrpe!check_disk!20% 10%' }),
      'command_timeout=9\ncommand_prefix=/usr/bin/sudo\ncommand[check_disk]=/p/disk -w $ARG1$ -c $ARG2$',
    );
    assert.deepEqual(check.command, ['/usr/bin/sudo', '/p/disk', '-w', '20%', '-c', '10%']);
    assert.deepEqual([check.timeoutSeconds, check.onTimeout, check.failureThreshold], [9, 'Unknown', 3]);
    assert.deepEqual(check.exitCodes.unknown, [1, ...Array.from({ length: 253 }, (_, index) => index + 3)]);
  });

  test('is asked for a command that is not in the files: said, and nothing made of the way there', () => {
    const { drafts, notes } = translate(CHECK_NRPE, service({ check_command: 'nrpe!check_disk' }));
    assert.deepEqual(drafts, []);
    assert.match(
      formatNotes(notes).join('\n'),
      /service X \(b\.cfg:1\): NRPE runs it on the node as check_disk; give its nrpe\.cfg/,
    );
  });

  test('has the last of two commands of a name', () => {
    const { drafts, notes } = translate('command[a]=/opt/a', 'command[a]=/opt/b');
    assert.deepEqual(
      drafts.map(({ check }) => check.command),
      [['/opt/b']],
    );
    assert.match(formatNotes(notes).join('\n'), /command\[a\] \(a\.cfg:1\): defined again/);
  });
});

suite('a command that no service runs', () => {
  const bare = define('command', { command_name: 'check_y', command_line: '/opt/y' });

  test('is a check where there is nothing but commands', () => {
    assert.deepEqual(checkOf(bare).command, ['/opt/y']);
  });

  test('is not run where it may be something else: beside services, or where it handles events', () => {
    for (const others of [
      COMMAND + service(),
      'global_service_event_handler=check_y',
      define('contact', { service_notification_commands: 'a,check_y' }),
    ]) {
      assert.ok(
        translate(bare, others).drafts.every(({ check }) => check.command[0] !== '/opt/y'),
        others,
      );
    }
  });
});

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

test('passive checks, and objects that are no checks, are named', () => {
  const { drafts, notes } = translate(
    COMMAND,
    service({ active_checks_enabled: 0 }),
    define('timeperiod', { timeperiod_name: '24x7' }),
  );
  assert.deepEqual(drafts, []);
  assert.deepEqual(formatNotes(notes), [
    'service X (b.cfg:1): its checks are passive: something else runs them and tells the result',
    'define timeperiod (c.cfg:1): says nothing of a check',
  ]);
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
      const refused = /^-t (soon|\$_SERVICETIMEOUT\$)$/.test(options);
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
