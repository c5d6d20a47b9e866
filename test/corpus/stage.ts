import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeCheckPolicy } from '../../agent/core/policy.ts';
import { formatPolicyErrors } from '../../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';

/** In what a check runs with, and in what it says: the directory that its files are in. */
export const DIR = '{dir}';
/** Of a check that says nothing of its time: a busy machine makes none time out. */
const TIMEOUT_SECONDS = 120;
/** The longest that there is, so that each check runs once. */
const PERIOD_SECONDS = 86_400;

/** A check to be played. */
export interface Part {
  /** The name of its policy. */
  readonly policy: string;
  readonly command: readonly string[];
  /** What differs from the defaults. */
  readonly check?: object;
  /** It writes to stderr under `onStderr: Fatal`. */
  readonly endsAgent?: boolean;
}

export interface Play {
  /** A directory whose contents the checks find in {@link DIR}. */
  readonly files: string;
  readonly parts: readonly Part[];
}

/** A policy directory beside a copy of the files: those who play at the same time must not share a lock. */
export interface Stage {
  readonly policyDir: string;
  /** As the agent reads them. */
  readonly policies: readonly NodeCheckPolicy[];
  /** Where another file has a place. */
  path(name: string): string;
  /** A text with {@link DIR} for where it is. */
  withoutDir(text: string): string;
  remove(): void;
}

export function createStage({ files, parts }: Play): Stage {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-corpus-'));
  const [copy, policyDir] = [join(dir, 'files'), join(dir, 'policy')];
  cpSync(files, copy, { recursive: true, verbatimSymlinks: true });
  // Those that take their time begin, so that they have most of it to say something.
  const ordered = parts.toSorted((a, b) => Number(hasOwnTime(b)) - Number(hasOwnTime(a)));
  const text = ordered.map((part) => JSON.stringify(policyOf(part)).replaceAll(DIR, copy)).join('\n---\n');
  mkdirSync(policyDir);
  writeFileSync(join(policyDir, 'policies.yaml'), text);
  const loaded = loadPolicyFiles([{ name: 'policies.yaml', bytes: Buffer.from(text) }]);
  if (!loaded.valid) throw new Error(formatPolicyErrors(loaded.errors).join('\n'));
  return {
    policyDir,
    policies: loaded.set.policies,
    path: (name) => join(dir, name),
    withoutDir: (said) => said.replaceAll(copy, DIR),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Whether a check is one that times out. */
export function hasOwnTime({ check }: Part): boolean {
  return check !== undefined && 'timeoutSeconds' in check;
}

function policyOf({ policy, command, check }: Part) {
  const spec = {
    mode: 'Observe',
    check: { periodSeconds: PERIOD_SECONDS, timeoutSeconds: TIMEOUT_SECONDS, ...check, command },
    actions: { cordon: true },
  };
  return { apiVersion: 'node-svc-checker/v1', kind: 'NodeCheckPolicy', metadata: { name: policy }, spec };
}
