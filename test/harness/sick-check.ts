import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
    const check = { command: [path], periodSeconds: 1, ...spec.check, ...changed.check };
    const policy = {
      apiVersion: 'node-svc-checker/v1',
      kind: 'NodeCheckPolicy',
      metadata: { name: 'sick-check' },
      spec: { ...spec, ...changed, check },
    };
    writeFileSync(join(policyDir, 'sick-check.yaml'), JSON.stringify(policy));
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
