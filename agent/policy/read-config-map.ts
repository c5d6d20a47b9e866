import { Buffer } from 'node:buffer';
import { type PositionInFile, positionInFile } from './block-position.ts';
import { MAX_CONFIG_MAP_BYTES, MAX_FILES } from './limits.ts';
import { isPolicyFileName } from './policy-file-name.ts';
import { type Path, type Problem, positionOf } from './problem.ts';
import type { PolicyFile } from './revision.ts';
import { describe, lookUp, type MapNode, type TreeNode } from './tree.ts';

/** A ConfigMap as the directory that the kubelet makes of it. */
export type ConfigMapRead = {
  /** `namespace/name`; the name alone where the stream tells no namespace. */
  readonly name: string;
  /** The policy files, in no particular order. */
  readonly files: readonly PolicyFile[];
  /** By the name of a file: where its lines stand in the stream. */
  readonly positions: ReadonlyMap<string, PositionInFile>;
  /** What keeps an API server from taking it, or leaves it without a policy file. */
  readonly problems: readonly Problem[];
  readonly facts: ConfigMapFacts;
};

/** What of a ConfigMap decides how it reaches the agents. */
export type ConfigMapFacts = {
  /** Where it stands. */
  readonly at: Position;
  /** Of all its values together. */
  readonly bytes: number;
  /** Where it says that it is immutable; null: it is not. */
  readonly immutable: Position | null;
  /** Flux replaces no variables in it. */
  readonly isFluxOff: boolean;
};

type Position = ReturnType<typeof positionOf>;

/** Not read as YAML, so that a policy counts as one however broken it is. */
const POLICY_API_VERSION = /apiVersion["']?\s*:\s*["']?node-svc-checker\//;
const SHIPPED_NAME = 'node-svc-checker-policy';
const APP_LABEL = 'app.kubernetes.io/name';
/** As annotation or label (fluxcd.io, Kustomization, post build variable substitution). */
const FLUX_SUBSTITUTE = 'kustomize.toolkit.fluxcd.io/substitute';

/**
 * The policy files of a ConfigMap, or null if it is meant for something else. It is one for policies if
 *
 * - a key that is the name of a policy file holds the text `apiVersion: node-svc-checker/…`, or
 * - it has `node-svc-checker-policy` in its name, or
 * - its name ends with `policy`, and its label `app.kubernetes.io/name` is `node-svc-checker`.
 *
 * @param path where the ConfigMap stands in its document
 */
export function readConfigMap(configMap: MapNode, path: Path): ConfigMapRead | null {
  const { files, positions, problems, bytes } = new ConfigMapReader(configMap, path);
  if (!isNamedForPolicies(configMap) && !files.some(holdsPolicies)) return null;
  const name = stringAt(configMap, ['metadata', 'name']);
  const namespace = stringAt(configMap, ['metadata', 'namespace']);
  const { place } = configMap;
  if (!name) problems.push({ place, path: [...path, 'metadata', 'name'], requirement: 'is required', found: '' });
  if (files.length === 0 && problems.length === 0) {
    problems.push({ place, path, requirement: 'must hold at least one key named *.yaml, *.yml or *.json', found: '' });
  }
  const fullName = [namespace, name || 'ConfigMap without a name'].filter(Boolean).join('/');
  return { name: fullName, files, positions, problems, facts: factsOf(configMap, bytes) };
}

function factsOf(configMap: MapNode, bytes: number): ConfigMapFacts {
  const immutable = lookUp(configMap, ['immutable'])?.node;
  const isImmutable = immutable?.kind === 'scalar' && immutable.value === true;
  const substitutes = ['annotations', 'labels'].map((field) =>
    stringAt(configMap, ['metadata', field, FLUX_SUBSTITUTE]),
  );
  return {
    at: positionOf(configMap.place),
    bytes,
    immutable: isImmutable ? positionOf(immutable.place) : null,
    isFluxOff: substitutes.includes('disabled'),
  };
}

class ConfigMapReader {
  readonly files: PolicyFile[] = [];
  readonly positions = new Map<string, PositionInFile>();
  readonly problems: Problem[] = [];
  readonly #configMap: MapNode;
  readonly #path: Path;
  readonly #names = new Set<string>();
  bytes = 0;

  constructor(configMap: MapNode, path: Path) {
    this.#configMap = configMap;
    this.#path = path;
    this.#readSection('data', (text) => Buffer.from(text));
    this.#readSection('binaryData', fromBase64);
    const { length } = this.files;
    if (length > MAX_FILES) this.#report(configMap, [], `must hold at most ${MAX_FILES} policy files`, String(length));
    if (this.bytes > MAX_CONFIG_MAP_BYTES) {
      this.#report(configMap, [], `must hold at most ${MAX_CONFIG_MAP_BYTES} bytes`, String(this.bytes));
    }
  }

  #readSection(section: string, decode: (text: string) => Uint8Array | null): void {
    const node = this.#configMap.fields.get(section)?.node;
    if (!node || (node.kind === 'scalar' && node.value === null)) return;
    if (node.kind !== 'map') this.#report(node, [section], 'must be an object');
    for (const [name, { node: value }] of node.kind === 'map' ? node.fields : []) {
      const isText = value.kind === 'scalar' && typeof value.value === 'string';
      const bytes = isText ? decode(String(value.value)) : null;
      if (bytes) this.#addFile(name, bytes, value, [section, name]);
      else this.#report(value, [section, name], isText ? 'must be base64' : 'must be a string');
    }
  }

  #addFile(name: string, bytes: Uint8Array, value: TreeNode, path: Path): void {
    this.bytes += bytes.length;
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(name)) {
      this.#report(value, path, 'must have as its key up to 253 letters, digits, dashes, underscores and dots');
    } else if (this.#names.has(name)) {
      this.#report(value, path, 'must not be in data as well');
    } else if (isPolicyFileName(name)) {
      this.files.push({ name, bytes });
      const text = value.kind === 'scalar' ? String(value.value) : '';
      this.positions.set(name, positionInFile(value.place, text));
    }
    this.#names.add(name);
  }

  #report(node: TreeNode, path: Path, requirement: string, found = describe(node)): void {
    this.problems.push({ place: node.place, path: [...this.#path, ...path], requirement, found });
  }
}

function holdsPolicies({ bytes }: PolicyFile): boolean {
  return POLICY_API_VERSION.test(Buffer.from(bytes).toString());
}

function isNamedForPolicies(configMap: MapNode): boolean {
  const name = stringAt(configMap, ['metadata', 'name']);
  const app = stringAt(configMap, ['metadata', 'labels', APP_LABEL]);
  return name.includes(SHIPPED_NAME) || (name.endsWith('policy') && app === 'node-svc-checker');
}

/** Null if it is none: Node would skip what it does not know. */
function fromBase64(text: string): Uint8Array | null {
  const oneLine = text.replaceAll(/[\r\n]/g, '');
  const bytes = Buffer.from(oneLine, 'base64');
  return bytes.toString('base64') === oneLine ? bytes : null;
}

/** The empty string if there is none. */
function stringAt(root: TreeNode, path: Path): string {
  const node = lookUp(root, path)?.node;
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
}
