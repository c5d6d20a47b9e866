import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatNotes } from '../notes.ts';
import { COMMAND, checkOf, define, service, translate } from './fixtures.ts';

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
