import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatPolicyErrors } from '../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../agent/policy/load-policies.ts';
import { codeBlocks, namedBlocks } from './harness/code-blocks.ts';
import { playSession } from './harness/shell-session.ts';

/**
 * The documents are true: every policy in them is valid, every command in a `console` block prints what stands below
 * it (`…` stands for anything), and every file they point to is there.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'deploy/kustomize/README.md',
  'gitops/README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
];

for (const document of DOCUMENTS.filter((name) => name.endsWith('.md'))) {
  const text = readFileSync(join(ROOT, document), 'utf8');

  for (const [index, yaml] of codeBlocks(text, 'yaml').entries()) {
    if (!yaml.includes('node-svc-checker/v1')) continue;
    test(`${document}: policy ${index + 1} is valid`, () => {
      const load = loadPolicyFiles([{ name: document, bytes: Buffer.from(yaml) }]);
      assert.deepEqual(load.valid ? [] : formatPolicyErrors(load.errors), []);
    });
  }

  for (const [index, session] of codeBlocks(text, 'console').entries()) {
    test(`${document}: the commands of console block ${index + 1} print what it says`, async () => {
      await playDocument(session, codeBlocks(text, 'yaml'), namedBlocks(text));
    });
  }

  for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
    test(`${document}: ${target} is there`, () => {
      assert.doesNotThrow(
        () =>
          readFileSync(join(ROOT, document, '..', target)).length || readdirSync(join(ROOT, document, '..', target)),
      );
    });
  }
}

/** In a directory with the document's policies as policies/NAME.yaml, and its files. */
async function playDocument(
  session: string,
  policies: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-docs-'));
  try {
    cpSync(join(ROOT, 'schema'), join(dir, 'schema'), { recursive: true });
    mkdirSync(join(dir, 'policies'));
    for (const yaml of policies) {
      const name = /kind: NodeCheckPolicy\n\s*metadata: *\{? *(?:\n\s*)?name: *([a-z-]+)/.exec(yaml)?.[1];
      if (name) writeFileSync(join(dir, 'policies', `${name}.yaml`), yaml);
    }
    for (const [name, body] of Object.entries(files)) {
      mkdirSync(join(dir, dirname(name)), { recursive: true });
      writeFileSync(join(dir, name), body, { mode: body.startsWith('#!') ? 0o755 : 0o644 });
    }
    await playSession(session, { cwd: dir });
  } finally {
    rmSync(dir, { recursive: true });
  }
}
