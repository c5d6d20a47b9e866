import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { documentText, policyFiles, policyText } from '../fixtures.ts';
import { formatPolicyWarning } from '../format-error.ts';
import { loadPolicyFiles } from '../load-policies.ts';
import type { ConfigMapFacts } from '../read-config-map.ts';
import { findWarnings } from './find-warnings.ts';
import { WARNING_RULES } from './list.ts';
import type { SourceFacts } from './warning.ts';

const patchText = (spec: object) => documentText('NodeCheckPolicyPatch', 'a', spec);
const checked = (exitCodes: object, more: object = {}) =>
  policyText('a', { check: { command: ['/bin/true'], exitCodes }, ...more });
type Texts = Readonly<Record<string, string>>;
/** In two parts, since it is none of ours. */
const VARIABLE = `$${'{HOME:-x}'}`;
const DRAIN = { actions: { drain: {} } };
const CORDON = { actions: { cordon: true } };
const SELECTS_X = { nodeSelector: { matchLabels: { role: 'x' } } };

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
      exitCode3(texts).map(({ file, line }) => `${file}:${line}`),
      ['a.yaml:4', 'a.yaml:9', 'b.yaml:4'],
    );
  });

  test('are one line each, whatever the file is called', () => {
    const [warning] = exitCode3({ 'a\n.yaml': policyText('a', DRAIN) });
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
    'of a patch whose file comes before that of the policy': [
      { 'b.yaml': policyText('a', { mode: 'Observe', ...DRAIN }), 'a.yaml': patchText({ mode: 'Enforce' }) },
      'a.yaml:4:15 $.spec.mode [3, 126, 127]',
    ],
    'of a patch that takes 3 away': [
      { 'a.yaml': checked({ unknown: [3] }, DRAIN), 'b.yaml': patchText({ check: { exitCodes: { unknown: [126] } } }) },
      'b.yaml:4:40 $.spec.check.exitCodes.unknown [3, 126]',
    ],
  };
  for (const [name, [texts, ...expected]] of Object.entries(cases)) {
    test(name, () => {
      const found = exitCode3(texts).map(({ file, line, column, path, advice }) => {
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
  for (const [name, texts] of Object.entries(silent)) test(name, () => assert.deepEqual(exitCode3(texts), []));
});

/** By rule: what is warned of, with place and path, and beside it what is not. */
const RULES: Readonly<Record<string, readonly (readonly [name: string, texts: Texts, ...where: string[]])[]>> = {
  NoBudget: [
    ['of what acts without any', { 'a.yaml': policyText('a', CORDON) }, 'a.yaml:4:52 $.spec.actions'],
    [
      'of what no budget selects',
      { 'a.yaml': on('x', CORDON), 'b.yaml': budget({ nodeSelector: labels('y') }) },
      'a.yaml:4:96 $.spec.actions',
    ],
    ['not where one selects some of the nodes', { 'a.yaml': policyText('a', CORDON), 'b.yaml': budget(SELECTS_X) }],
    ['not of what observes', { 'a.yaml': policyText('a', { mode: 'Observe', ...CORDON }) }],
    ['not of what does nothing', { 'a.yaml': policyText('a') }],
  ],
  PercentageOfOneNode: [
    [
      'of a percentage for each node',
      { 'a.yaml': budget({ maxUnavailable: '10%', topologyKey: 'kubernetes.io/hostname' }) },
      'a.yaml:4:45 $.spec.topologyKey',
    ],
    ['not of a zone', { 'a.yaml': budget({ maxUnavailable: '10%', topologyKey: 'topology.kubernetes.io/zone' }) }],
    ['not of a number', { 'a.yaml': budget({ topologyKey: 'kubernetes.io/hostname' }) }],
    ['not of none', { 'a.yaml': budget({ maxUnavailable: '0%', topologyKey: 'kubernetes.io/hostname' }) }],
  ],
  FatalEndsOthers: [
    [
      'of each of two that are on one node',
      { 'a.yaml': policyText('a'), 'b.yaml': policyText('b', { check: { command: ['x'], onStderr: 'Fatal' } }) },
      'a.yaml:4:16 $.spec.check',
      'b.yaml:4:44 $.spec.check.onStderr',
    ],
    ['not of one alone', { 'a.yaml': policyText('a') }],
    ['not of those that are never on one node', { 'a.yaml': on('x', {}, 'a'), 'b.yaml': on('y', {}, 'b') }],
    [
      'not of one that only counts',
      { 'a.yaml': checks({ onStderr: 'Failed' }, {}, 'a'), 'b.yaml': checks({ onStderr: 'Ignore' }, {}, 'b') },
    ],
  ],
  TimeoutAbovePeriod: [
    ['of a longer timeout', { 'a.yaml': checks({ timeoutSeconds: 6 }) }, 'a.yaml:4:58 $.spec.check.timeoutSeconds'],
    ['of a shorter period', { 'a.yaml': checks({ periodSeconds: 4 }) }, 'a.yaml:4:57 $.spec.check.periodSeconds'],
    ['not of the same', { 'a.yaml': checks({ timeoutSeconds: 5 }) }],
  ],
  RecoversAtOnce: [
    ['of a drain that one healthy run ends', { 'a.yaml': policyText('a', DRAIN) }, 'a.yaml:4:61 $.spec.actions.drain'],
    ['not where it takes two', { 'a.yaml': checks({ successThreshold: 2 }, DRAIN) }],
    ['not of a cordon', { 'a.yaml': policyText('a', CORDON) }],
  ],
  DrainsWithinSeconds: [
    ['of less than ten', { 'a.yaml': checks({ failureThreshold: 1 }, DRAIN) }, 'a.yaml:4:82 $.spec.actions.drain'],
    ['not of ten', { 'a.yaml': checks({ failureThreshold: 2 }, DRAIN) }],
    ['not of a cordon', { 'a.yaml': checks({ failureThreshold: 1 }, CORDON) }],
  ],
  FluxSubstitutes: [
    [
      'of a variable with braces, wherever it stands',
      { 'a.yaml': checks({ command: ['sh', '-c', `echo ${VARIABLE}`] }) },
      'a.yaml:4:38 $.spec.check.command[2]',
    ],
    ['not of one without', { 'a.yaml': checks({ command: ['sh', '-c', 'echo $HOME $(id)'] }) }],
  ],
};

for (const [id, cases] of Object.entries(RULES)) {
  suite(`${id} warns`, () => {
    for (const [name, texts, ...where] of cases) {
      test(name, () => {
        const found = warningsOf(texts).filter((warning) => warning.id === id);
        assert.deepEqual(
          found.map(({ file, line, column, path }) => `${file}:${line}:${column} ${path}`),
          where,
        );
      });
    }
  });
}

test('a single file is not asked for a budget, which may stand in another one', () => {
  const ids = warningsOf({ 'a.yaml': policyText('a', CORDON) }, { kind: 'File' }).map(({ id }) => id);
  assert.deepEqual(ids, []);
});

suite('a ConfigMap', () => {
  const at = { file: '-', line: 2, column: 1 };
  const facts = { at, bytes: 262_144, immutable: null, isFluxOff: false };
  const ids = (configMap: typeof facts | ConfigMapFacts, texts: Texts = { 'a.yaml': policyText('a') }) =>
    warningsOf(texts, { kind: 'ConfigMap', configMap }).map(({ id, file, line }) => `${id} ${file}:${line}`);

  test('that is immutable is warned of where it says so', () =>
    assert.deepEqual(ids({ ...facts, immutable: { ...at, line: 7 } }), ['ImmutableConfigMap -:7']));

  test('is warned of above what client-side apply takes, and not before', () => {
    assert.deepEqual(ids(facts), []);
    assert.deepEqual(ids({ ...facts, bytes: 262_145 }), ['LargeConfigMap -:2']);
  });

  test('in which Flux replaces nothing may have variables', () => {
    const texts = { 'a.yaml': checks({ command: [VARIABLE] }) };
    assert.deepEqual(ids(facts, texts), ['FluxSubstitutes a.yaml:4']);
    assert.deepEqual(ids({ ...facts, isFluxOff: true }, texts), []);
  });
});

function exitCode3(texts: Texts) {
  return warningsOf(texts).filter(({ id }) => id === 'ExitCode3CountsAsFailed');
}

function warningsOf(texts: Texts, source: SourceFacts = { kind: 'Directory' }) {
  const load = loadPolicyFiles(policyFiles(texts));
  assert.ok(load.valid, JSON.stringify(load));
  return findWarnings(load, source);
}

function checks(check: object, more: object = {}, name = 'a'): string {
  return policyText(name, { check: { command: ['/bin/true'], ...check }, ...more });
}

function on(role: string, more: object, name = 'a'): string {
  return policyText(name, { nodeSelector: labels(role), ...more });
}

function labels(role: string) {
  return { matchLabels: { role } };
}

function budget(spec: object): string {
  return documentText('NodeDisruptionBudget', 'b', { maxUnavailable: 1, ...spec });
}
