import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { type JsonSchema, mapValues } from './json-schema.ts';

/**
 * TypeScript types for valid policies and budgets as the rest of the program sees them: defaults are filled in, so a
 * field that has one is never absent.
 */
export async function generateTypes(schema: JsonSchema): Promise<string> {
  const documents = ['NodeCheckPolicy', 'NodeDisruptionBudget'];
  const resolved: unknown = {
    title: 'PolicyDocument',
    description: 'A policy or a budget.',
    oneOf: documents.map((name) => ({ $ref: `#/definitions/${name}` })),
    definitions: mapValues(schema.definitions ?? {}, toResolved),
  };
  const source = await compile(resolved as JSONSchema, 'PolicyDocument', {
    bannerComment: '/* Written by schema/generate.ts from schema/node-check-policy.v1.schema.json: change that. */',
    style: { singleQuote: true, printWidth: 120 },
  });
  return interfacesToTypes(source);
}

/** Drops what only validation needs, such as conditions between fields, which have no counterpart in a type. */
function toResolved(schema: JsonSchema): JsonSchema {
  const { default: _default, allOf, not: _not, examples: _examples, ...kept } = schema;
  const reference = allOf?.find((part) => part.$ref !== undefined);
  return {
    ...kept,
    ...(reference && { allOf: [reference] }),
    ...(schema.properties && {
      properties: mapValues(schema.properties, toResolved),
      required: [...(schema.required ?? []), ...fieldsWithDefault(schema.properties)],
    }),
  };
}

function fieldsWithDefault(properties: Readonly<Record<string, JsonSchema>>): string[] {
  return Object.keys(properties).filter((name) => 'default' in (properties[name] ?? {}));
}

/** An interface is open to declaration merging and does not fit `Record<string, unknown>`; plain data is a type. */
function interfacesToTypes(source: string): string {
  return source.replaceAll(/^export interface (\w+) \{$([\s\S]*?)^\}$/gm, 'export type $1 = {$2};');
}
