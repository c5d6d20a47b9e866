import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of the policy `sick-check`; its command and a period of 1 s are there unless it says otherwise. */
export type SickCheckSpec = { readonly check?: object; readonly [field: string]: unknown };

/** A policy directory with one policy, whose real script fails while a file exists. */
export interface SickCheck {
  readonly policyDir: string;
  /** The check fails from now on. */
  breakIt(): void;
  /** The check succeeds from now on. */
  heal(): void;
  /** Writes the policy again, with this spec merged over the first one. */
  write(spec: SickCheckSpec): void;
  remove(): void;
}

export function createSickCheck(spec: SickCheckSpec): SickCheck {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-sick-check-'));
  const policyDir = join(dir, 'policy');
  const script = join(dir, 'check.sh');
  const sick = join(dir, 'sick');
  mkdirSync(policyDir);
  writeFileSync(script, `#!/bin/sh\n[ ! -e '${sick}' ]\n`, { mode: 0o755 });
  const write = (changed: SickCheckSpec) => {
    const check = { command: [script], periodSeconds: 1, ...spec.check, ...changed.check };
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
    breakIt: () => writeFileSync(sick, ''),
    heal: () => rmSync(sick, { force: true }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
