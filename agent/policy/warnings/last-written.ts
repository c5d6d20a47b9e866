import type { Origin } from '../load-policies.ts';
import { compareNames } from '../revision.ts';

/**
 * Of several values that only together are worth a warning, the one that was written last, since it is what brought them
 * together: a patch stands behind the policy that it changes. A default was written nowhere; if all are, it is the document.
 */
export function lastWritten(
  origins: ReadonlyMap<string, Origin>,
  paths: readonly string[],
): Origin & { readonly path: string } {
  const written = ['$', ...paths].flatMap((path) => {
    const origin = origins.get(path);
    return origin ? [{ path, ...origin }] : [];
  });
  const own = origins.get('$');
  // The name of a patch's file may come before that of the policy.
  const isByPatch = ({ file }: Origin) => Number(file !== own?.file);
  const last = written.sort((a, b) => isByPatch(a) - isByPatch(b) || compareOrigins(a, b)).at(-1);
  if (last === undefined) throw new Error('a document must have an origin');
  return last;
}

/** In the order of the files and of the lines in them. */
export function compareOrigins(a: Origin, b: Origin): number {
  return compareNames(a.file, b.file) || a.line - b.line || a.column - b.column;
}
