import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandMacros, splitCheckCommand } from './macros.ts';

const VALUES: Record<string, string> = { USER1: '/plugins', ARG1: '5$', _SERVICEPORT: '80' };

for (const [text, expanded, missing] of [
  ['$USER1$/check -w $ARG1$', '/plugins/check -w 5$', []],
  ['costs $$5 and $_SERVICEPORT$', 'costs $5 and 80', []],
  ['-H $HOSTADDRESS$ -H $HOSTADDRESS$ $ARG2$', '-H $HOSTADDRESS$ -H $HOSTADDRESS$ $ARG2$', ['$HOSTADDRESS$', '$ARG2$']],
  ['$HOSTSTATE:web1$', '$HOSTSTATE:web1$', ['$HOSTSTATE:web1$']],
  ['echo $path and $more', 'echo $path and $more', []],
  ['a $ at the end $', 'a $ at the end $', []],
  ['5$', '5$', []],
] as const) {
  test(`${text}: macros with a value are replaced, the others named`, () => {
    assert.deepEqual(
      expandMacros(text, (macro) => VALUES[macro]),
      { text: expanded, missing },
    );
  });
}

test('arguments are separated by !, which a backslash keeps', () => {
  assert.deepEqual(splitCheckCommand('check_x!a\\!b!!c d'), { name: 'check_x', args: ['a!b', '', 'c d'] });
  assert.deepEqual(splitCheckCommand('check_x'), { name: 'check_x', args: [] });
});
