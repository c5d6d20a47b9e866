import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { derivePatch } from './derive-patch.ts';
import { formatJson } from './format-json.ts';
import { generateTypes } from './generate-types.ts';
import { generateValidator, VALIDATOR_TYPES } from './generate-validator.ts';
import type { JsonSchema } from './json-schema.ts';

/** Where the one hand-written source of all this stands. */
export const SCHEMA_FILE = 'schema/node-check-policy.v1.schema.json';

/** All files that follow from the schema, by path from the repository's root; the schema itself is one of them. */
export async function generate(schemaText: string): Promise<Map<string, string>> {
  const written: JsonSchema = JSON.parse(schemaText);
  const schema: JsonSchema = { ...written, definitions: derivePatch(written.definitions ?? {}) };
  const [types, validator] = await Promise.all([generateTypes(schema), generateValidator(schema)]);
  return new Map([
    [SCHEMA_FILE, formatJson(schema)],
    ['agent/core/generated/policy.ts', types],
    ['agent/policy/generated/validate.js', validator],
    ['agent/policy/generated/validate.d.ts', VALIDATOR_TYPES],
  ]);
}

async function main(): Promise<void> {
  const root = dirname(import.meta.dirname);
  const files = await generate(await readFile(join(root, SCHEMA_FILE), 'utf8'));
  for (const [path, text] of files) await writeIfChanged(join(root, path), text);
}

/** Leaves an unchanged file alone, so that neither watchers nor build caches see a change that is none. */
async function writeIfChanged(path: string, text: string): Promise<void> {
  const current = await readFile(path, 'utf8').catch(() => null);
  if (current === text) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

if (import.meta.main) await main();
