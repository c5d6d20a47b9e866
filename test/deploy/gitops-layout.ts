import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BASE = join(ROOT, 'deploy/kustomize/base');
export const GITOPS = join(ROOT, 'gitops');
/** The folders of `gitops/clusters`. */
export const CLUSTERS: readonly string[] = readdirSync(join(GITOPS, 'clusters'));
/** The name of everything in `gitops/components/verify-rollout`. */
export const VERIFY = 'node-svc-checker-verify-rollout';

const temporary: string[] = [];

/** For `after`. */
export function removeTemporaryDirs(): void {
  for (const dir of temporary.splice(0)) rmSync(dir, { recursive: true });
}

/** A new directory; call `removeTemporaryDirs` in the end. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-gitops-'));
  temporary.push(dir);
  return dir;
}

/** A user's own repository: the layout, with the base as a vendored copy. Temporary. */
export function ownRepository(): string {
  const root = temporaryDir();
  cpSync(GITOPS, root, { recursive: true });
  cpSync(BASE, join(root, 'base'), { recursive: true });
  for (const cluster of CLUSTERS) edit(kustomizationOf(root, cluster), '../../../deploy/kustomize/base', '../../base');
  return root;
}

/** Replaces a text in a file that has it. */
export function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  assert.ok(text.includes(from), `${file} has no ${from}`);
  writeFileSync(file, text.replaceAll(from, to));
}

export function hasVerification(root: string, cluster: string): boolean {
  return readFileSync(kustomizationOf(root, cluster), 'utf8').includes('components/verify-rollout');
}

/** Adds the component where it is not, so that all clusters have it. */
export function addVerification(root: string): void {
  for (const cluster of CLUSTERS.filter((name) => !hasVerification(root, name))) {
    edit(kustomizationOf(root, cluster), '  - policy\n', '  - policy\n  - ../../components/verify-rollout\n');
  }
}

export function kustomizationOf(root: string, cluster: string): string {
  return join(root, 'clusters', cluster, 'kustomization.yaml');
}
