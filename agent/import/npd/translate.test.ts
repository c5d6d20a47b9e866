import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatPolicyErrors } from '../../policy/format-error.ts';
import { formatNotes } from '../notes.ts';
import { fileSource } from '../source.ts';
import { translateNpd } from './translate.ts';

const RULE = { type: 'permanent', condition: 'AProblem', reason: 'AIsDown', path: '/opt/a.sh' };
const CONDITION = { type: 'AProblem', reason: 'AIsUp', message: 'a is up' };

/** A monitor of one line, changed where a test says so. */
function monitor(changes: object = {}, rules: readonly object[] = [RULE]): string {
  return JSON.stringify({ plugin: 'custom', source: 'a-monitor', conditions: [CONDITION], rules, ...changes });
}

function translate(...texts: string[]) {
  return translateNpd(texts.map((text, index) => fileSource(`${'abc'[index]}.json`, text)));
}

suite('rules that run the same script become one check', () => {
  test('of one monitor or of several, whatever they do about it; the one that sets a condition says how', () => {
    const temporary = { type: 'temporary', reason: 'Seen', path: '/opt/a.sh', timeout: '1s', invoke_interval: '7s' };
    const { drafts } = translate(monitor({}, [temporary]), monitor({ pluginConfig: { invoke_interval: '1m' } }));
    assert.equal(drafts.length, 1);
    const [{ check, name, nodeCondition, notes, about } = assert.fail()] = drafts;
    assert.deepEqual(
      [name, nodeCondition, check.periodSeconds, check.timeoutSeconds],
      ['a-problem', 'AProblem', 60, 5],
    );
    assert.deepEqual(formatNotes(notes), [
      'interval of 7 s of rules[0] of a-monitor (a.json:1), timeout of 1 s of rules[0] of a-monitor (a.json:1), ' +
        'reason Seen of rules[0] of a-monitor (a.json:1): one check runs the script, as rules[0] of a-monitor says',
    ]);
    assert.match(about, /a\.json:1; temporary\) and .*b\.json:1; permanent, AProblem/);
  });

  test('with other arguments it is another check', () => {
    const { drafts } = translate(
      monitor({}, [RULE, { type: 'temporary', reason: 'B', path: '/opt/a.sh', args: ['-v'] }]),
    );
    assert.deepEqual(
      drafts.map(({ check }) => check.command),
      [['/opt/a.sh'], ['/opt/a.sh', '-v']],
    );
  });
});

suite('a condition keeps its name', () => {
  const nameOf = (type: string, ...rules: object[]) =>
    translate(monitor({ conditions: [{ ...CONDITION, type }] }, [{ ...RULE, condition: type }, ...rules])).drafts.map(
      ({ nodeCondition }) => nodeCondition,
    );

  test('where one script sets it', () => assert.deepEqual(nameOf('KernelDeadlock'), ['KernelDeadlock']));
  test('and only such a one is left alone while node-problem-detector writes it', () => {
    const whyOf = (...rules: object[]) => translate(monitor({}, [RULE, ...rules])).drafts[0]?.why.nodeCondition ?? '';
    assert.match(whyOf(), /before mode is Enforce\. While node-problem-detector writes it too, it is left alone\.$/);
    assert.match(
      whyOf({ ...RULE, reason: 'B', path: '/opt/b.sh' }),
      /AProblemAIsDown=False, .* before mode is Enforce\.$/,
    );
  });
  test('not where Kubernetes has one of that name, or it is no name for one', () => {
    for (const type of ['Ready', 'MemoryPressure', 'a_b', 'kernelDeadlock'])
      assert.deepEqual(nameOf(type), [undefined]);
  });
  test('with the reason behind it where several scripts set it, and not where that is no name, or taken', () => {
    const other = (reason: string, path = '/opt/b.sh') => ({ ...RULE, condition: 'X', reason, path });
    assert.deepEqual(nameOf('X', other('B')), ['XAIsDown', 'XB']);
    assert.deepEqual(nameOf('X', other('no reason')), ['XAIsDown', undefined]);
    assert.deepEqual(nameOf('X', other('B'), other('B', '/opt/c.sh')), ['XAIsDown', 'XB', undefined]);
    const conditions = [CONDITION, { ...CONDITION, type: 'AProblemB' }];
    const taken = [RULE, { ...RULE, reason: 'B', path: '/b' }, { ...RULE, condition: 'AProblemB', path: '/c' }];
    assert.deepEqual(
      translate(monitor({ conditions }, taken)).drafts.map(({ nodeCondition }) => nodeCondition),
      ['AProblemAIsDown', undefined, 'AProblemB'],
    );
  });
});

suite('what node-problem-detector does not start with is refused, and what it reads is taken as it does', () => {
  const at = (rule: object) => monitor({}, [{ ...RULE, ...rule }]);
  for (const [text, error] of [
    ['{', /^a\.json:1:2: \$: must end with \}/],
    ['', /^a\.json:1:1: \$: must have a custom plugin monitor in it$/],
    ['just: yaml', /^a\.json:1:1: \$: must be a custom plugin monitor, a ConfigMap/],
    ['a: b: c', /^a\.json:1:4: \$: must be valid YAML/],
    ['[]', /^a\.json:1:1: \$: must be a custom plugin monitor/],
    [
      monitor({ plugin: 'kmsg' }),
      /^a\.json:1:11: \$\.plugin: must be custom: .*, this one watches a log, found "kmsg"$/,
    ],
    [monitor({ plugin: 'filelog' }), /watches a log, found "filelog"$/],
    [
      monitor({ plugin: 'magic' }),
      /\$\.plugin: must be custom: only monitors that run scripts can be translated, found "magic"$/,
    ],
    [monitor({ plugin: undefined }), /\$\.plugin: must be custom/],
    [monitor({ source: undefined }), /\$\.source: is required$/],
    [monitor({ rules: undefined }), /\$\.rules: must have at least one rule$/],
    [monitor({ rules: {} }), /\$\.rules\.type: is required$/],
    [monitor({ rules: [1] }), /\$\.rules\[0\]: must be an object, found 1$/],
    [at({ type: 'lasting' }), /\$\.rules\[0\]\.type: must be permanent or temporary$/],
    [at({ condition: 'BProblem' }), /\$\.rules\[0\]\.condition: must be one of \$\.conditions \(AProblem\)$/],
    [at({ condition: 5 }), /\$\.rules\[0\]\.condition: must be a string, found 5$/],
    [at({ path: '' }), /\$\.rules\[0\]\.path: is required$/],
    [at({ args: ['-v', 5] }), /\$\.rules\[0\]\.args\[1\]: must be a string, found 5$/],
    [at({ timeout: '9s' }), /\$\.rules\[0\]\.timeout: must be at most \$\.pluginConfig\.timeout, 5 s$/],
    [at({ timeout: '5' }), /\$\.rules\[0\]\.timeout: must be a duration above zero, as 30s or 1m30s, found "5"$/],
    [
      monitor({ pluginConfig: { invoke_interval: '0s' } }),
      /\$\.pluginConfig\.invoke_interval: must be a duration above zero/,
    ],
  ] as const) {
    test(`${text.slice(0, 60) || 'an empty file'}: ${error.source}`, () => {
      const { errors } = translate(text);
      assert.match(formatPolicyErrors(errors)[0] ?? '', error);
    });
  }

  test('null is as if it were not there, and a relative path begins at the root of its image', () => {
    const { drafts, errors } = translate(at({ path: './config/plugin/../a.sh', args: null, timeout: null }));
    assert.deepEqual([errors, drafts[0]?.check.command], [[], ['/config/a.sh']]);
  });

  test('parts of a second count as one, and what is more than a day is a day', () => {
    const { drafts } = translate(monitor({ pluginConfig: { invoke_interval: '48h', timeout: '100ms' } }));
    assert.deepEqual([drafts[0]?.check.periodSeconds, drafts[0]?.check.timeoutSeconds], [86_400, 1]);
  });
});

suite('monitors are found in what they stand in, and lines are those of the file', () => {
  const BROKEN = monitor({ plugin: undefined, source: 'b' }).replace('/opt/a.sh', '');
  const lines = (text: string, indentation: string) => text.replace(/^/gm, indentation);

  test('in ConfigMaps, of a list too, and several documents', () => {
    const pretty = JSON.stringify(JSON.parse(monitor()), null, 2);
    const configMap = `apiVersion: v1\nkind: ConfigMap\ndata:\n  a.json: |\n${lines(pretty, '    ')}\n  x.sh: exit 0\n`;
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'ConfigMap', data: { 'b.json': monitor({}, [{ ...RULE, path: '/b' }]) } }],
    });
    const { drafts, notes, errors } = translate(
      `${configMap}---\n${list}\n---\n${monitor({}, [{ ...RULE, path: '/c' }])}`,
    );
    assert.deepEqual(errors, []);
    assert.deepEqual(
      drafts.map(({ check }) => check.command[0]),
      ['/opt/a.sh', '/b', '/c'],
    );
    assert.match(drafts[0]?.about ?? '', /a\.json:16; permanent/);
    assert.match(formatNotes(notes).join('\n'), /x\.sh \(a\.json:24\): no monitor/);
  });

  test('an error in an indented text is told where it stands, in a quoted one where that begins', () => {
    const indented = `s:\n  custom_monitor_definitions:\n    b.json: |-\n      {"plugin": "custom",\n       "source": }\n`;
    assert.match(
      formatPolicyErrors(translate(indented).errors)[0] ?? '',
      /^a\.json:5:18: \$\.source: must be a JSON value/,
    );
    const quoted = `custom_monitor_definitions:\n  b.json: ${JSON.stringify('{"plugin": "custom", "source": }')}\n`;
    assert.match(
      formatPolicyErrors(translate(quoted).errors)[0] ?? '',
      /^a\.json:2:11: \$\.source: must be a JSON value/,
    );
  });

  test('a monitor of another kind among others is noted, and alone it is an error', () => {
    const values = (files: object) => JSON.stringify({ custom_monitor_definitions: files });
    const { notes, errors } = translate(values({ 'k.json': '{"plugin": "kmsg"}', 'a.json': monitor() }));
    assert.deepEqual(errors, []);
    assert.match(
      formatNotes(notes).join('\n'),
      /k\.json \(a\.json:1\): no custom plugin monitor, its plugin is "kmsg"/,
    );
    assert.match(
      formatPolicyErrors(translate(values({ 'k.json': '{"plugin": "kmsg"}' })).errors)[0] ?? '',
      /^a\.json:1:32: \$: must have a custom plugin monitor in it, found k\.json: no custom plugin monitor, its plugin is "kmsg"$/,
    );
  });

  test('one broken file makes nothing of the others', () => {
    assert.ok(translate(monitor(), BROKEN).errors.length > 0);
  });
});
