import { type Definitions, type JsonSchema, mapValues } from './json-schema.ts';

const REFERENCE = '#/definitions/';

/**
 * Adds to a schema's definitions those of NodeCheckPolicyPatch, derived from NodeCheckPolicy; whatever was derived
 * before is replaced, so deriving twice changes nothing.
 *
 * A patch's spec is a JSON merge patch (RFC 7396) onto a policy's spec: every field may be left out, null removes one,
 * a list replaces the whole list, and no default applies, because it would overwrite what the policy says.
 *
 * @throws Error if a definition that a patch reaches uses a keyword this derivation has no rule for.
 */
export function derivePatch(definitions: Definitions): Definitions {
  const written = Object.fromEntries(Object.entries(definitions).filter(([, schema]) => !isDerived(schema)));
  const derived = new Map<string, JsonSchema>();

  /** The name under which the patch of a definition stands, derived on first use. */
  const patchNameOf = (name: string): string => {
    const patchName = `${name}Patch`;
    if (!derived.has(patchName)) {
      derived.set(patchName, {}); // holds the place, so that definitions stand in the order they are met
      derived.set(patchName, { ...derivedFrom(name), title: patchName, ...orNull(patchOf(find(written, name))) });
    }
    return patchName;
  };

  const patchOf = (schema: JsonSchema): JsonSchema => {
    for (const keyword of ['const', 'if', 'anyOf', 'oneOf', 'patternProperties', 'dependencies']) {
      if (keyword in schema && !isOfSomeValues(schema)) {
        throw new Error(`deriving the patch: no rule for the keyword ${keyword}`);
      }
    }
    const { default: _default, required: _required, title: _title, ...kept } = schema;
    return {
      ...kept,
      ...(schema.$ref !== undefined && { $ref: REFERENCE + patchNameOf(schema.$ref.slice(REFERENCE.length)) }),
      ...(schema.allOf && { allOf: schema.allOf.map(patchOf) }),
      ...(schema.properties && { properties: mapValues(schema.properties, (field) => orNull(patchOf(field))) }),
      ...(typeof schema.additionalProperties === 'object' && {
        additionalProperties: orNull(patchOf(schema.additionalProperties)),
      }),
    };
  };

  const { type: _type, ...spec } = patchOf(find(written, 'NodeCheckPolicySpec'));
  derived.set('NodeCheckPolicySpecPatch', {
    ...derivedFrom('NodeCheckPolicySpec'),
    title: 'NodeCheckPolicySpecPatch',
    type: 'object',
    ...spec,
  });
  return { ...written, NodeCheckPolicyPatch: patchDocument(written), ...Object.fromEntries(derived) };
}

/** The patch's envelope: the policy's, with another kind and spec. */
function patchDocument(definitions: Definitions): JsonSchema {
  const policy = find(definitions, 'NodeCheckPolicy');
  return {
    ...derivedFrom('NodeCheckPolicy'),
    ...policy,
    title: 'NodeCheckPolicyPatch',
    description:
      'A change to the policy of that name, for an overlay. Patches apply in file order, before defaults are filled in.',
    properties: {
      ...policy.properties,
      kind: {
        description: 'This kind of document: NodeCheckPolicyPatch.',
        type: 'string',
        const: 'NodeCheckPolicyPatch',
      },
      metadata: {
        description: 'Names the policy to change.',
        allOf: [{ $ref: `${REFERENCE}Metadata` }],
      },
      spec: {
        description:
          "A JSON merge patch (RFC 7396) onto the policy's spec: fields left out stay as they are, null removes a field, a list replaces the whole list.",
        allOf: [{ $ref: `${REFERENCE}NodeCheckPolicySpecPatch` }],
      },
    },
    examples: [
      {
        apiVersion: 'node-svc-checker/v1',
        kind: 'NodeCheckPolicyPatch',
        metadata: { name: 'storage-daemon' },
        spec: { check: { failureThreshold: 10 }, actions: { drain: null } },
      },
    ],
  };
}

/** Lets a schema accept null as well. A reference is left alone: the definition it names accepts null by itself. */
function orNull(schema: JsonSchema): JsonSchema {
  if (schema.type === undefined) return schema;
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
  return {
    ...schema,
    type: types.includes('null') ? types : [...types, 'null'],
    ...(schema.enum && { enum: [...schema.enum, null] }),
  };
}

/** A rule for some values only, of which null is none, holds in a patch as it stands. */
function isOfSomeValues(schema: JsonSchema): boolean {
  const { if: condition, then: _then, ...others } = schema;
  return Object.keys(others).length === 0 && Object.keys(condition ?? {}).join() === 'enum';
}

function derivedFrom(name: string): JsonSchema {
  return { $comment: `Derived from ${name} by schema/generate.ts: change that one.` };
}

function isDerived(schema: JsonSchema): boolean {
  return typeof schema.$comment === 'string' && schema.$comment.startsWith('Derived from ');
}

function find(definitions: Definitions, name: string): JsonSchema {
  const schema = definitions[name];
  if (!schema) throw new Error(`deriving the patch: no definition ${name}`);
  return schema;
}
