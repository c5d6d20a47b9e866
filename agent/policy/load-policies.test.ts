import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { documentText, errorLines, policyFiles, policyText } from './fixtures.ts';
import { MAX_DOCUMENTS, MAX_ERRORS } from './limits.ts';
import { loadPolicyFiles } from './load-policies.ts';
import { revisionOf } from './revision.ts';

const patchText = (name: string, spec: object) => documentText('NodeCheckPolicyPatch', name, spec);
const asking = (name: string, nodeCondition: string) => policyText(name, { nodeCondition });
const budgetText = (name: string) => documentText('NodeDisruptionBudget', name, { maxUnavailable: 1 });

suite('a valid set', () => {
  test('may have a condition for each policy, also one that a patch takes from another', () => {
    const { policies } = load({
      'a.yaml': asking('a', 'Healthy'),
      'b.yaml': asking('b', 'Other'),
      'c.yaml': `${patchText('a', { nodeCondition: null })}---\n${patchText('b', { nodeCondition: 'Healthy' })}`,
    }).set;
    assert.deepEqual(
      policies.map(({ spec }) => spec.nodeCondition),
      [undefined, 'Healthy'],
    );
  });

  test('has the defaults filled in', () => {
    const { policies } = load({
      'a.yaml': policyText('a', { actions: { taint: { key: 'k', effect: 'NoExecute' }, drain: {} } }),
    }).set;
    assert.deepEqual(policies[0]?.spec, {
      mode: 'Enforce',
      paused: false,
      lifecycleConditions: false,
      check: {
        command: ['/bin/true'],
        env: [],
        runIn: 'Container',
        initialDelaySeconds: 0,
        periodSeconds: 5,
        timeoutSeconds: 5,
        failureThreshold: 4,
        successThreshold: 1,
        onStderr: 'Fatal',
        onTimeout: 'Unknown',
        exitCodes: { unknown: [126, 127], reasons: {} },
        words: 'FirstLine',
      },
      actions: {
        cordon: false,
        taint: { key: 'k', value: '', effect: 'NoExecute' },
        drain: {
          timeoutSeconds: 600,
          gracePeriodSeconds: null,
          deleteEmptyDirData: false,
          evictUnmanagedPods: false,
          podSelector: {},
          namespaces: { exclude: [] },
          onTimeout: 'GiveUp',
        },
      },
    });
  });

  test('has no drain, taint or selector nobody asked for', () => {
    const spec = load({ 'a.yaml': policyText() }).set.policies[0]?.spec;
    assert.deepEqual(spec?.actions, { cordon: false });
    assert.ok(spec && !('nodeSelector' in spec));
  });

  test('is in the order of the files and of the documents in them', () => {
    const { policies, budgets } = load({
      'b.yaml': policyText('c'),
      'a.yaml': `${policyText('z')}---\n${budgetText('b')}---\n${policyText('a')}---\n${budgetText('a')}`,
    }).set;
    assert.deepEqual(
      policies.map(({ metadata }) => metadata.name),
      ['z', 'a', 'c'],
    );
    assert.deepEqual(
      budgets.map(({ metadata }) => metadata.name),
      ['b', 'a'],
    );
  });

  test('has the revision of its files', () => {
    const texts = { 'a.yaml': policyText() };
    assert.equal(load(texts).set.revision, revisionOf(policyFiles(texts)));
  });

  test('may have no policy, if somebody wrote that down', () => {
    assert.deepEqual(load({ 'a.yaml': budgetText('a') }).set.policies, []);
  });
});

suite('a set is invalid', () => {
  const cases: Record<string, [Record<string, string>, ...string[]]> = {
    'without any document': [
      { 'a.yaml': '# nothing\n', 'b.yaml': '---\n' },
      'a.yaml: $: must hold at least one document, all that was read is empty',
    ],
    'with a file of no bytes, as one is that is being written': [
      { 'a.yaml': policyText('x'), 'b.yaml': '' },
      'b.yaml: $: must not be empty',
    ],
    'with a patch whose target may be in an empty file': [
      { 'a.yaml': '', 'b.yaml': `${policyText('y')}---\n${patchText('x', {})}` },
      'a.yaml: $: must not be empty',
    ],
    'with two policies of a name': [
      { 'a.yaml': policyText('x'), 'b.yaml': `${policyText('y')}---\n${policyText('x')}` },
      'b.yaml:8:18: $.metadata.name: must be unique among the documents of kind NodeCheckPolicy (also at a.yaml:3:18), found "x"',
    ],
    'with two budgets of a name': [
      { 'a.yaml': `${budgetText('x')}---\n${budgetText('x')}` },
      'a.yaml:8:18: $.metadata.name: must be unique among the documents of kind NodeDisruptionBudget (also at 3:18), found "x"',
    ],
    'with two policies that write one condition': [
      { 'a.yaml': asking('x', 'Healthy'), 'b.yaml': `${asking('y', 'Other')}---\n${asking('z', 'Healthy')}` },
      'b.yaml:9:58: $.spec.nodeCondition: must be unique among the policies, whichever nodes they select (also at a.yaml:4:58), found "Healthy"',
    ],
    'with a patch that has a policy write the condition of another': [
      {
        'a.yaml': asking('x', 'Healthy'),
        'b.yaml': policyText('y'),
        'c.yaml': patchText('y', { nodeCondition: 'Healthy' }),
      },
      'c.yaml:4:24: $.spec.nodeCondition: must be unique among the policies, whichever nodes they select (also at a.yaml:4:58), found "Healthy"',
    ],
    "with a condition of the kubelet's": [
      { 'a.yaml': asking('x', 'MemoryPressure') },
      `a.yaml:4:58: $.spec.nodeCondition: must be a condition type of your own: a word in CamelCase, 1 to 63 letters and digits as in StorageDaemonHealthy, with an optional DNS subdomain of at most 253 characters and "/" before it, and none of Kubernetes' own, such as Ready or Drained, found "MemoryPressure"`,
    ],
    'with a patch without target': [
      { 'a.yaml': policyText('storage'), 'b.yaml': patchText('storag', {}) },
      'b.yaml:3:18: $.metadata.name: must be the name of a NodeCheckPolicy in these files (did you mean storage?), found "storag"',
    ],
    'with a patch of a budget': [
      { 'a.yaml': budgetText('x'), 'b.yaml': patchText('x', {}) },
      'b.yaml:3:18: $.metadata.name: must be the name of a NodeCheckPolicy in these files, found "x"',
    ],
    'with a patch whose name can be no name, which is told once': [
      { 'a.yaml': policyText('x'), 'b.yaml': patchText('X', {}) },
      'b.yaml:3:18: $.metadata.name: must be a DNS-1123 label: 1 to 63 of a-z, 0-9 and "-", first and last a letter or digit, found "X"',
    ],
    'with errors in several files, all of them told': [
      { 'a.yaml': policyText('a', { mode: 1 }), 'b.yaml': `a: b: c\n---\n${policyText('B')}`, 'c.yaml': '- d' },
      'a.yaml:4:49: $.spec.mode: must be one of Enforce, Observe, found 1',
      'b.yaml:1:4: $: must be valid YAML (Nested mappings are not allowed in compact mappings)',
      'b.yaml:5:18: $.metadata.name: must be a DNS-1123 label: 1 to 63 of a-z, 0-9 and "-", first and last a letter or digit, found "B"',
      'c.yaml:1:1: $: must be an object with apiVersion, kind, metadata and spec, found ["d"]',
    ],
  };
  for (const [name, [texts, ...expected]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(errorLines(texts), expected));
  }

  test('and still has a revision', () => {
    const files = policyFiles({ 'a.yaml': '-' });
    const invalid = loadPolicyFiles(files);
    assert.ok(!invalid.valid);
    assert.equal(invalid.revision, revisionOf(files));
  });

  test('if there are no files', () => assert.equal(loadPolicyFiles([]).valid, false));

  test('a patch is not blamed for a target that may stand where nothing could be read', () => {
    for (const unreadable of ['a: b: c', '{metadata: {name: x}}', '\0', `{kind: NodeCheckPolicy, metadata: x}`]) {
      const lines = errorLines({ 'a.yaml': unreadable, 'b.yaml': patchText('x', {}) });
      assert.ok(lines.length > 0 && lines.every((line) => line.startsWith('a.yaml')), lines.join('\n'));
    }
  });
});

suite('a patch', () => {
  test('changes the policy of its name, wherever it stands', () => {
    const { policies } = load({
      'a.yaml': patchText('x', { check: { failureThreshold: 10 } }),
      'b.yaml': `${policyText('x')}---\n${policyText('y')}`,
    }).set;
    assert.deepEqual(
      policies.map(({ spec }) => spec.check.failureThreshold),
      [10, 4],
    );
  });

  test('that comes later wins', () => {
    const { policies } = load({
      'a.yaml': policyText('x'),
      'b.yaml': `${patchText('x', { check: { periodSeconds: 6, timeoutSeconds: 7 } })}---\n${patchText('x', { check: { periodSeconds: 8 } })}`,
      '0.yaml': patchText('x', { check: { periodSeconds: 9, failureThreshold: 9 } }),
    }).set;
    const { periodSeconds, timeoutSeconds, failureThreshold } = policies[0]?.spec.check ?? {};
    assert.deepEqual(
      { periodSeconds, timeoutSeconds, failureThreshold },
      { periodSeconds: 8, timeoutSeconds: 7, failureThreshold: 9 },
    );
  });

  test('that removes a field brings back its default, and never writes one itself', () => {
    const { policies } = load({
      'a.yaml': policyText('x', { mode: 'Observe', paused: true, actions: { drain: { timeoutSeconds: 9 } } }),
      'b.yaml': patchText('x', { mode: null, actions: { drain: { onTimeout: 'Delete' } } }),
    }).set;
    const spec = policies[0]?.spec;
    assert.equal(spec?.mode, 'Enforce');
    assert.equal(spec?.paused, true);
    assert.equal(spec?.actions.drain?.timeoutSeconds, 9);
    assert.equal(spec?.actions.drain?.onTimeout, 'Delete');
  });

  test('that removes the drain leaves none', () => {
    const { policies } = load({
      'a.yaml': policyText('x', { actions: { drain: {} } }),
      'b.yaml': patchText('x', { actions: { drain: null } }),
    }).set;
    assert.deepEqual(policies[0]?.spec.actions, { cordon: false });
  });

  const invalid: Record<string, [object, object, string]> = {
    'that removes what is required is an error at the null': [
      {},
      { check: { command: null } },
      'b.yaml:4:17: $.spec.check.command: is required',
    ],
    'that removes half a taint is an error at the null': [
      { actions: { taint: { key: 'k', effect: 'NoExecute' } } },
      { actions: { taint: { effect: null } } },
      'b.yaml:4:28: $.spec.actions.taint.effect: is required',
    ],
    'that brings half a taint is an error at what it brings': [
      {},
      { actions: { taint: { key: 'k' } } },
      'b.yaml:4:19: $.spec.actions.taint.effect: is required',
    ],
    'that removes the whole check is an error at the null': [
      {},
      { check: null },
      'b.yaml:4:8: $.spec.check: is required',
    ],
  };
  for (const [name, [spec, patch, expected]] of Object.entries(invalid)) {
    test(name, () => {
      const lines = errorLines({ 'a.yaml': `# first\n${policyText('x', spec)}`, 'b.yaml': patchText('x', patch) });
      assert.deepEqual(lines, [`${expected} in the policy x once its patches are applied (written at a.yaml:2:1)`]);
    });
  }

  test('that is invalid by itself is told so, along with what is wrong with its result', () => {
    const lines = errorLines({
      'a.yaml': policyText('x'),
      'b.yaml': patchText('x', { mode: 'X', check: { command: null } }),
    });
    assert.deepEqual(lines, [
      'b.yaml:4:15: $.spec.mode: must be one of Enforce, Observe, null, found "X"',
      'b.yaml:4:28: $.spec.check.command: is required in the policy x once its patches are applied (written at a.yaml:1:1)',
    ]);
  });

  test('of a policy that is invalid by itself does not make it valid', () => {
    const lines = errorLines({ 'a.yaml': policyText('x', { paused: 1 }), 'b.yaml': patchText('x', { paused: true }) });
    assert.deepEqual(lines, ['a.yaml:4:51: $.spec.paused: must be true or false, found 1']);
  });
});

suite('bounds', () => {
  test(`the first ${MAX_ERRORS} errors are told, the others counted`, () => {
    const unknown = Object.fromEntries(Array.from({ length: MAX_ERRORS + 20 }, (_, n) => [`unknown${n}`, n]));
    const lines = errorLines({ 'a.yaml': policyText('x', unknown), 'b.yaml': policyText('y', { mode: 1, paused: 1 }) });
    assert.equal(lines.length, MAX_ERRORS + 1);
    // A wrong value breaks more than one rule, so of files that nobody looked at closely the count is at least right.
    assert.match(lines.at(-1) ?? '', /^and 2[2-4] more$/);
  });

  test('the errors told are those that stand first', () => {
    const unknown = Object.fromEntries(Array.from({ length: MAX_ERRORS }, (_, n) => [`unknown${n}`, n]));
    const [first] = errorLines(documentText('NodeCheckPolicy', 'x', { mode: 'X', ...unknown, check: {} }));
    assert.match(first ?? '', /^a\.yaml:4:15: \$\.spec\.mode: /);
  });

  test('documents have a bound over all files', { timeout: 60_000 }, () => {
    const half = '---\n'.repeat(MAX_DOCUMENTS / 2);
    const lines = errorLines({ 'a.yaml': policyText() + half, 'b.yaml': half });
    assert.match(lines.join(), /^b.yaml:1:1: \$: must have fewer than 4096 documents/);
  });
});

suite('origins', () => {
  const loaded = load({
    'a.yaml': `#\n${policyText('x', { nodeSelector: { matchLabels: { 'a/b': 'c' } } })}`,
    'b.yaml': patchText('x', { check: { periodSeconds: 9 } }),
  });
  const [policy] = loaded.set.policies;
  assert.ok(policy);
  const origins = loaded.originsOf(policy);

  test('tell where each value was written, after patches', () => {
    assert.deepEqual(origins.get('$.spec.check.command[0]'), { file: 'a.yaml', line: 5, column: 28 });
    assert.deepEqual(origins.get('$.spec.nodeSelector.matchLabels["a/b"]')?.file, 'a.yaml');
    assert.deepEqual(origins.get('$.spec.check.periodSeconds'), { file: 'b.yaml', line: 4, column: 33 });
  });

  test('are missing for a default', () => assert.equal(origins.get('$.spec.check.timeoutSeconds'), undefined));
});

function load(texts: Record<string, string>) {
  const loaded = loadPolicyFiles(policyFiles(texts));
  assert.ok(loaded.valid, JSON.stringify(loaded));
  return loaded;
}
