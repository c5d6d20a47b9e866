import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { positionInFile } from './block-position.ts';
import { MANIFEST_BOUNDS } from './limits.ts';
import { parseYaml } from './parse-yaml.ts';
import { readPolicyInput } from './read-input.ts';
import { decodeSource } from './source-text.ts';
import { lookUp } from './tree.ts';

const dir = mkdtempSync(join(tmpdir(), 'nsc-manifest-'));
after(() => rmSync(dir, { recursive: true }));

/** Where the letter X of `value` is, as this text has it. */
function whereIsX(yaml: string): string {
  const decoded = decodeSource('m.yaml', Buffer.from(yaml));
  assert.ok('source' in decoded);
  const [document] = [...parseYaml(decoded.source, MANIFEST_BOUNDS)];
  const node = document?.root && lookUp(document.root, ['data', 'value'])?.node;
  assert.ok(node?.kind === 'scalar' && typeof node.value === 'string');
  const lines = node.value.split('\n');
  const line = lines.findIndex((each) => each.includes('X'));
  const position = positionInFile(node.place, node.value)(line + 1, (lines[line]?.indexOf('X') ?? 0) + 1);
  return `${position.file}:${position.line}:${position.column}`;
}

suite('the position in a value of a YAML file', () => {
  const cases: Readonly<Record<string, readonly [yaml: string, position: string]>> = {
    'of a literal block': ['data:\n  value: |\n    a\n\n      bX\n', 'm.yaml:5:8'],
    'that keeps no line at its end': ['data:\n  value: |-\n    aX', 'm.yaml:3:6'],
    'that begins with an empty line': ['data:\n  value: |\n\n    aX\n', 'm.yaml:4:6'],
    'whose first line is indented by itself': ['data:\n  value: |2\n      aX\n', 'm.yaml:3:8'],
    'whose header has a comment': ['data:\n  value: | # why\n    aX\n', 'm.yaml:3:6'],
    'with other ends of lines': ['data:\r\n  value: |\r\n    a\r\n    bX\r\n', 'm.yaml:4:6'],
    'in quotes is where it begins': ['data:\n  value: "a\\nbX"\n', 'm.yaml:2:10'],
    'in a folded block is where it begins': ['data:\n  value: >\n    a\n    bX\n', 'm.yaml:2:10'],
  };
  for (const [name, [yaml, position]] of Object.entries(cases)) {
    test(name, () => assert.equal(whereIsX(yaml), position));
  }

  test('of any text that is written as a literal block is where a person finds it', () => {
    const anyLine = fc.string({ unit: fc.constantFrom('a', ' ', '#', ':', '"', '|', 'é') });
    fc.assert(
      fc.property(fc.array(anyLine), anyLine, fc.array(anyLine), (before, line, more) => {
        const value = [...before, `${line}X`, ...more, ''].join('\n');
        const yaml = stringify({ data: { value } }, { defaultStringType: 'BLOCK_LITERAL', defaultKeyType: 'PLAIN' });
        fc.pre(/value: \|/.test(yaml));
        const lines = yaml.split('\n');
        const index = lines.findIndex((each) => each.includes('X'));
        assert.equal(whereIsX(yaml), `m.yaml:${index + 1}:${(lines[index]?.indexOf('X') ?? 0) + 1}`);
      }),
    );
  });
});

for (const key of ['a.yaml', 'm.yaml']) {
  test(`an error in a ConfigMap is told where it stands in m.yaml, and so is what it is compared with: ${key}`, (t) =>
    errorsIn(t, key));
}

async function errorsIn(t: TestContext, key: string): Promise<void> {
  const start = process.cwd();
  process.chdir(dir);
  t.after(() => process.chdir(start));

  const policy =
    'apiVersion: node-svc-checker/v1\nkind: NodeCheckPolicy\nmetadata: {name: a}\nspec: {check: {command: [x]}}\n';
  const manifest = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'node-svc-checker-policy' },
    data: { [key]: policy, 'n.yaml': policy, 'o.yaml': '' },
  };
  writeFileSync(join(dir, 'm.yaml'), stringify(manifest));
  const [source] = await readPolicyInput('m.yaml', process.stdin);
  assert.ok(source && !source.load.valid);
  const lines = source.load.errors.map(
    ({ file, line, column, requirement }) => `${file}:${line}:${column} ${requirement}`,
  );
  assert.deepEqual(lines, [
    'm.yaml:14:22 must be unique among the documents of kind NodeCheckPolicy (also at 9:22)',
    'm.yaml:16:11 must not be empty',
  ]);
}
