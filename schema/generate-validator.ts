import { dirname } from 'node:path';
import { Ajv, type Options } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build, type Plugin } from 'esbuild';
import type { JsonSchema } from './json-schema.ts';
import { withoutProse } from './without-prose.ts';

const FILE = 'policy-file';

/** Each exported function and the definition it validates, by whether it fills in defaults. */
const MODULES = {
  resolving: { NodeCheckPolicy: 'validateNodeCheckPolicy', NodeDisruptionBudget: 'validateNodeDisruptionBudget' },
  plain: { NodeCheckPolicyPatch: 'validateNodeCheckPolicyPatch' },
};

/**
 * One self-contained ES module that exports a validator per kind. Ajv compiles with eval, which the agent must not
 * need; and what Ajv writes instead still requires parts of Ajv, so it is bundled with them.
 */
export async function generateValidator(schema: JsonSchema): Promise<string> {
  const sources = {
    resolving: validatorSource(schema, MODULES.resolving, { useDefaults: true }),
    plain: validatorSource(schema, MODULES.plain, {}),
  };
  const result = await build({
    stdin: {
      contents: "export * from 'validator:resolving'; export * from 'validator:plain';",
      resolveDir: import.meta.dirname,
    },
    plugins: [inMemory(sources)],
    absWorkingDir: dirname(import.meta.dirname), // paths in comments are the same from wherever this is run
    bundle: true,
    minify: true, // nobody reads it, and every node holds it in memory
    preserveSymlinks: true, // nor may it matter where node_modules is
    write: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['main'],
    target: 'es2022',
    banner: { js: '// Written by schema/generate.ts from schema/node-check-policy.v1.schema.json: change that.' },
  });
  return result.outputFiles[0]?.text ?? '';
}

/** The types of the module that `generateValidator` writes. */
export const VALIDATOR_TYPES = `// Written by schema/generate.ts.
import type { ErrorObject } from 'ajv';
import type { NodeCheckPolicy, NodeDisruptionBudget } from '../../core/generated/policy.ts';

/** Tells whether data is valid, and if not, leaves in \`errors\` everything that is wrong with it. */
export type Validator<Valid> = { (data: unknown): data is Valid; errors?: ErrorObject[] | null };

/** Writes the defaults into the data. */
export declare const validateNodeCheckPolicy: Validator<NodeCheckPolicy>;
/** Writes the defaults into the data. */
export declare const validateNodeDisruptionBudget: Validator<NodeDisruptionBudget>;
export declare const validateNodeCheckPolicyPatch: Validator<object>;
`;

function validatorSource(schema: JsonSchema, functions: Record<string, string>, options: Options): string {
  const ajv = new Ajv({
    ...options,
    allErrors: true,
    verbose: true, // errors carry their schema, which holds the texts of our errors and the names of the known fields
    allowUnionTypes: true,
    strictTuples: false, // command: its first element has a rule of its own, the number of elements is open
    code: { source: true, esm: true },
  });
  ajv.addVocabulary(['errorMessage', 'patternErrorMessage']); // read by editors and by our own error texts
  ajv.addSchema({ ...withoutProse(schema), $id: FILE });
  const references = Object.entries(functions).map(([name, fn]) => [fn, `${FILE}#/definitions/${name}`]);
  return standaloneCode.default(ajv, Object.fromEntries(references));
}

function inMemory(sources: Record<string, string>): Plugin {
  return {
    name: 'in-memory',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^validator:/ }, ({ path }) => ({
        path: path.slice('validator:'.length),
        namespace: 'validator',
      }));
      onLoad({ filter: /.*/, namespace: 'validator' }, ({ path }) => ({
        contents: sources[path] ?? '',
        resolveDir: import.meta.dirname,
      }));
    },
  };
}
