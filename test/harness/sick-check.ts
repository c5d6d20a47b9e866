import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createConfigMapVolume } from './config-map-volume.ts';

/** Of the policy `sick-check`; its command and a period of 1 s are there unless it says otherwise. */
export type SickCheckSpec = { readonly check?: object; readonly [field: string]: unknown };

/** A real script that fails while a file exists, and never writes a word. */
export interface SickScript {
  /** Its absolute path. */
  readonly path: string;
  /** The check fails from now on. */
  breakIt(): void;
  /** The check succeeds from now on. */
  heal(): void;
}

/** A policy directory with one policy, whose check is a script that can be broken. */
export interface SickCheck extends Pick<SickScript, 'breakIt' | 'heal'> {
  readonly policyDir: string;
  /** Writes the policy again, with this spec merged over the first one. */
  write(spec: SickCheckSpec): void;
  remove(): void;
}

/** Writes the script, healthy at first, into a directory. */
export function createSickScript(dir: string): SickScript {
  const path = join(dir, 'check.sh');
  const sick = join(dir, 'sick');
  writeFileSync(path, `#!/bin/sh\n[ ! -e '${sick}' ]\n`, { mode: 0o755 });
  return {
    path,
    breakIt: () => writeFileSync(sick, ''),
    heal: () => rmSync(sick, { force: true }),
  };
}

export function createSickCheck(spec: SickCheckSpec): SickCheck {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-sick-check-'));
  const policyDir = join(dir, 'policy');
  const { path, breakIt, heal } = createSickScript(dir);
  mkdirSync(policyDir);
  const write = (changed: SickCheckSpec) => {
    const check = { ...spec.check, ...changed.check };
    writePolicy(policyDir, 'sick-check', path, { ...spec, ...changed, check });
  };
  write({});
  return {
    policyDir,
    write,
    breakIt,
    heal,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** One more policy in a directory, of that name, whose check is a script of its own that can be broken. */
export function addSickPolicy(policyDir: string, name: string, spec: SickCheckSpec): SickScript {
  const dir = join(dirname(policyDir), name);
  mkdirSync(dir);
  const script = createSickScript(dir);
  writePolicy(policyDir, name, script.path, spec);
  return script;
}

/** Its files as a ConfigMap volume beside it, as the kubelet gives them to an agent: these are in force at once. */
export function volumeOf(policyDir: string): string {
  const { dir, project } = createConfigMapVolume(`${policyDir}-volume`);
  project(
    Object.fromEntries(readdirSync(policyDir).map((name) => [name, readFileSync(join(policyDir, name), 'utf8')])),
  );
  return dir;
}

/** A budget in a directory; of its spec `maxUnavailable` is all that it needs. */
export function writeBudget(policyDir: string, name: string, spec: object): void {
  writeDocument(policyDir, 'NodeDisruptionBudget', name, spec);
}

function writePolicy(policyDir: string, name: string, script: string, spec: SickCheckSpec): void {
  const check = { command: [script], periodSeconds: 1, ...spec.check };
  writeDocument(policyDir, 'NodeCheckPolicy', name, { ...spec, check });
}

function writeDocument(policyDir: string, kind: string, name: string, spec: object): void {
  const document = { apiVersion: 'node-svc-checker/v1', kind, metadata: { name }, spec };
  writeFileSync(join(policyDir, `${name}.yaml`), JSON.stringify(document));
}
