import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_NAMES } from './cluster.ts';

/** What the policy directory says, as far as the story relies on it. */
export const POLICY_NAME = 'storage-daemon';
export const FAILURE_THRESHOLD = 4;
export const BUDGET_NAME = 'storage';
export const TAINT = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' } as const;

const SCHEMA = fileURLToPath(new URL('../../schema/node-check-policy.v1.schema.json', import.meta.url));

/** What the story keeps on disk, in a folder of its own. */
export interface StoryFiles {
  readonly dir: string;
  readonly policyDir: string;
  readonly policyFile: string;
  readonly budgetFile: string;
  readonly kubeconfig: string;
  /** The check of a node fails while this file is there. */
  sickFile(nodeName: string): string;
  breakNode(nodeName: string): void;
  healNode(nodeName: string): void;
  /** Removes the folder; once more does no harm. */
  remove(): void;
}

/**
 * Lays out the check script, the policy that runs it and its budget, and a place for the kubeconfig.
 * @throws Error when the temporary directory cannot be written to.
 */
export function layOutFiles(): StoryFiles {
  const dir = makeFolder();
  const policyDir = join(dir, 'policy');
  const policyFile = join(policyDir, `${POLICY_NAME}.yaml`);
  const budgetFile = join(policyDir, 'budget.yaml');
  const script = join(dir, 'check-storage.sh');
  const sickFile = (nodeName: string) => join(dir, nodeName, 'sick');

  for (const nodeName of NODE_NAMES) mkdirSync(join(dir, nodeName));
  mkdirSync(policyDir);
  writeFileSync(script, CHECK_SCRIPT, { mode: 0o755 });
  writeFileSync(policyFile, policyText(script));
  writeFileSync(budgetFile, BUDGET_TEXT);
  return {
    dir,
    policyDir,
    policyFile,
    budgetFile,
    kubeconfig: join(dir, 'kubeconfig'),
    sickFile,
    breakNode: (nodeName) => writeFileSync(sickFile(nodeName), ''),
    healNode: (nodeName) => rmSync(sickFile(nodeName), { force: true }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'nsc-story-'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new Error(`could not make a folder in ${tmpdir()}: ${reason}; set TMPDIR to a directory you can write to`, {
      cause,
    });
  }
}

/** One script serves all nodes: the agent tells it where it runs. */
const CHECK_SCRIPT = `#!/bin/sh
# Stands in for "is the storage daemon really alive?". Healthy, unless somebody put a file named "sick" into the
# folder of this node. A real check would ask the daemon; all that counts is the exit code.
if [ -e "$(dirname "$0")/$NODE_NAME/sick" ]; then
  echo "the storage daemon of $NODE_NAME does not answer"
  exit 1
fi
`;

const BUDGET_TEXT = `# yaml-language-server: $schema=${SCHEMA}
#
# How many nodes may be disrupted at once, however many fail. Each takes a Lease for it first.
apiVersion: node-svc-checker/v1
kind: NodeDisruptionBudget
metadata:
  name: ${BUDGET_NAME}
spec:
  nodeSelector:
    matchLabels:
      role: storage
  # Or a percentage of these nodes.
  maxUnavailable: 1
`;

function policyText(script: string): string {
  return `# yaml-language-server: $schema=${SCHEMA}
#
# What to check on the nodes, and what to do about it. The agents apply an edit as soon as it is saved.
apiVersion: node-svc-checker/v1
kind: NodeCheckPolicy
metadata:
  name: ${POLICY_NAME}
spec:
  # Enforce acts. Observe only reports what would be done, and undoes what was done before.
  mode: Enforce
  nodeSelector:
    matchLabels:
      role: storage
  check:
    # An argument vector, never a shell string. The script gets NODE_NAME in its environment.
    command: [${JSON.stringify(script)}]
    # A second, to keep the story short; every 5 seconds when left out.
    periodSeconds: 1
    timeoutSeconds: 5
    # Failures in a row before anything is done, so that a hiccup costs nothing.
    failureThreshold: ${FAILURE_THRESHOLD}
    successThreshold: 1
    # Only the exit code decides.
    onStderr: Ignore
  actions:
    # No new pods while the check fails.
    cordon: true
    taint:
      key: ${TAINT.key}
      value: ${JSON.stringify(TAINT.value)}
      effect: ${TAINT.effect}
    # What runs is evicted, as kubectl drain does it. Leave drain out, and what runs keeps running.
    drain:
      timeoutSeconds: 60
`;
}
