import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandMacros, splitCheckCommand, whyMissing } from './macros.ts';

const VALUES: Record<string, string> = { USER1: '/plugins', ARG1: '5$', _SERVICEPORT: '80' };

for (const [text, expanded, missing] of [
  ['$USER1$/check -w $ARG1$', '/plugins/check -w 5$', []],
  ['costs $$5 and $_SERVICEPORT$', 'costs $5 and 80', []],
  ['-H $HOSTADDRESS$ -H $HOSTADDRESS$ $ARG2$', '-H $HOSTADDRESS$ -H $HOSTADDRESS$ $ARG2$', ['$HOSTADDRESS$', '$ARG2$']],
  ['$HOSTSTATE:web1$', '$HOSTSTATE:web1$', ['$HOSTSTATE:web1$']],
  ['$_HOSTsnmp-community$', '$_HOSTsnmp-community$', ['$_HOSTsnmp-community$']],
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

test('what is missing in a value is missing in the text', () => {
  const value = { text: 'proc $_SERVICEPROC$', missing: ['$_SERVICEPROC$'] };
  assert.deepEqual(
    expandMacros('-C $ARG1$ $HOSTNAME$', (macro) => (macro === 'ARG1' ? value : undefined)),
    { text: '-C proc $_SERVICEPROC$ $HOSTNAME$', missing: ['$_SERVICEPROC$', '$HOSTNAME$'] },
  );
});

for (const [missing, expected] of [
  [['$USER1$'], '$USER1$ has no value in these files'],
  [['$USER1$', '$ARG2$'], '$USER1$, $ARG2$ have no values in these files'],
  [['$_SERVICEPORT$'], '$_SERVICEPORT$ is not replaced by the importer'],
  [['$SERVICEDESC$', '$HOSTADDRESS$'], '$SERVICEDESC$, $HOSTADDRESS$ are not replaced by the importer'],
  [['$HOSTADDRESS$', '$USER1$'], '$USER1$ has no value in these files; $HOSTADDRESS$ is not replaced by the importer'],
  [['$USER3$', '$USER4$'], '$USER3$, $USER4$ are no paths and may be passwords, which are not written into a policy'],
] as const) {
  test(`of ${missing.join(' and ')} it is said why it is left`, () => {
    assert.equal(
      whyMissing(missing, (macro) => ['$USER3$', '$USER4$'].includes(macro)),
      expected,
    );
  });
}
