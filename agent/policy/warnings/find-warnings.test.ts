import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { documentText, policyFiles, policyText } from '../fixtures.ts';
import { formatPolicyWarning } from '../format-error.ts';
import { loadPolicyFiles } from '../load-policies.ts';
import { findWarnings } from './find-warnings.ts';
import { WARNING_RULES } from './list.ts';

const patchText = (spec: object) => documentText('NodeCheckPolicyPatch', 'a', spec);
const checked = (exitCodes: object, more: object = {}) =>
  policyText('a', { check: { command: ['/bin/true'], exitCodes }, ...more });
const DRAIN = { actions: { drain: {} } };

suite('warnings', () => {
  test('have ids in CamelCase, each its own', () => {
    const ids = WARNING_RULES.map(({ id }) => id);
    assert.deepEqual(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[A-Z][A-Za-z0-9]+$/);
  });

  test('stand in the order of the files and of the lines in them', () => {
    const texts = {
      'b.yaml': policyText('x', DRAIN),
      'a.yaml': `${policyText('y', DRAIN)}---\n${policyText('z', DRAIN)}`,
    };
    assert.deepEqual(
      warningsOf(texts).map(({ file, line }) => `${file}:${line}`),
      ['a.yaml:4', 'a.yaml:9', 'b.yaml:4'],
    );
  });

  test('are one line each, whatever the file is called', () => {
    const [warning] = warningsOf({ 'a\n.yaml': policyText('a', DRAIN) });
    assert.ok(warning);
    assert.equal(
      formatPolicyWarning(warning),
      'a\\u{a}.yaml:4:61: warning: $.spec.actions.drain: the node is drained when the check exits with 3, which monitoring ' +
        'plugins do when they could not find out; set check.exitCodes.unknown to [3, 126, 127], unless its 3 means failed, as that of systemctl does [ExitCode3CountsAsFailed]',
    );
  });
});

suite('ExitCode3CountsAsFailed warns, where that came together,', () => {
  /** Files; then place, path and the advised codes. */
  const cases: Record<string, [Record<string, string>, ...string[]]> = {
    'of a drain with the default codes': [
      { 'a.yaml': policyText('a', DRAIN) },
      'a.yaml:4:61 $.spec.actions.drain [3, 126, 127]',
    ],
    'of a drain without 3 among the codes': [
      { 'a.yaml': checked({ unknown: [126, 2] }, DRAIN) },
      'a.yaml:4:93 $.spec.actions.drain [2, 3, 126]',
    ],
    'of codes that stand behind the drain': [
      {
        'a.yaml': documentText('NodeCheckPolicy', 'a', {
          ...DRAIN,
          check: { command: ['x'], exitCodes: { unknown: [] } },
        }),
      },
      'a.yaml:4:79 $.spec.check.exitCodes.unknown [3]',
    ],
    'although 3 has a reason, since that is no verdict': [
      { 'a.yaml': checked({ reasons: { 3: 'Unknown' } }, DRAIN) },
      'a.yaml:4:101 $.spec.actions.drain [3, 126, 127]',
    ],
    'of a drain that a patch adds': [
      { 'a.yaml': policyText('a'), 'b.yaml': patchText(DRAIN) },
      'b.yaml:4:27 $.spec.actions.drain [3, 126, 127]',
    ],
    'of a patch that leaves Observe': [
      { 'a.yaml': policyText('a', { mode: 'Observe', ...DRAIN }), 'b.yaml': patchText({ mode: 'Enforce' }) },
      'b.yaml:4:15 $.spec.mode [3, 126, 127]',
    ],
    'of a patch that takes 3 away': [
      { 'a.yaml': checked({ unknown: [3] }, DRAIN), 'b.yaml': patchText({ check: { exitCodes: { unknown: [126] } } }) },
      'b.yaml:4:40 $.spec.check.exitCodes.unknown [3, 126]',
    ],
  };
  for (const [name, [texts, ...expected]] of Object.entries(cases)) {
    test(name, () => {
      const found = warningsOf(texts).map(({ file, line, column, path, advice }) => {
        const codes = /to (\[.*\])/.exec(advice)?.[1];
        return `${file}:${line}:${column} ${path} ${codes}`;
      });
      assert.deepEqual(found, expected);
    });
  }

  const silent: Record<string, Record<string, string>> = {
    'not where 3 is unknown': { 'a.yaml': checked({ unknown: [3, 126, 127] }, DRAIN) },
    'not without a drain': { 'a.yaml': policyText('a', { actions: { cordon: true } }) },
    'not of what only observes': { 'a.yaml': policyText('a', { mode: 'Observe', ...DRAIN }) },
    'not of a drain that a patch removes': {
      'a.yaml': policyText('a', DRAIN),
      'b.yaml': patchText({ actions: { drain: null } }),
    },
    'not where a patch makes 3 unknown': {
      'a.yaml': policyText('a', DRAIN),
      'b.yaml': patchText({ check: { exitCodes: { unknown: [3] } } }),
    },
    'not of a budget': { 'a.yaml': documentText('NodeDisruptionBudget', 'b', { maxUnavailable: 1 }) },
  };
  for (const [name, texts] of Object.entries(silent)) test(name, () => assert.deepEqual(warningsOf(texts), []));
});

function warningsOf(texts: Record<string, string>) {
  const load = loadPolicyFiles(policyFiles(texts));
  assert.ok(load.valid, JSON.stringify(load));
  return findWarnings(load);
}
