import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import { formatPolicyErrors } from '../../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import { CHART, documentedValues } from '../../deploy/helm/generate-readme.ts';
import { findBinary, requireBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { find, type Manifest, type RenderedObject } from './render.ts';

export { CHART };
export const NAMESPACE = 'node-svc-checker';
export const RELEASE = 'nsc';
export const SCRIPT = '/opt/node-checks/storage.sh';
export const POLICY = 'ConfigMap/node-svc-checker-policy';
export const SCRIPTS = 'ConfigMap/node-svc-checker-scripts';
/** Of every value, in the order of values.yaml. */
export const VALUE_PATHS: readonly string[] = documentedValues(readFileSync(join(CHART, 'values.yaml'), 'utf8')).map(
  ({ path }) => path,
);

/** A policy, as an object. */
export const ONE = {
  apiVersion: 'node-svc-checker/v1',
  kind: 'NodeCheckPolicy',
  metadata: { name: 'one' },
  spec: { check: { command: ['/opt/checks/one.sh'], failureThreshold: 7 } },
};

/** For suites that need nothing of a control plane but helm. */
export const skipWithoutHelm = findBinary('helm') === undefined ? skipWithoutControlPlane('helm') : false;

/** Values of the chart, as a user writes them. */
export type Values = Readonly<Record<string, unknown>>;

/** Runs helm with the values as `--values`. @throws Error with its stderr when it fails, or warns */
export async function helm(args: readonly string[], values: Values = {}): Promise<string> {
  const child = spawn(requireBinary('helm'), [...args, '--values', '-'], { stdio: 'pipe' });
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(values));
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0 || stderr !== '') throw new Error(`helm ${args.join(' ')}: exit code ${code}: ${stderr}`);
  return stdout;
}

/** What `helm template` makes of the values, hooks included. @throws Error with its stderr when it fails, or warns */
export async function template(values: Values = {}, chart = CHART): Promise<RenderedObject[]> {
  const stdout = await helm(['template', RELEASE, chart, '--namespace', NAMESPACE], values);
  const texts = stdout.split(/^---\n/m).filter((one) => one.trim() !== '');
  return texts.map((one) => {
    const object: Manifest = parse(one);
    return { id: `${object.kind}/${object.metadata.name}`, text: one, object };
  });
}

export function isHook({ object }: RenderedObject): boolean {
  return object.metadata.annotations?.['helm.sh/hook'] !== undefined;
}

/** The policies and budgets that agents would have. @throws Error with what is invalid */
export function policySet(objects: readonly RenderedObject[]) {
  const data = find(objects, POLICY).data ?? {};
  const load = loadPolicyFiles(Object.entries(data).map(([name, file]) => ({ name, bytes: Buffer.from(file) })));
  if (!load.valid) throw new Error(formatPolicyErrors(load.errors).join('\n'));
  return load.set;
}

/** The spec of the one policy that agents would have. */
export function onlyPolicy(objects: readonly RenderedObject[]) {
  const [policy, ...others] = policySet(objects).policies;
  if (policy === undefined || others.length > 0) throw new Error('there must be one policy');
  return policy.spec;
}

/** Values of a script on the nodes, with more of the values `checker.*`. */
export function withScript(checker: Values): Values {
  return { checker: { nodeCheckScriptPath: SCRIPT, ...checker } };
}
