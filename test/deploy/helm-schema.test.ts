import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { withValuesTable } from '../../deploy/helm/generate-readme.ts';
import type { JsonSchema } from '../../schema/json-schema.ts';
import { CHART, policySet, skipWithoutHelm, template, VALUE_PATHS, type Values } from './helm-chart.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: unknown;
  readonly not?: Schema;
  readonly enum?: readonly string[];
}

const read = (name: string) => readFileSync(join(CHART, name), 'utf8');
const schema: Schema = JSON.parse(read('values.schema.json'));
const policySchema: JsonSchema = JSON.parse(
  readFileSync(join(CHART, '../../../schema/node-check-policy.v1.schema.json'), 'utf8'),
);

/** Nested as its path says: `a.b` and 1 are {a: {b: 1}}. */
function valuesAt(path: string, value: unknown): Values {
  return path.split('.').reduceRight((inner: unknown, key) => ({ [key]: inner }), value) as Values;
}

describe('a value', { skip: skipWithoutHelm }, () => {
  for (const path of VALUE_PATHS) {
    test(`${path} of a wrong type is refused, by name`, async () => {
      const refusal = new RegExp(`don't meet the specifications[\\s\\S]*${path.replaceAll('.', '[./]')}`);
      await assert.rejects(template(valuesAt(path, [1])), refusal);
    });
  }

  for (const parent of [
    '',
    'checker.',
    'checker.nodeTaint.',
    'image.',
    'resources.',
    'monitoring.',
    'monitoring.podMonitor.',
  ]) {
    test(`that nobody knows, ${parent}unknown, is refused`, async () => {
      await assert.rejects(template(valuesAt(`${parent}unknown`, 'x')), /additional properties 'unknown' not allowed/);
    });
  }

  test('is no taint key that policies may not have', async () => {
    const refused = schema.properties?.checker?.properties?.nodeTaint?.properties?.key?.not?.enum ?? [];
    const { TaintKey } = policySchema.definitions ?? {};
    const ofPolicies = (TaintKey?.allOf ?? []).flatMap((rule) => (rule.if as Schema | undefined)?.enum ?? []);
    assert.deepEqual([...refused].sort(), [...ofPolicies].sort());
    for (const key of ['node.kubernetes.io/not-ready', 'node.cloudprovider.kubernetes.io/shutdown']) {
      const refusal = /don't meet the specifications[\s\S]*checker[./]nodeTaint[./]key/;
      await assert.rejects(template({ checker: { nodeTaint: { key } } }), refusal);
    }
  });

  test('of the schema is one that values.yaml documents', () => {
    const { global: _, ...properties } = schema.properties ?? {};
    const leaves = (inner: Schema, path: string): string[] => {
      if (inner.properties === undefined || VALUE_PATHS.includes(path)) return [path];
      return Object.entries(inner.properties).flatMap(([key, one]) => leaves(one, path ? `${path}.${key}` : key));
    };
    assert.deepEqual(leaves({ properties }, '').sort(), [...VALUE_PATHS].sort());
  });

  test('is in an object that is closed, or whose keys are for the user to choose', () => {
    const open = (inner: Schema, path: string): string[] => [
      ...(inner.properties !== undefined && inner.additionalProperties !== false ? [path] : []),
      ...(inner.items === undefined ? [] : open(inner.items, `${path}[]`)),
      ...Object.entries(inner.properties ?? {}).flatMap(([key, one]) => open(one, `${path}.${key}`)),
    ];
    assert.deepEqual(open(schema, ''), []);
  });

  test("is in the README's table as values.yaml has it (node deploy/helm/generate-readme.ts)", () => {
    assert.equal(read('README.md'), withValuesTable(read('README.md'), read('values.yaml')));
  });

  test('that the README names is one that there is', async () => {
    for (const [, yaml = ''] of read('README.md').matchAll(/```yaml\n([\s\S]*?)```/g)) {
      policySet(await template(parse(yaml)));
    }
  });
});
