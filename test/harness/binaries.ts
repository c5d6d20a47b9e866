import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs the harness can start or call; `get-control-plane.sh` gets all of them. */
export const BINARIES = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kubectl',
  'kwok',
  'helm',
  'prometheus',
  'promtool',
  'alertmanager',
  'amtool',
] as const;
export type Binary = (typeof BINARIES)[number];

const NOT_FOUND = 'found neither in KUBEBUILDER_ASSETS nor on PATH';

/** Without these there is no control plane; the others are asked for by the suites that need them. */
const ESSENTIAL: readonly Binary[] = ['etcd', 'kube-apiserver', 'kubectl'];

/** The path of a control-plane program: from KUBEBUILDER_ASSETS, else PATH, else undefined. */
export function findBinary(name: Binary): string | undefined {
  const folders = [process.env.KUBEBUILDER_ASSETS, ...(process.env.PATH ?? '').split(delimiter)];
  return folders
    .filter((folder) => folder)
    .map((folder) => join(folder as string, name))
    .find(isExecutable);
}

/** The path of a control-plane program. @throws Error saying how to get it. */
export function requireBinary(name: Binary): string {
  const path = findBinary(name);
  if (path === undefined) throw new Error(howToGet([name]));
  return path;
}

/**
 * For node:test's `skip`: false when a real control plane can be started, else the reason why not.
 * @param extra programs this suite needs beside etcd, kube-apiserver and kubectl.
 * @throws Error when CI=true: a build without its control plane must not look green.
 */
export function skipWithoutControlPlane(...extra: readonly Binary[]): string | false {
  const missing = [...ESSENTIAL, ...extra].filter((name) => findBinary(name) === undefined);
  if (missing.length === 0) return false;
  if (process.env.CI === 'true') throw new Error(howToGet(missing));
  return howToGet(missing);
}

/** The same for a suite that needs these programs only, and no control plane. */
export function skipWithout(...names: readonly Binary[]): string | false {
  return names.some((name) => findBinary(name) === undefined) ? skipWithoutControlPlane(...names) : false;
}

/** In one line, what is missing and how to get it. */
export function howToGet(missing: readonly Binary[]): string {
  const setup = 'export KUBEBUILDER_ASSETS=$(test/harness/get-control-plane.sh)';
  return `no control plane: ${missing.join(', ')} ${NOT_FOUND}; get it with: ${setup}`;
}

/** The programs that a line of `howToGet` is about; none when it is about something else. */
export function missingIn(reason: string): string[] {
  const [, names] = new RegExp(`^no control plane: (.*) ${NOT_FOUND}`).exec(reason) ?? [];
  return names?.split(', ') ?? [];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
