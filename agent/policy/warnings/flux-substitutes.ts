import { lastWritten } from './last-written.ts';
import type { WarningRule } from './warning.ts';

/** As Flux's post-build substitution has it (github.com/fluxcd/pkg/envsubst): `${NAME}`, also with a default behind the name. */
const VARIABLE = /\$\{[A-Za-z_]\w*[^}]*\}/;

/** With `postBuild` a Flux Kustomization replaces variables in whatever it applies, so in scripts and policies as well. */
export const fluxSubstitutes: WarningRule = {
  id: 'FluxSubstitutes',
  *find({ set, originsOf }, { configMap }) {
    if (configMap?.isFluxOff) return;
    for (const document of [...set.policies, ...set.budgets]) {
      for (const [path, value] of stringsIn(document.spec, '$.spec')) {
        const [variable] = VARIABLE.exec(value) ?? [];
        if (variable === undefined) continue;
        yield {
          ...lastWritten(originsOf(document), [path]),
          problem: `Flux replaces ${variable} where its Kustomization has postBuild, before the agents see it`,
          advice:
            'annotate the ConfigMap with kustomize.toolkit.fluxcd.io/substitute: disabled, or write $NAME without braces',
        };
      }
    }
  },
};

function* stringsIn(value: unknown, path: string): Generator<readonly [path: string, value: string]> {
  if (typeof value === 'string') yield [path, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    yield* stringsIn(inner, Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`);
  }
}
