import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileSource, Refusal } from '../source.ts';
import { readCfg } from './read-cfg.ts';

const read = (text: string) => readCfg(fileSource('a.cfg', text));
const lineOf = ({ line }: { line: number }) => line;

suite('files of Nagios and NRPE are read as they read them', () => {
  test('comments, escaped semicolons, lines that go on, and CRLF', () => {
    const { definitions } = read(
      [
        '# a comment',
        'define command {   ; here, too',
        '\tcommand_name  check_x ; its name',
        '  command_line  /opt/c a\\;b \\',
        '      --more',
        '; not this',
        '# nor this',
        '}',
        '',
      ].join('\r\n'),
    );
    const [{ type, place, directives } = assert.fail()] = definitions;
    assert.deepEqual([type, lineOf(place)], ['command', 2]);
    const found = [...directives].map(([name, directive]) => [name, directive.value, lineOf(directive.place)]);
    assert.deepEqual(found, [
      ['command_name', 'check_x', 3],
      ['command_line', '/opt/c a;b --more', 4],
    ]);
  });

  test('a command of NRPE is all that stands after the equals sign, whatever a shell makes of it', () => {
    const { settings } = read('command[check_x]=/opt/a; /opt/b = c # d\n$USER1$=/plugins\n server_port = 5666 \n');
    assert.deepEqual(
      settings.map(({ name, value, place }) => [name, value, place.line, place.column]),
      [
        ['command[check_x]', '/opt/a; /opt/b = c # d', 1, 1],
        ['$USER1$', '/plugins', 2, 1],
        ['server_port', '5666', 3, 2],
      ],
    );
  });

  test('a command of NRPE does not go on in the next line', () => {
    const { settings } = read('command[a]=/opt/a \\\ncommand[b]=/opt/b\n');
    assert.deepEqual(
      settings.map(({ name, value }) => [name, value]),
      [
        ['command[a]', '/opt/a \\'],
        ['command[b]', '/opt/b'],
      ],
    );
  });

  for (const [text, line, requirement] of [
    ['{"plugin": "custom"}', 1, /must be define TYPE \{, or NAME=VALUE/],
    ['a=b\n\nhello world\n', 3, /must be define TYPE \{, or NAME=VALUE/],
    ['define service {\n  use x\n', 1, /must end with \}/],
    [
      'define service {\n use x\ndefine host {\n}\n',
      3,
      /must have \} before it: define service of line 1 is still open/,
    ],
    ['define command { command_name x }\n', 1, /must end with \{ after the type/],
  ] as const) {
    test(`${JSON.stringify(text)} is refused in line ${line}`, () => {
      assert.throws(
        () => read(text),
        (refusal) => refusal instanceof Refusal && refusal.error.line === line && requirement.test(refusal.message),
      );
    });
  }
});
