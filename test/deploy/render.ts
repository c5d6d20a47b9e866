import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import type { Toleration } from '../../agent/core/taint.ts';
import { requireBinary } from '../harness/binaries.ts';

export const KUSTOMIZE = fileURLToPath(new URL('../../deploy/kustomize', import.meta.url));

/** The folders of `deploy/kustomize` that can be applied as they are. */
export const INSTALLATIONS: readonly string[] = [
  'base',
  ...readdirSync(join(KUSTOMIZE, 'overlays')).map((name) => `overlays/${name}`),
];

/** One object of an installation, with the text that stands for it in kustomize's output. */
export interface RenderedObject {
  /** Kind and name, for example `DaemonSet/node-svc-checker`. */
  readonly id: string;
  readonly text: string;
  readonly object: Manifest;
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: of another shape in every kind; what is missing fails its test
  readonly spec?: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  readonly [field: string]: any;
}

export interface PodTemplate {
  readonly metadata: Manifest['metadata'];
  readonly spec: {
    readonly hostPID?: boolean;
    readonly shareProcessNamespace?: boolean;
    readonly serviceAccountName: string;
    readonly tolerations: readonly Toleration[];
    readonly containers: readonly Container[];
    readonly volumes: readonly {
      readonly name: string;
      readonly configMap?: { readonly name: string; readonly optional?: boolean; readonly defaultMode?: number };
    }[];
  };
}

export interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly valueFrom: { readonly fieldRef: { fieldPath: string } } }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly startupProbe: Probe;
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

/**
 * What `kubectl kustomize` makes of a folder.
 * @throws Error with its stderr when it cannot be built, or warns.
 */
export async function render(dir: string): Promise<RenderedObject[]> {
  const { stdout, stderr } = await promisify(execFile)(requireBinary('kubectl'), ['kustomize', dir]);
  if (stderr !== '') throw new Error(`kubectl kustomize ${dir}: ${stderr}`);
  return stdout.split(/^---\n/m).map((text) => {
    const object: Manifest = parse(text);
    return { id: `${object.kind}/${object.metadata.name}`, text, object };
  });
}

/** The one object of that kind and name. @throws Error naming what is there instead. */
export function find(objects: readonly RenderedObject[], id: string): Manifest {
  const found = objects.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no ${id} among ${objects.map((object) => object.id).join(', ')}`);
  return found.object;
}

export function podTemplate(objects: readonly RenderedObject[]): PodTemplate {
  return find(objects, 'DaemonSet/node-svc-checker').spec.template;
}

export function agentContainer(objects: readonly RenderedObject[]): Container {
  const [container, ...others] = podTemplate(objects).spec.containers;
  if (container === undefined || others.length > 0) throw new Error('the pod must have one container');
  return container;
}

/** What the ClusterRole and the Role of that name grant, as `rightsOf` tells what was used. */
export function grantedBy(objects: readonly RenderedObject[], name: string): string[] {
  const rules: readonly Rule[] = ['ClusterRole', 'Role'].flatMap((kind) => find(objects, `${kind}/${name}`).rules);
  const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`))),
  );
  return [...new Set(rights)].sort();
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
