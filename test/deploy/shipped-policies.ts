import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { skipWithout } from '../harness/binaries.ts';
import { codeBlocks } from '../harness/code-blocks.ts';
import { CLUSTERS } from './gitops-layout.ts';
import { POLICY, SCRIPT, skipWithoutHelm, template, VALUE_PATHS, type Values } from './helm-chart.ts';
import { find, INSTALLATIONS, type RenderedObject, render } from './render.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CHART_README = 'deploy/helm/node-svc-checker/README.md';
/** In every policy and budget. */
const MARK = 'apiVersion: node-svc-checker/v1';

/** The files of one policy directory, by name. */
export type PolicyFiles = Readonly<Record<string, string>>;

/** A policy directory that users get from us, or copy out of a document. */
export interface ShippedSet {
  /** Where it stands, from the root of the repository. */
  readonly name: string;
  /** For node:test: why it cannot be rendered here, or false. */
  readonly skip: string | false;
  /** Rendered once, however often it is asked for. */
  files(): Promise<PolicyFiles>;
}

/** Every set there is: of each kustomization, of the chart and of each document. */
export function shippedSets(): ShippedSet[] {
  return [...kustomizations(), ...chartValues(), ...documents()];
}

/** Every file of the repository that users get and that has a policy or a budget in it, from the root; with its text. */
export function filesWithPolicies(): { readonly name: string; readonly text: string }[] {
  const found = ['README.md', ...['deploy', 'gitops', 'docs'].flatMap(filesUnder)];
  return found
    .map((name) => ({ name, text: readFileSync(join(ROOT, name), 'utf8') }))
    .filter(({ text }) => text.includes(MARK));
}

/** How many policies, patches and budgets a text has. */
export function countPolicies(text: string): number {
  return text.split(MARK).length - 1;
}

function kustomizations(): ShippedSet[] {
  const folders = [
    ...INSTALLATIONS.map((name) => `deploy/kustomize/${name}`),
    ...CLUSTERS.map((name) => `gitops/clusters/${name}`),
  ];
  return folders.map((name) =>
    shipped(name, skipWithout('kubectl'), async () => policyFiles(await render(join(ROOT, name)))),
  );
}

/** The defaults, `checker.*` with all that it can do, and every block of the chart's README, each of which is values. */
function chartValues(): ShippedSet[] {
  const actions = VALUE_PATHS.filter((path) => /^checker\.\w+OnFailure$/.test(path)).map((path) => path.split('.')[1]);
  const checker = { nodeCheckScriptPath: SCRIPT, ...Object.fromEntries(actions.map((name) => [name, true])) };
  const sets: readonly (readonly [string, Values])[] = [
    ['deploy/helm: no values', {}],
    [`deploy/helm: checker with ${actions.join(', ')}`, { checker }],
    ...blocksOf(CHART_README).map(([name, block]) => [name, parse(block)] as const),
  ];
  return sets.map(([name, values]) => shipped(name, skipWithoutHelm, async () => policyFiles(await template(values))));
}

function documents(): ShippedSet[] {
  const found = filesWithPolicies().filter(({ name }) => name.endsWith('.md') && name !== CHART_README);
  const blocks = found.flatMap(({ name }) => blocksOf(name)).filter(([, block]) => block.includes(MARK));
  return blocks.map(([name, block]) => shipped(name, false, async () => ({ 'block.yaml': block })));
}

function blocksOf(document: string): (readonly [string, string])[] {
  const blocks = codeBlocks(readFileSync(join(ROOT, document), 'utf8'), 'yaml');
  return blocks.map((block, index) => [`${document}: yaml block ${index + 1}`, block] as const);
}

function policyFiles(objects: readonly RenderedObject[]): PolicyFiles {
  return find(objects, POLICY).data ?? {};
}

function shipped(name: string, skip: string | false, read: () => Promise<PolicyFiles>): ShippedSet {
  let files: Promise<PolicyFiles> | undefined;
  return {
    name,
    skip,
    files() {
      files ??= read();
      return files;
    },
  };
}

function filesUnder(dir: string): string[] {
  const entries = readdirSync(join(ROOT, dir), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(ROOT.length));
}
