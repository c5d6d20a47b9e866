import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { planChange } from '../core/plan/plan.ts';
import type { PolicySet } from '../core/policy.ts';
import { documentText, policyFiles, policyText } from '../policy/fixtures.ts';
import { loadPolicyFiles } from '../policy/load-policies.ts';
import { formatPlan } from './plan-text.ts';

const CHECK = { command: ['/opt/checks/storage.sh'], onStderr: 'Failed' };
const TAINT = { key: 'sick', effect: 'NoSchedule' };
const STORAGE = { matchLabels: { role: 'storage' } };
const CORDONS = { check: CHECK, nodeSelector: STORAGE, actions: { cordon: true } };
const DRAINS = { ...CORDONS, actions: { drain: {} } };
const TAINTS_A = { ...CORDONS, actions: { taint: { ...TAINT, value: 'a' } } };
const TAINTS_B = { ...CORDONS, actions: { taint: { ...TAINT, value: 'b' } } };
const policy = (spec: object, name = 'storage') => policyText(name, spec);
const budget = (maxUnavailable: number | string) => documentText('NodeDisruptionBudget', 'cluster', { maxUnavailable });
const patch = (spec: object) => documentText('NodeCheckPolicyPatch', 'storage', spec);

/** An edit as people make it: files before and after, what is said, and of which kinds it is. */
type Edit = readonly [before: readonly string[], after: readonly string[], said: readonly string[]];

const EDITS: Readonly<Record<string, Edit>> = {
  'a threshold that is raised': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, check: { ...CHECK, failureThreshold: 10 } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  check.failureThreshold  4 → 10',
      '  acts                    15 s after the first failed run (4 in a row, one every 5 s) → 45 s after the first failed run (10 in a row, one every 5 s)',
      '  a node it holds         keeps cordon',
      'look twice:',
      '  protection-lost: policy storage: it acts 45 s after the first failed run, was 15 s',
    ],
  ],
  'a period that is shortened': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, check: { ...CHECK, periodSeconds: 1 } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  check.periodSeconds  5 → 1',
      '  acts                 15 s after the first failed run (4 in a row, one every 5 s) → 3 s after the first failed run (4 in a row, one every 1 s)',
      '  a node it holds      keeps cordon',
      'look twice:',
      '  acts-sooner: policy storage: 3 s after the first failed run, was 15 s',
    ],
  ],
  'a drain that is added': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, actions: { cordon: true, drain: { timeoutSeconds: 60 } } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  actions.drain    (none) → {"timeoutSeconds":60,"gracePeriodSeconds":null,"deleteEmptyDirData":false,"evictUnmanagedPods":false,"podSelector":{},"namespaces":{"exclude":[]},"onTimeout":"GiveUp"}',
      '  does             cordon → cordon, drain',
      '  a node it holds  at once: drain',
      'look twice:',
      '  harm-added: policy storage: drain',
    ],
  ],
  'a drain that is removed': [
    [policy(DRAINS)],
    [policy(CORDONS)],
    [
      '1 policy changed',
      'policy storage: changed',
      '  actions.drain    {"timeoutSeconds":600,"gracePeriodSeconds":null,"deleteEmptyDirData":false,"evictUnmanagedPods":false,"podSelector":{},"namespaces":{"exclude":[]},"onTimeout":"GiveUp"} → (none)',
      '  actions.cordon   false → true',
      '  does             cordon, drain → cordon',
      '  a node it holds  keeps cordon',
      'look twice:',
      '  protection-lost: policy storage: no drain',
    ],
  ],
  'a selector that is widened': [
    [policy(CORDONS)],
    [policy({ check: CHECK, actions: { cordon: true } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  nodeSelector     {"matchLabels":{"role":"storage"}} → (none)',
      '  selects          nodes that it did not select',
      '  a node it holds  keeps cordon',
      'look twice:',
      '  harm-added: policy storage: cordon, on nodes that it did not select',
    ],
  ],
  'a selector that is another one': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, nodeSelector: { matchLabels: { role: 'db' } } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  nodeSelector.matchLabels.role           "storage" → "db"',
      '  selects                                 nodes that it did not select',
      '  selects no more                         nodes that it selected',
      '  a node it holds, not selected any more  at once: uncordon; nothing of ours is left',
      'look twice:',
      '  harm-added: policy storage: cordon, on nodes that it did not select',
      '  undoes: policy storage: uncordon of nodes that it holds',
      '  protection-lost: policy storage: nodes that it selected are not checked by it any more',
    ],
  ],
  'Observe that becomes Enforce': [
    [policy({ ...DRAINS, mode: 'Observe' })],
    [policy(DRAINS)],
    [
      '1 policy changed',
      'policy storage: changed',
      '  mode  "Observe" → "Enforce"',
      '  does  nothing (Observe); else cordon, drain → cordon, drain',
      'look twice:',
      '  harm-added: policy storage: cordon, drain',
    ],
  ],
  'Enforce that becomes Observe': [
    [policy(DRAINS)],
    [policy({ ...DRAINS, mode: 'Observe' })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  mode             "Enforce" → "Observe"',
      '  does             cordon, drain → nothing (Observe); else cordon, drain',
      '  a node it holds  at once: uncordon; nothing of ours is left',
      'look twice:',
      '  undoes: policy storage: uncordon of nodes that it holds',
      '  protection-lost: policy storage: it does nothing (Observe)',
    ],
  ],
  'a budget that is raised': [
    [policy(CORDONS), budget('10%')],
    [policy(CORDONS), budget('25%')],
    [
      '1 budget changed',
      'budget cluster: changed',
      '  maxUnavailable  "10%" → "25%"',
      '  more at once    maxUnavailable is 25%, was 10%',
      'look twice:',
      '  disrupts-more: budget cluster: maxUnavailable is 25%, was 10%',
    ],
  ],
  'a budget that is removed': [
    [policy(CORDONS), budget(1)],
    [policy(CORDONS)],
    [
      '1 budget changed',
      'budget cluster: removed',
      '  limits        1 of every node out of service at once',
      '  more at once  it limits nothing any more',
      'look twice:',
      '  disrupts-more: budget cluster: it limits nothing any more',
    ],
  ],
  'a budget that is renamed': [
    [policy(CORDONS), budget(1)],
    [policy(CORDONS), budget(1).replace('name: cluster', 'name: all')],
    [
      '2 budgets changed',
      'budget all: added',
      '  limits  1 of every node out of service at once',
      'budget cluster: removed',
      '  limits  1 of every node out of service at once',
    ],
  ],
  'a budget that stops everything': [
    [policy(CORDONS), budget(1)],
    [policy(CORDONS), budget(0)],
    [
      '1 budget changed',
      'budget cluster: changed',
      '  maxUnavailable  1 → 0',
      '  stops           every new action on nodes that it selects; undoing goes on',
      'look twice:',
      '  protection-lost: budget cluster: nothing new is done to nodes',
    ],
  ],
  "a taint's key that is changed": [
    [policy({ ...CORDONS, actions: { taint: TAINT } })],
    [policy({ ...CORDONS, actions: { taint: { ...TAINT, key: 'ill' } } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  actions.taint.key  "sick" → "ill"',
      '  does               taint sick:NoSchedule → taint ill:NoSchedule',
      '  a node it holds    at once: taint ill:NoSchedule, remove taint sick:NoSchedule',
      'look twice:',
      '  harm-added: policy storage: taint ill:NoSchedule',
      '  protection-lost: policy storage: no taint sick:NoSchedule',
    ],
  ],
  'an onStderr that ends the agent': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, check: { ...CHECK, onStderr: 'Fatal' } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  check.onStderr                     "Failed" → "Fatal"',
      '  exit code 0 with output on stderr  counts as Failed → ends the agent',
      '  a node it holds                    keeps cordon',
      'look twice:',
      '  agent-ends: policy storage: output on stderr ends the agent (onStderr: Fatal)',
    ],
  ],
  'exit codes that are known': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, check: { ...CHECK, exitCodes: { unknown: [3, 4, 5, 126, 127] } } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  check.exitCodes.unknown  [126,127] → [3,4,5,126,127]',
      '  exit codes 3-5           counts as Failed → counts as Unknown',
      '  a node it holds          keeps cordon',
      'look twice:',
      '  protection-lost: policy storage: 3 ways for a run to end that counted as failed do not',
    ],
  ],
  'a patch that is removed': [
    [policy(CORDONS), patch({ mode: 'Observe' })],
    [policy(CORDONS)],
    [
      '1 policy changed',
      'policy storage: changed',
      '  mode  "Observe" → "Enforce"',
      '  does  nothing (Observe); else cordon → cordon',
      'look twice:',
      '  harm-added: policy storage: cordon',
    ],
  ],
  'a policy that is renamed': [
    [policy(CORDONS)],
    [policy(CORDONS, 'disks')],
    [
      '1 policy changed',
      'policy disks: renamed',
      '  was called       storage',
      '  a node it holds  at once: uncordon; if its check goes on failing: cordon',
      'look twice:',
      '  undoes: policy disks: uncordon of nodes that it holds, until it has failed anew',
    ],
  ],
  'policies that want other values of one taint, in another order': [
    [policy(TAINTS_A), policy(TAINTS_B, 'other')],
    [policy(TAINTS_B, 'other'), policy(TAINTS_A)],
    [
      'the order of the policies changed',
      'order of the policies',
      '  decides whose value of a taint counts  storage, other → other, storage',
    ],
  ],
  'another order that decides nothing': [
    [policy(CORDONS), policy(CORDONS, 'other')],
    [policy(CORDONS, 'other'), policy(CORDONS)],
    ['no change in effect'],
  ],
  'a policy that is added': [
    [policy(CORDONS)],
    [policy(CORDONS), policy({ check: { ...CHECK, command: ['/x'] }, actions: { taint: TAINT } }, 'gpu')],
    [
      '1 policy changed',
      'policy gpu: added',
      '  selects  every node',
      '  does     taint sick:NoSchedule',
      '  acts     15 s after the first failed run (4 in a row, one every 5 s)',
      'look twice:',
      '  harm-added: policy gpu: taint sick:NoSchedule',
    ],
  ],
  'a policy that is removed': [
    [policy(CORDONS), policy({ check: CHECK }, 'other')],
    [policy({ check: CHECK }, 'other')],
    [
      '1 policy changed',
      'policy storage: removed',
      '  selects          nodes with role=storage',
      '  does             cordon',
      '  acts             15 s after the first failed run (4 in a row, one every 5 s)',
      '  a node it holds  at once: uncordon; nothing of ours is left',
      'look twice:',
      '  undoes: policy storage: uncordon of nodes that it holds',
      '  protection-lost: policy storage: the policy is gone',
    ],
  ],
  'a pause': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, paused: true })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  paused           false → true',
      '  does             cordon → nothing (Paused); else cordon',
      '  a node it holds  keeps cordon',
      'look twice:',
      '  protection-lost: policy storage: it does nothing (Paused)',
    ],
  ],
  'a drain that takes more pods': [
    [policy(DRAINS)],
    [policy({ ...DRAINS, actions: { drain: { deleteEmptyDirData: true } } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  actions.drain.deleteEmptyDirData  false → true',
      '  a node it holds                   at once: drain',
      'look twice:',
      '  harm-added: policy storage: the drain takes pods that it did not take',
    ],
  ],
  'another check': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, check: { ...CHECK, command: ['/opt/checks/other.sh'] } })],
    [
      '1 policy changed',
      'policy storage: changed',
      '  check.command    ["/opt/checks/storage.sh"] → ["/opt/checks/other.sh"]',
      '  its check        is another one: its runs are counted from zero',
      '  a node it holds  keeps cordon',
      'look twice:',
      '  acts-sooner: policy storage: its check is another one, which may fail where the one before did not',
    ],
  ],
  'other words': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, check: { ...CHECK, words: 'LastLine' } })],
    [
      '1 policy changed; cordons, taints and drains stay the same',
      'policy storage: changed',
      '  check.words      "FirstLine" → "LastLine"',
      '  a node it holds  keeps cordon',
    ],
  ],
  'a default that is written down': [
    [policy(CORDONS)],
    [policy({ ...CORDONS, mode: 'Enforce', check: { ...CHECK, periodSeconds: 5 } })],
    ['no change in effect'],
  ],
};

suite('a plan says of', () => {
  for (const [name, [before, after, expected]] of Object.entries(EDITS)) {
    test(name, () => assert.deepEqual(planLines(before, after), expected));
  }
});

/** But for the revisions, and the lines that are empty. */
function planLines(before: readonly string[], after: readonly string[]): string[] {
  const plan = planChange(load(before), load(after), null);
  const lines = formatPlan(plan, Number.POSITIVE_INFINITY).filter((line) => line !== '');
  return lines.map((line) => line.replace(/ \(revision [0-9a-f]{12} → [0-9a-f]{12}\)$/, ''));
}

function load(documents: readonly string[]): PolicySet {
  const loaded = loadPolicyFiles(policyFiles({ 'a.yaml': documents.join('---\n') }));
  assert.ok(loaded.valid, JSON.stringify(loaded));
  return loaded.set;
}
