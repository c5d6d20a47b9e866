import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, suite, test } from 'node:test';
import { stringify } from 'yaml';
import { configMap, documentText, policyText } from './fixtures.ts';
import { formatPolicyErrors } from './format-error.ts';
import { MAX_ERRORS, MAX_FILES, MAX_STREAM_BYTES } from './limits.ts';
import { readPolicyInput } from './read-input.ts';

const base = mkdtempSync(join(tmpdir(), 'read-input-'));
after(() => rmSync(base, { recursive: true }));

const POLICY = policyText('a');
const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
const SHIPPED = 'node-svc-checker-policy';

suite('a rendered stream', () => {
  test('is valid if each ConfigMap with policies is, and each has a revision of its own', async () => {
    const others = { 'b.yaml': documentText('NodeDisruptionBudget', 'b', { maxUnavailable: 1 }), 'c.json': '\n' };
    const read = await sources(
      stream(
        DEPLOYMENT,
        policyMap({ 'a.yaml': POLICY }, 'one'),
        null,
        policyMap({ 'a.yaml': POLICY, ...others }, 'two'),
      ),
    );
    assert.deepEqual(
      read.map(({ kind, name }) => [kind, name]),
      [
        ['ConfigMap', 'checks/one'],
        ['ConfigMap', 'checks/two'],
      ],
    );
    const revisions = read.map(({ load }) => load.valid && load.set.revision);
    assert.deepEqual(revisions, [
      await projectedRevision({ 'a.yaml': POLICY }),
      await projectedRevision({ 'a.yaml': POLICY, ...others }),
    ]);
  });

  test('has the revision of the directory that the kubelet makes of the ConfigMap', async () => {
    const text = `\uFEFF# ünï 😀\r\n${POLICY.replaceAll('\n', '\r\n')}\r\n  `;
    const data = { 'b.yaml': text, 'a.yml': policyText('b'), 'README.md': 'x', '.hidden.yaml': 'x: y: z' };
    const binary = { 'c.json': Buffer.from('\uFEFF'), 'script.sh': Buffer.from([0, 255]) };
    const expected = await projectedRevision({ ...data, ...binary });
    const binaryData = Object.fromEntries(
      Object.entries(binary).map(([name, bytes]) => [name, `\n${bytes.toString('base64')}\n`]),
    );
    const object = { ...policyMap(data), binaryData };
    for (const written of [
      stream(object),
      JSON.stringify(object, null, 4),
      JSON.stringify(list(object)),
      stream(list(object)),
    ]) {
      const [read] = await sources(written);
      assert.equal(read?.load.valid && read.load.set.revision, expected, written);
    }
  });

  test('of several clusters tells ConfigMaps of the same name apart', async () => {
    const broken = policyMap({ 'a.yaml': 'x: y: z\n' }, SHIPPED);
    const read = await sources(stream(policyMap({ 'a.yaml': POLICY }, SHIPPED), broken));
    assert.deepEqual(
      read.map(({ name, load }) => [name, load.valid]),
      [
        ['checks/node-svc-checker-policy', true],
        ['checks/node-svc-checker-policy (2)', false],
      ],
    );
  });

  test('has errors at the line of the policy file in Git, whatever the line in the stream', async () => {
    const text = policyText('a', { mode: 'X' });
    const errors = ['checks/p/50-x.yaml:4:49: $.spec.mode: must be one of Enforce, Observe, found "X"'];
    for (const written of [
      stream(DEPLOYMENT, policyMap({ '50-x.yaml': text })),
      JSON.stringify(policyMap({ '50-x.yaml': text })),
    ]) {
      assert.deepEqual(await errorsOf(written), errors);
    }
  });

  test('has its ConfigMaps named without a namespace if it does not tell one', async () => {
    const object = { ...policyMap({ 'a.yaml': POLICY }), metadata: { name: 'p' } };
    assert.deepEqual((await sources(stream(object)))[0]?.name, 'p');
  });

  test('may come from a file of the same name as a key', async () => {
    const path = join(base, 'a.yaml');
    writeFileSync(path, stream({ ...policyMap({ 'b.yaml': 'x: y: z' }, SHIPPED), binaryData: { 'a.yaml': '?' } }));
    const lines = await errorsOf('', path);
    assert.deepEqual(lines, [
      `${path}:7:11: $: must be valid YAML (Nested mappings are not allowed in compact mappings)`,
      `${path}:9:11: $.binaryData["a.yaml"]: must be base64, found "?"`,
    ]);
  });
});

suite('a ConfigMap is for policies', () => {
  const BROKEN = 'x: y: z\n';
  const isRead = async (object: object) => (await sources(stream(object)))[0]?.kind === 'ConfigMap';

  for (const [notation, text] of Object.entries({
    YAML: POLICY,
    'YAML that is broken': `${POLICY}${BROKEN}`,
    JSON: '{"kind":"NodeCheckPolicy","apiVersion":"node-svc-checker/v1"}',
    'a version of tomorrow': 'apiVersion: node-svc-checker/v9',
  })) {
    test(`with a policy in it, in ${notation}`, async () => {
      assert.ok(await isRead(policyMap({ 'a.yaml': text })));
      const binaryData = { 'a.yaml': Buffer.from(text).toString('base64') };
      assert.ok(await isRead({ ...policyMap({}), binaryData }));
    });
  }

  test('if it has the name of the shipped one, whatever is in it', async () => {
    for (const name of ['node-svc-checker-policy', 'dev-node-svc-checker-policy-5b9m2ktg7h']) {
      assert.ok(await isRead(policyMap({ 'a.yaml': BROKEN }, name)), name);
      assert.ok(await isRead(policyMap({}, name)), name);
    }
  });

  test('if its name ends with policy and it has our label, whatever is in it', async () => {
    const labels = { 'app.kubernetes.io/name': 'node-svc-checker' };
    const named = (name: string, more = {}) => ({ ...policyMap({ 'a.yaml': BROKEN }), metadata: { name, ...more } });
    assert.ok(await isRead(named('x-policy', { labels })));
    assert.ok(!(await isRead(named('x-policy'))));
    assert.ok(!(await isRead(named('x-scripts', { labels }))));
  });

  test('but not if only a script or a document in it speaks of them', async () => {
    assert.ok(
      !(await isRead(policyMap({ 'a.sh': POLICY, '.b.yaml': POLICY, 'c.json': '{"title": "NodeCheckPolicy"}' }))),
    );
  });

  test('and all of it counts then', async () => {
    const lines = await errorsOf(stream(policyMap({ 'a.yaml': POLICY, 'b.yaml': BROKEN })));
    assert.match(lines.join(), /^checks\/p\/b\.yaml:1:4: /);
  });
});

suite('a stream is invalid', () => {
  const cases: Record<string, [string, RegExp | RegExp[]]> = {
    'without a ConfigMap with policies': [
      stream(DEPLOYMENT, policyMap({ 'a.json': '{}' }, 'dashboards')),
      /^-: \$: must have a ConfigMap with policies, which is not among these Kubernetes objects$/,
    ],
    'with an empty List': [stream(list()), /^-: \$: must have a ConfigMap with policies/],
    'with policies among the objects': [
      `${stream(policyMap({ 'a.yaml': POLICY }))}---\n${POLICY}`,
      /^-:13:1: \$: must not stand among Kubernetes objects as it is, only in a ConfigMap .*, found NodeCheckPolicy$/,
    ],
    'with policies in a List': [
      stream(list(policyMap({ 'a.yaml': POLICY }), { kind: 'NodeDisruptionBudget' })),
      /^-:\d+:5: \$\.items\[1\]: must not stand among Kubernetes objects/,
    ],
    'with a document that is neither': [
      stream(policyMap({ 'a.yaml': POLICY }), { hello: 1 }),
      /^-:13:1: \$: must be a Kubernetes object, with apiVersion and kind, found \{"hello":1\}$/,
    ],
    'that is no YAML in one document': [
      `${stream(policyMap({ 'a.yaml': POLICY }))}---\nx: y: z\n`,
      /^-:13:4: \$: must be valid YAML \(Nested mappings/,
    ],
    'where two documents ran into one': [
      `${stream(DEPLOYMENT)}${stream(policyMap({ 'a.yaml': POLICY }))}`,
      [/^-:5:1: \$\.apiVersion: must be there only once \(also at 1:1\)/, /\$\.kind/, /\$\.metadata/],
    ],
    'with a key twice in the policies': [
      `${stream(policyMap({ 'a.yaml': POLICY }))}  a.yaml: ""\n`,
      /^-:12:3: \$\.data\["a\.yaml"\]: must be there only once/,
    ],
    'with a merge key in the policies': [
      stream(policyMap({ 'a.yaml': POLICY })).replace('metadata:\n', 'metadata:\n  <<: {}\n'),
      /^-:4:3: \$\.metadata: must not have a merge key/,
    ],
    'with a key in data and in binaryData': [
      stream({ ...policyMap({ 'a.yaml': POLICY }), binaryData: { 'a.yaml': 'eA==' } }),
      /^-:13:11: \$\.binaryData\["a\.yaml"\]: must not be in data as well/,
    ],
    'with what is no text': [
      stream(policyMap({ 'a.yaml': POLICY, 'b.yaml': 5 })),
      /^-:12:11: \$\.data\["b\.yaml"\]: must be a string, found 5$/,
    ],
    'with what is no data': [
      stream({ ...policyMap({}, 'node-svc-checker-policy'), data: [] }),
      /^-:6:7: \$\.data: must be an object, found \[\]$/,
    ],
    'with what is no base64': [
      stream({ ...policyMap({ 'a.yaml': POLICY }), binaryData: { x: 'eA' } }),
      /^-:13:6: \$\.binaryData\.x: must be base64, found "eA"$/,
    ],
    'with a key that no ConfigMap can have': [
      stream(policyMap({ 'a.yaml': POLICY, '../b.yaml': POLICY })),
      /^-:12:14: \$\.data\["\.\.\/b\.yaml"\]: must have as its key up to 253 letters/,
    ],
    'with a ConfigMap without a name': [
      stream({ ...policyMap({ 'a.yaml': POLICY }), metadata: {} }),
      /^-:1:1: \$\.metadata\.name: is required$/,
    ],
    'with a ConfigMap that has the name and no policy file': [
      stream(policyMap({ 'README.md': POLICY }, 'node-svc-checker-policy')),
      /^-:1:1: \$: must hold at least one key named \*\.yaml, \*\.yml or \*\.json$/,
    ],
    'with more than an API server takes': [
      stream(policyMap({ 'a.yaml': POLICY, x: 'x'.repeat(1024 * 1024) })),
      /^-:1:1: \$: must hold at most 1048576 bytes, found 10486\d\d$/,
    ],
    'with more policy files than an agent reads': [
      stream(
        policyMap(Object.fromEntries(Array.from({ length: MAX_FILES + 1 }, (_, n) => [`${n}.yaml`, n ? '#' : POLICY]))),
      ),
      /^-:1:1: \$: must hold at most 256 policy files, found 257$/,
    ],
  };
  for (const [name, [text, patterns]] of Object.entries(cases)) {
    test(name, async () => {
      const lines = await errorsOf(text);
      const expected = [patterns].flat();
      assert.equal(lines.length, expected.length, lines.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? '', pattern);
    });
  }

  test('and counts the errors that it does not show', async () => {
    const wrong = Object.fromEntries(Array.from({ length: MAX_ERRORS + 5 }, (_, n) => [`k${n}`, n]));
    const lines = await errorsOf(stream(policyMap({ 'a.yaml': POLICY, ...wrong })));
    assert.deepEqual([lines.length, lines.at(-1)], [MAX_ERRORS + 1, 'and 5 more']);
  });
});

suite('a stream is taken', () => {
  const tolerated: Record<string, string> = {
    'with numbers as keys': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ports}\ndata:\n  9000: web\n',
    'with merge keys': 'apiVersion: v1\nkind: Pod\nmetadata: &m {name: x}\nspec:\n  <<: *m\n',
    'with comments and nothing else between two lines of dashes': '# Source: chart/templates/none.yaml\n',
    'with a field that is there twice deep inside': 'apiVersion: v1\nkind: Pod\nspec: {a: {b: 1, b: 2}}\n',
    'with a large object': stream({
      ...DEPLOYMENT,
      spec: Array.from({ length: 20_000 }, (_, n) => ({ name: `${n}` })),
    }),
    'with a deep object': `apiVersion: v1\nkind: X\nspec: ${'{a: '.repeat(100)}1${'}'.repeat(100)}\n`,
    'with a dashboard of many lines': stream(policyMap({ 'a.json': '{\n\n}\n'.repeat(30_000) }, 'dashboard')),
  };
  for (const [name, text] of Object.entries(tolerated)) {
    test(`${name} in what is none of ours`, async () => {
      assert.deepEqual(await errorsOf(`${text}---\n${stream(policyMap({ 'a.yaml': POLICY }))}`), []);
    });
  }
});

suite('policies themselves, in a file of their own', () => {
  test('are told as such, with one word of them misspelled too', async () => {
    for (const [from, to] of [
      ['node-svc-checker/v1', 'node-svc-cheker/v1'],
      ['NodeCheckPolicy', 'NodeCheckPolicies'],
      ['kind: NodeCheckPolicy', ''],
    ] as const) {
      const [read] = await sources(POLICY.replace(from, to));
      assert.equal(read?.kind, 'File');
      assert.match((await errorsOf(POLICY.replace(from, to))).join(), /^-:\d:\d+: \$\.(apiVersion|kind): must be/);
    }
  });

  test('may be no larger than an agent would read', async () => {
    assert.deepEqual(await errorsOf(`${POLICY}#${'#'.repeat(1024 * 1024)}`), [
      '-: $: must be at most 1048576 bytes long',
    ]);
  });
});

suite('an input costs no more than', () => {
  test('its bound in bytes; the rest is not read', async () => {
    let chunks = 0;
    async function* endless() {
      for (;;) {
        chunks++;
        yield Buffer.alloc(MAX_STREAM_BYTES / 4, '#');
      }
    }
    const [read] = await readPolicyInput('-', endless());
    assert.match(JSON.stringify(read), /must be at most 16777216 bytes long/);
    assert.equal(chunks, 5);
  });

  test('a document of so many tokens', async () => {
    const [line] = await errorsOf(`apiVersion: v1\nkind: X\nspec:\n${'- a\n'.repeat(300_000)}`);
    assert.match(line ?? '', /^-:\d+:\d+: \$: must have at most 1000000 YAML tokens and lines$/);
  });

  test('so many errors, however many there are', async () => {
    const text = `apiVersion: v1\nkind: List\nitems: [${'1,'.repeat(200_000)}]\n`;
    const lines = await errorsOf(text);
    assert.deepEqual([lines.length, lines.at(-1)], [MAX_ERRORS + 1, `and ${200_000 - MAX_ERRORS} more`]);
  });

  test('so many values, those behind aliases counted at each use', async () => {
    const bomb = Array.from({ length: 30 }, (_, n) => `  a${n}: &a${n} [${n ? `*a${n - 1}, *a${n - 1}` : 'x'}]\n`).join(
      '',
    );
    const text = `${stream(policyMap({ 'a.yaml': POLICY }))}---\napiVersion: v1\nkind: X\nspec:\n${bomb}`;
    assert.match(
      (await errorsOf(text)).join(),
      /^-:\d+:\d+: \$\.spec\.a\d+: must have at most 500000 values, those behind/,
    );
  });
});

function stream(...objects: unknown[]): string {
  return objects.map((object) => stringify(object)).join('---\n');
}

function list(...items: object[]): object {
  return { apiVersion: 'v1', kind: 'List', items };
}

function policyMap(data: Record<string, unknown>, name = 'p'): object {
  return configMap(name, data);
}

function sources(text: string, path = '-') {
  return readPolicyInput(path, Readable.from([Buffer.from(text)]));
}

async function errorsOf(text: string, path = '-'): Promise<string[]> {
  const read = await sources(text, path);
  return read.flatMap(({ load }) => (load.valid ? [] : formatPolicyErrors(load.errors, load.omitted)));
}

/** What the loader makes of a directory as the kubelet writes it. */
async function projectedRevision(files: Record<string, string | Uint8Array>): Promise<string> {
  const dir = mkdtempSync(join(base, 'projected-'));
  mkdirSync(join(dir, '..version'));
  symlinkSync('..version', join(dir, '..data'));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(dir, '..version', name), content);
    symlinkSync(join('..data', name), join(dir, name));
  }
  const [read] = await sources('', dir);
  assert.ok(read?.load.valid, JSON.stringify(read));
  return read.load.set.revision;
}
