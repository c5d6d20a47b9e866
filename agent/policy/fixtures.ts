import { stringify } from 'yaml';
import { formatPolicyErrors } from './format-error.ts';
import { loadPolicyFiles } from './load-policies.ts';
import type { PolicyFile } from './revision.ts';

/** For tests: a policy that is valid, unless the spec beside its check makes it not so. */
export function policyText(name = 'storage', spec: object = {}): string {
  return documentText('NodeCheckPolicy', name, { check: { command: ['/bin/true'] }, ...spec });
}

/** For tests: a document of four lines; its name is at 3:18, its spec at 4:7. */
export function documentText(kind: string, name: string, spec: object): string {
  const head = `apiVersion: node-svc-checker/v1\nkind: ${kind}\n`;
  return `${head}metadata: {name: ${name}}\nspec: ${JSON.stringify(spec)}\n`;
}

/** For tests: files by name. */
export function policyFiles(texts: Readonly<Record<string, string | Uint8Array>>): PolicyFile[] {
  return Object.entries(texts).map(([name, text]) => ({
    name,
    bytes: typeof text === 'string' ? new TextEncoder().encode(text) : text,
  }));
}

/** For tests: the error lines of one file named `a.yaml`, or of several; none if they are valid. */
export function errorLines(input: string | Uint8Array | Readonly<Record<string, string | Uint8Array>>): string[] {
  const isOneFile = typeof input === 'string' || input instanceof Uint8Array;
  const load = loadPolicyFiles(policyFiles(isOneFile ? { 'a.yaml': input } : input));
  return load.valid ? [] : formatPolicyErrors(load.errors, load.omitted);
}

/** For tests: a ConfigMap in the namespace `checks`. */
export function configMap(name: string, data: Readonly<Record<string, unknown>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'checks' }, data };
}

/** For tests: the same as it stands in a rendered stream. */
export function configMapText(name: string, data: Readonly<Record<string, unknown>>): string {
  return stringify(configMap(name, data));
}
