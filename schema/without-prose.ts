import { type JsonSchema, mapValues } from './json-schema.ts';

/** Keywords that say something to people and decide nothing (draft-07, section 10, and $comment). */
const PROSE = ['title', 'description', 'examples', '$comment'];
/** Keywords whose value is a record of schemas by a name that is free: a field may well be called `title`. */
const NAMED = ['properties', 'patternProperties', 'definitions'];
/** Keywords whose value is data and not a schema. */
const DATA = ['default', 'const', 'enum'];

/** The same schema without its texts for editors, which every validator would carry along otherwise. */
export function withoutProse(schema: JsonSchema): JsonSchema {
  const kept = Object.entries(schema).filter(([keyword]) => !PROSE.includes(keyword));
  return Object.fromEntries(kept.map(([keyword, value]) => [keyword, stripped(keyword, value)]));
}

function stripped(keyword: string, value: unknown): unknown {
  if (DATA.includes(keyword)) return value;
  if (NAMED.includes(keyword)) return mapValues(value as Record<string, JsonSchema>, withoutProse);
  if (Array.isArray(value)) return value.map((item) => (isSchema(item) ? withoutProse(item) : item));
  return isSchema(value) ? withoutProse(value) : value;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
